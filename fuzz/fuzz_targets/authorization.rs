//! The `Authorization` header: what is read is written back and read the same,
//! and no item is there twice.
#![no_main]

use kabao_core::authorization::Authorization;

libfuzzer_sys::fuzz_target!(|header: &str| {
    let Ok(read) = header.parse::<Authorization>() else {
        return;
    };
    let written = read.to_string();
    assert_eq!(written.parse::<Authorization>().as_ref(), Ok(&read));
    // Only the order of the items is free.
    assert_eq!(written.len(), header.len());
    let mut items: Vec<_> = header
        .split_whitespace()
        .nth(1)
        .unwrap()
        .split(',')
        .collect();
    let mut own: Vec<_> = written.split(' ').nth(1).unwrap().split(',').collect();
    items.sort_unstable();
    own.sort_unstable();
    assert_eq!(items, own);
    assert!(read.timestamp.bytes().all(|byte| byte.is_ascii_digit()));
});
