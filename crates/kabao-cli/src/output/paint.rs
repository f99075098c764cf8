//! Colour, where it is wanted.

use anstyle::{Ansi256Color, AnsiColor, Color, RgbColor, Style};

/// What a text says, beyond its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tone {
    /// Nothing more.
    #[default]
    Plain,
    /// Less important.
    Dim,
    /// More important.
    Bold,
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Wrong, or over.
    Bad,
}

impl Tone {
    /// How it looks.
    pub(crate) fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Dim => Style::new().dimmed(),
            Self::Bold => Style::new().bold(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Warn => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
        }
    }
}

/// What the terminal can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// No colour: not a terminal, or not wanted.
    Off,
    /// 256 colours.
    Few,
    /// 24-bit colour.
    Full,
}

impl Paint {
    /// Decides by what people agreed on: `NO_COLOR`, `CLICOLOR_FORCE`,
    /// `CLICOLOR`, then whether a terminal listens.
    pub(crate) fn detect(is_terminal: bool, env: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).is_some_and(|value| !value.is_empty() && value != "0");
        let is_off = |name: &str| env(name).is_some_and(|value| value == "0");
        let is_dumb = || env("TERM").is_some_and(|term| term == "dumb");
        if env("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            Self::Off
        } else if set("CLICOLOR_FORCE") || (is_terminal && !is_off("CLICOLOR") && !is_dumb()) {
            // The one widespread terminal that garbles 24-bit colour; newer
            // versions of it announce that they can.
            let is_limited = env("TERM_PROGRAM").is_some_and(|name| name == "Apple_Terminal")
                && env("COLORTERM").is_none_or(|depth| depth != "truecolor");
            if is_limited { Self::Few } else { Self::Full }
        } else {
            Self::Off
        }
    }

    /// Whether there is any colour.
    pub(crate) fn is_on(self) -> bool {
        self != Self::Off
    }

    /// The text in a tone.
    pub(crate) fn tone(self, tone: Tone, text: &str) -> String {
        self.style(tone.style(), text)
    }

    /// The text in a style.
    pub(crate) fn style(self, style: Style, text: &str) -> String {
        if self == Self::Off || text.is_empty() || style.is_plain() {
            return text.to_owned();
        }
        format!("{style}{text}{style:#}")
    }

    /// A colour as the terminal can show it.
    pub(crate) fn color(self, rgb: RgbColor) -> Color {
        match self {
            Self::Few => Color::Ansi256(nearest(rgb)),
            Self::Full | Self::Off => Color::Rgb(rgb),
        }
    }
}

/// The nearest colour of the 6 × 6 × 6 cube.
fn nearest(RgbColor(red, green, blue): RgbColor) -> Ansi256Color {
    let step = |channel: u8| match channel {
        0..48 => 0,
        48..115 => 1,
        _ => (channel - 35) / 40,
    };
    Ansi256Color(16 + 36 * step(red) + 6 * step(green) + step(blue))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(is_terminal: bool, env: &[(&str, &str)]) -> Paint {
        Paint::detect(is_terminal, |name| {
            env.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn colour_follows_the_terminal_unless_told_otherwise() {
        assert_eq!(detect(true, &[]), Paint::Full);
        assert_eq!(detect(false, &[]), Paint::Off);
        assert_eq!(detect(true, &[("NO_COLOR", "1")]), Paint::Off);
        assert_eq!(detect(true, &[("NO_COLOR", "")]), Paint::Full);
        assert_eq!(detect(true, &[("TERM", "dumb")]), Paint::Off);
        assert_eq!(detect(true, &[("CLICOLOR", "0")]), Paint::Off);
        assert_eq!(detect(false, &[("CLICOLOR_FORCE", "1")]), Paint::Full);
        assert_eq!(detect(false, &[("CLICOLOR_FORCE", "0")]), Paint::Off);
        let both = [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")];
        assert_eq!(detect(true, &both), Paint::Off);
        assert_eq!(
            detect(true, &[("TERM_PROGRAM", "Apple_Terminal")]),
            Paint::Few
        );
    }

    #[test]
    fn the_cube_has_the_pure_colours() {
        assert_eq!(nearest(RgbColor(0, 0, 0)), Ansi256Color(16));
        assert_eq!(nearest(RgbColor(255, 255, 255)), Ansi256Color(231));
        assert_eq!(nearest(RgbColor(255, 255, 0)), Ansi256Color(226));
        assert_eq!(nearest(RgbColor(95, 135, 175)), Ansi256Color(67));
    }
}
