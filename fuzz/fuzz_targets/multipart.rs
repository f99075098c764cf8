//! Multipart bodies. First line: the content type; then the body. A part that is
//! found holds no delimiter, and one that is put in comes out.
#![no_main]

use kabao_sandbox::fuzzing::{boundary, part};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let content_type = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let body = lines.next().unwrap_or_default();
    let Some(mark) = boundary(&content_type) else {
        return;
    };
    assert!(!mark.is_empty());
    let delimiter = format!("\r\n--{mark}");
    let has_delimiter = |bytes: &[u8]| {
        let mut windows = bytes.windows(delimiter.len());
        windows.any(|window| window == delimiter.as_bytes())
    };
    if let Some(found) = part(body, &mark, "meta") {
        assert!(!has_delimiter(found));
    }
    let head = "Content-Disposition: form-data; name=\"meta\"\r\n\r\n";
    if !has_delimiter(&[b"\r\n\r\n", body].concat()) {
        let start = format!("--{mark}\r\n{head}");
        let end = format!("{delimiter}--\r\n");
        let whole = [start.as_bytes(), body, end.as_bytes()].concat();
        assert_eq!(part(&whole, &mark, "meta"), Some(body));
        assert_eq!(part(&whole, &mark, "file"), None);
    }
});
