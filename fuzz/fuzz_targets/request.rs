//! Requests of the API behind the signature check: method, target and content
//! type on the first line, then the body. Whatever comes, the answer is one that
//! is documented, and never a failure of the sandbox's own.
#![no_main]

use std::cell::RefCell;

use kabao_core::error_body::ErrorBody;
use kabao_sandbox::fuzzing::Server;

thread_local! {
    static SERVER: (Server, RefCell<u32>) = Default::default();
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let Ok(head) = std::str::from_utf8(lines.next().unwrap_or_default()) else {
        return;
    };
    let body = lines.next().unwrap_or_default();
    let mut words = head.splitn(3, ' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return;
    };
    let content_type = words.next().unwrap_or("application/json");
    SERVER.with(|(server, count)| {
        let Some((status, answer)) = server.answer(method, target, content_type, body) else {
            return;
        };
        match status {
            200..300 => {}
            400..500 => {
                let refusal = ErrorBody::parse(&answer).expect("an error body");
                assert!(!refusal.code.is_empty() && !refusal.message.is_empty());
            }
            other => panic!("{other}: {}", String::from_utf8_lossy(&answer)),
        }
        // What was written is forgotten now and then.
        *count.borrow_mut() += 1;
        if *count.borrow() % 2000 == 0 {
            server.control("POST", "/_sandbox/reset", b"");
        }
    });
});
