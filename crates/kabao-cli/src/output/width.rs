//! Texts by the columns they take: a Chinese character takes two.

use unicode_width::UnicodeWidthStr;

/// How many columns a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// The text with blanks behind it up to `width` columns.
pub(crate) fn pad(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(columns(text));
    format!("{text}{:blanks$}", "")
}

/// The text cut to `width` columns, the last of them `…` if it was longer.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    for character in text.chars() {
        let mut longer = out.clone();
        longer.push(character);
        if columns(&longer) + 1 > width {
            break;
        }
        out = longer;
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// The text with control characters written out, so that what somebody stored
/// on a card can neither break a line nor steer the terminal.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other if other.is_control() || is_direction(other) => {
                out.extend(other.escape_unicode());
            }
            other => out.push(other),
        }
    }
    out
}

/// Marks that turn the reading direction of what follows.
fn is_direction(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(columns("钻石会员"), 8);
        assert_eq!(pad("钻石", 6), "钻石  ");
        assert_eq!(pad("toolong", 3), "toolong");
        for text in ["Level", "级别", "e\u{301}t", ""] {
            assert_eq!(columns(&pad(text, 9)), 9, "{text}");
        }
    }

    #[test]
    fn cutting_never_splits_a_wide_character() {
        assert_eq!(cut("钻石会员", 8), "钻石会员");
        assert_eq!(cut("钻石会员", 7), "钻石会…");
        assert_eq!(cut("钻石会员", 6), "钻石…");
        assert_eq!(cut("gold", 1), "…");
        assert_eq!(cut("gold", 0), "");
    }

    #[test]
    fn control_characters_are_written_out() {
        assert_eq!(
            printable("a\u{1b}[2J\nb\u{202e}c"),
            "a\\u{1b}[2J\\nb\\u{202e}c"
        );
        assert_eq!(printable("自定义数据说明"), "自定义数据说明");
    }
}
