//! The card as the user sees it: its colour, title, level and code.

use anstyle::{RgbColor, Style};
use kabao::card_member::UserCard;

use super::{
    paint::Paint,
    time,
    width::{columns, cut, pad, printable},
};

/// Draws the face, at most `width` columns wide; nothing if that is too narrow.
///
/// Only blanks carry the colour. Block and box characters would join more
/// finely, but terminals set up for Chinese may give them two columns.
pub(crate) fn draw(card: &UserCard, title: Option<&str>, paint: Paint, width: usize) -> String {
    const WIDEST: usize = 48;
    const NARROWEST: usize = 30;
    if width < NARROWEST {
        return String::new();
    }
    let width = width.min(WIDEST) - 2;
    let ground = card
        .card_color
        .as_deref()
        .and_then(parse_color)
        .unwrap_or(WITHOUT_COLOR);
    let style = Style::new()
        .bg_color(Some(paint.color(ground)))
        .fg_color(Some(paint.color(ink_on(ground))));
    let bold = style.bold();
    let end = time::end(card);
    let until = match (card.end(), end.split_once(' ')) {
        (Some(_), Some((day, _))) => format!("until {day}"),
        _ => end,
    };
    let level = card.level.as_deref().unwrap_or_default();
    let lines = [
        (style, String::new(), String::new()),
        (
            style,
            title.unwrap_or("Member card").to_owned(),
            format!("Brand {}", card.brand_id),
        ),
        (style, String::new(), String::new()),
        (bold, level.to_owned(), String::new()),
        (style, String::new(), String::new()),
        (bold, in_fours(&card.user_card_code), String::new()),
        (style, card.user_card_state.to_string(), until),
        (style, String::new(), String::new()),
    ];
    let last = lines.len() - 1;
    let mut out = String::new();
    for (index, (style, left, right)) in lines.iter().enumerate() {
        // Corners one column in look round.
        let corner = usize::from(index == 0 || index == last);
        let inner = line(&printable(left), &printable(right), width - 2 * corner);
        let edge = " ".repeat(1 + corner);
        out.push_str(&format!("{edge}{}\n", paint.style(*style, &inner)));
    }
    out
}

/// Left and right text on a line of exactly `width` columns.
fn line(left: &str, right: &str, width: usize) -> String {
    const MARGIN: usize = 3;
    let room = width.saturating_sub(2 * MARGIN);
    let right = cut(right, room);
    let gap = usize::from(!right.is_empty());
    let left_room = room.saturating_sub(columns(&right) + gap);
    let left = pad(&cut(left, left_room), left_room + gap);
    let margin = " ".repeat(MARGIN);
    pad(&format!("{margin}{left}{right}{margin}"), width)
}

/// `4785 1583 2665`, as embossed.
fn in_fours(code: &str) -> String {
    let characters: Vec<char> = code.chars().collect();
    let groups: Vec<String> = characters
        .chunks(4)
        .map(|group| group.iter().collect())
        .collect();
    groups.join(" ")
}

fn parse_color(text: &str) -> Option<RgbColor> {
    let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6)?;
    if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let channel = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    Some(RgbColor(channel(0)?, channel(2)?, channel(4)?))
}

/// Black or white, whichever contrasts more (WCAG relative luminance).
fn ink_on(RgbColor(red, green, blue): RgbColor) -> RgbColor {
    let linear = |channel: u8| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    let luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    // Where both contrasts are equal: (1.05 · 0.05)^½ − 0.05.
    if luminance > 0.179 {
        RgbColor(0, 0, 0)
    } else {
        RgbColor(255, 255, 255)
    }
}

const WITHOUT_COLOR: RgbColor = RgbColor(0x4A, 0x55, 0x60);

#[cfg(test)]
mod tests {
    use super::*;

    fn card(color: &str, level: &str) -> UserCard {
        serde_json::from_value(serde_json::json!({
            "user_card_code": "478515832665", "card_id": "p", "openid": "o", "brand_id": "1004",
            "card_type": "NORMAL", "level": level, "card_color": color,
            "valid_date_information": {"type": "PERMANENT"},
            "pickup_time": "2020-05-20T13:29:35.120+08:00", "user_card_state": "EFFECTIVE",
        }))
        .expect("a user card")
    }

    fn without_escapes(text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            out.push_str(before);
            rest = after.split_once('m').map_or("", |(_, tail)| tail);
        }
        out + rest
    }

    #[test]
    fn the_face_has_the_cards_own_colour_and_readable_ink() {
        let yellow = draw(
            &card("#FFFF00", "钻石会员"),
            Some("测试卡"),
            Paint::Full,
            80,
        );
        assert!(yellow.contains("48;2;255;255;0"), "{yellow:?}");
        assert!(yellow.contains("38;2;0;0;0"), "{yellow:?}");
        assert!(yellow.contains("钻石会员") && yellow.contains("4785 1583 2665"));
        let navy = draw(&card("#000080", ""), Some("测试卡"), Paint::Full, 80);
        assert!(navy.contains("38;2;255;255;255"), "{navy:?}");
    }

    #[test]
    fn the_right_edge_is_straight_whatever_the_script_and_width() {
        for level in ["", "Gold", "钻石会员", "一二三四五六七八九十", "🎉"] {
            for width in 30..60 {
                let face = without_escapes(&draw(
                    &card("#FFFF00", level),
                    Some("测试卡"),
                    Paint::Full,
                    width,
                ));
                let widths: Vec<usize> = face.lines().map(columns).collect();
                let [top, middle @ .., bottom] = widths.as_slice() else {
                    panic!("no lines");
                };
                assert!(middle.iter().all(|line| line == &middle[0]), "{widths:?}");
                assert!(middle[0] <= width && top == bottom && top + 1 == middle[0]);
            }
        }
    }

    #[test]
    fn a_terminal_too_narrow_gets_no_face() {
        assert_eq!(
            draw(&card("#FFFF00", "x"), Some("测试卡"), Paint::Full, 20),
            ""
        );
    }

    #[test]
    fn a_colour_that_is_none_is_replaced() {
        for bad in ["yellow", "#FFF", "#GGGGGG", "#１２"] {
            assert_eq!(parse_color(bad), None, "{bad}");
        }
        assert!(
            draw(&card("yellow", "x"), Some("测试卡"), Paint::Full, 80).contains("48;2;74;85;96")
        );
    }
}
