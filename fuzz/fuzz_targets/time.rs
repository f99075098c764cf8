//! Instants: one that is read is written and read the same.
#![no_main]

use kabao_core::time::Time;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let time = Time::from(text);
    assert_eq!(time.as_str(), text);
    let Some(instant) = time.instant() else {
        return;
    };
    let milliseconds = Time::at(instant).instant().expect("as written here");
    // Before 1970 too, what is finer is cut off downwards.
    let floor = |unit| instant.as_nanosecond().div_euclid(unit);
    assert_eq!(
        milliseconds.as_nanosecond(),
        floor(1_000_000) * 1_000_000,
        "{text}"
    );
    let seconds = Time::seconds(instant).instant().expect("as written here");
    assert_eq!(
        i128::from(seconds.as_second()),
        floor(1_000_000_000),
        "{text}"
    );
});
