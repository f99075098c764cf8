//! Base addresses. First line: the base; second: a reference.
#![no_main]

use kabao_core::{message::Signed, target::BaseUrl};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (base, reference) = text.split_once('\n').unwrap_or((text, "v3/certificates"));
    let _ = Signed::for_path(reference);
    match base.parse::<BaseUrl>() {
        Ok(base) => {
            assert!(!base.origin().contains(['@', '?', '#', ' ']));
            let target = base.target(reference);
            assert!(
                target.starts_with('/') && target.ends_with(reference),
                "{target}"
            );
        }
        // What stands before an @ may be a password.
        Err(error) => {
            if let Some((_, host)) = base.rsplit_once('@') {
                assert!(
                    error.to_string().starts_with(&format!("`…@{host}` ")),
                    "{error}"
                );
            }
        }
    }
});
