//! Faults and rate limits as they are ordered: what is taken is shown as it could
//! be ordered again.
#![no_main]

use kabao_sandbox::{RateLimits, fuzzing::fault};
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(order) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    match fault(order.clone()) {
        Ok(shown) => assert_eq!(fault(shown.clone()), Ok(shown)),
        Err(issue) => assert!(!issue.is_empty()),
    }
    if let Ok(limits) = serde_json::from_value::<RateLimits>(order) {
        let shown = serde_json::to_value(&limits).expect("limits");
        assert_eq!(
            serde_json::from_value::<RateLimits>(shown).ok(),
            Some(limits)
        );
    }
});
