//! Query strings and percent-encoding: pairs read from one are written and read
//! again the same.
#![no_main]

use kabao_core::query::{decode_component, decode_pairs, encode_component, to_query};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let encoded = encode_component(text);
    assert!(
        encoded
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte))
    );
    assert_eq!(decode_component(&encoded).as_deref(), Some(text));
    if let Some(component) = decode_component(text) {
        assert_eq!(
            decode_component(&encode_component(&component)),
            Some(component)
        );
    }
    if let Some(pairs) = decode_pairs(text) {
        let query = to_query(&pairs).expect("pairs");
        assert_eq!(decode_pairs(&query), Some(pairs), "{query}");
    }
});
