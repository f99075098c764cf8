//! The control plane: method and target on the first line, then the body. The
//! answer is never a failure of the sandbox's own.
#![no_main]

use kabao_core::error_body::ErrorBody;
use kabao_sandbox::fuzzing::Server;

thread_local! {
    static SERVER: Server = Server::default();
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let Ok(head) = std::str::from_utf8(lines.next().unwrap_or_default()) else {
        return;
    };
    let body = lines.next().unwrap_or_default();
    // Making keys takes longer than thousands of other inputs.
    let makes_keys = ["/keys/", "/merchants", "/brands"];
    let Some((method, target)) = head.split_once(' ') else {
        return;
    };
    if makes_keys.iter().any(|path| target.contains(path)) {
        return;
    }
    SERVER.with(|server| {
        let Some((status, answer)) = server.control(method, target, body) else {
            return;
        };
        assert!(
            status < 500,
            "{status}: {}",
            String::from_utf8_lossy(&answer)
        );
        if status >= 400 && method != "HEAD" {
            let refusal = ErrorBody::parse(&answer).expect("an error body");
            assert!(!refusal.code.is_empty() && !refusal.message.is_empty());
        }
        if method != "GET" {
            server.control("POST", "/_sandbox/reset", b"");
            server.control(
                "PUT",
                "/_sandbox/clock",
                br#"{"offset_seconds":0,"frozen":false,"speed":1}"#,
            );
            server.control("PUT", "/_sandbox/rate-limits", br#"{"limits":"off"}"#);
        }
    });
});
