//! Paths with placeholders. First line: the path; second: what every placeholder
//! stands for. A value stays one segment and reads back; nothing that is resolved
//! on the way comes out.
#![no_main]

use kabao_core::{
    query::{decode_component, encode_component},
    template::{Template, segment},
};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (path, value) = text.split_once('\n').unwrap_or((text, "x"));
    let _ = Template::from_segments(path.split('.'));
    let _ = Template::parse(&segment(path));
    let Ok(template) = Template::parse(path) else {
        return;
    };
    // `Display` leaves out the query, which may hold a token.
    let shown = template.to_string();
    assert!(!shown.contains('?'));
    if !path.contains('?') {
        assert_eq!(Template::parse(&shown).as_ref(), Ok(&template), "{shown}");
    }
    let Ok(expanded) = template.expand(|_| Some(value)) else {
        return;
    };
    assert!(
        expanded.is_ascii() && !expanded.contains(['#', '\\', ' ']),
        "{expanded}"
    );
    let route = expanded.split('?').next().unwrap();
    for segment in route.split('/') {
        let decoded = decode_component(segment);
        assert!(
            !matches!(decoded.as_deref(), Some("." | "..")),
            "{expanded}"
        );
    }
    // Without ready pieces, segments are neither made nor lost.
    if !path.contains("{+") {
        let (route, expanded) = (path.split('?').next().unwrap(), route);
        let braces = |text: &str| text.contains(['{', '_', '$']);
        assert_eq!(count(&shown), count(expanded), "{path} -> {expanded}");
        // An escape that is broken is itself escaped.
        if !braces(route) && decode_component(route).is_some() {
            assert_eq!(decode_component(expanded), decode_component(route));
        }
    }
    // The value alone comes back as it went in.
    if let Ok(one) = Template::parse("a/{x}/b").unwrap().expand(|_| Some(value)) {
        let middle = one
            .strip_prefix("a/")
            .and_then(|rest| rest.strip_suffix("/b"))
            .unwrap();
        assert_eq!(middle, encode_component(value));
        assert_eq!(decode_component(middle).as_deref(), Some(value));
    }
});

/// How many segments, a slash in the name of a placeholder apart.
fn count(path: &str) -> usize {
    let mut in_braces = false;
    path.chars()
        .filter(|character| {
            match character {
                '{' => in_braces = true,
                '}' => in_braces = false,
                _ => {}
            }
            *character == '/' && !in_braces
        })
        .count()
}
