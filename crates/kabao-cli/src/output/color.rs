//! `#RRGGBB` as a ground to write on.

use anstyle::{RgbColor, Style};

use super::paint::Paint;

/// The colour as a ground, with ink that can be read on it. A text that is no
/// colour gives grey.
pub(crate) fn ground(text: Option<&str>, paint: Paint) -> Style {
    let ground = text.and_then(parse).unwrap_or(GREY);
    Style::new()
        .bg_color(Some(paint.color(ground)))
        .fg_color(Some(paint.color(ink_on(ground))))
}

fn parse(text: &str) -> Option<RgbColor> {
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

const GREY: RgbColor = RgbColor(0x4A, 0x55, 0x60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_that_is_none_is_replaced() {
        for bad in ["yellow", "#FFF", "#GGGGGG", "#１２"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        let grey = ground(Some("yellow"), Paint::Full);
        assert_eq!(grey, ground(None, Paint::Full));
        assert_ne!(grey, ground(Some("#FFFF00"), Paint::Full));
    }
}
