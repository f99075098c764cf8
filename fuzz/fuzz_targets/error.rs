//! Error bodies: one that is read is written and read the same.
#![no_main]

use kabao_core::error_body::ErrorBody;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some(read) = ErrorBody::parse(bytes) else {
        return;
    };
    let written = serde_json::to_vec(&read).expect("an error body");
    assert_eq!(ErrorBody::parse(&written), Some(read));
});
