//! The little of `multipart/form-data` that authentication needs: one part's
//! bytes, exactly.

use http::{HeaderMap, header};
use memchr::memmem;

/// The boundary, if these are the headers of a multipart body. What of them is not
/// ASCII, such as a file's name, says nothing about that.
pub(crate) fn boundary_in(headers: &HeaderMap) -> Option<String> {
    let content_type = headers.get(header::CONTENT_TYPE)?;
    boundary(&String::from_utf8_lossy(content_type.as_bytes()))
}

/// The boundary in a `Content-Type`.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (name.trim().eq_ignore_ascii_case("boundary") && !value.is_empty())
            .then(|| value.to_owned())
    })
}

/// The bytes of the part with that name: between the blank line and the line
/// break before the next boundary.
pub(crate) fn part<'a>(body: &'a [u8], boundary: &str, name: &str) -> Option<&'a [u8]> {
    let delimiter = format!("--{boundary}");
    let mut rest = after(body, delimiter.as_bytes())?;
    loop {
        let part = rest.strip_prefix(b"\r\n")?;
        let end_mark = format!("\r\n{delimiter}");
        let end = find(part, end_mark.as_bytes())?;
        let (head, content) = split(&part[..end], b"\r\n\r\n")?;
        if is_named(head, name) {
            return Some(content);
        }
        rest = &part[end + end_mark.len()..];
    }
}

fn is_named(head: &[u8], name: &str) -> bool {
    let head = String::from_utf8_lossy(head);
    let wanted = format!("name=\"{name}\"");
    head.split("\r\n").any(|line| {
        let Some((header, value)) = line.split_once(':') else {
            return false;
        };
        header.trim().eq_ignore_ascii_case("content-disposition")
            && value.split(';').any(|item| item.trim() == wanted)
    })
}

/// In time that grows with the bytes alone: a stranger chooses both.
fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    memmem::find(bytes, what)
}

fn after<'a>(bytes: &'a [u8], what: &[u8]) -> Option<&'a [u8]> {
    find(bytes, what).map(|start| &bytes[start + what.len()..])
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    find(bytes, at).map(|start| (&bytes[..start], &bytes[start + at.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\r\nxx\r\n--B\r\nContent-Disposition: form-data; name=\"meta\";\r\nContent-Type: application/json\r\n\r\n{\"a\":1}\r\n--B--\r\n";

    #[test]
    fn a_part_is_found_by_name_whatever_its_place() {
        assert_eq!(part(BODY, "B", "meta"), Some(&b"{\"a\":1}"[..]));
        assert_eq!(part(BODY, "B", "file"), Some(&b"xx"[..]));
        assert_eq!(part(BODY, "B", "other"), None);
        assert_eq!(part(b"--B", "B", "meta"), None);
    }

    #[test]
    fn the_boundary_is_read_in_any_case_and_with_quotes() {
        assert_eq!(
            boundary("Multipart/Form-Data; Boundary=\"x y\"").as_deref(),
            Some("x y")
        );
        assert_eq!(boundary("application/json; boundary=x"), None);
    }
}
