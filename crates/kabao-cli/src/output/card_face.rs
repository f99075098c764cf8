//! The card as the user sees it: its colour, title, level and code.

use super::{
    color,
    paint::Paint,
    width::{columns, cut, pad, printable},
};

/// What stands on a card.
#[derive(Debug, Clone)]
pub(crate) struct Face {
    /// Its ground, `#RRGGBB`.
    pub(crate) color: Option<String>,
    pub(crate) title: String,
    pub(crate) brand_id: String,
    pub(crate) level: String,
    /// Where a card has its number.
    pub(crate) foot: String,
    pub(crate) state: String,
    pub(crate) until: String,
}

impl Face {
    /// Draws it, at most `width` columns wide; nothing if that is too narrow.
    ///
    /// Only blanks carry the colour. Block and box characters would join more
    /// finely, but terminals set up for Chinese may give them two columns.
    pub(crate) fn draw(&self, paint: Paint, width: usize) -> String {
        const WIDEST: usize = 48;
        const NARROWEST: usize = 30;
        if width < NARROWEST {
            return String::new();
        }
        let width = width.min(WIDEST) - 2;
        let style = color::ground(self.color.as_deref(), paint);
        let bold = style.bold();
        let lines = [
            (style, "", String::new()),
            (style, &*self.title, format!("Brand {}", self.brand_id)),
            (style, "", String::new()),
            (bold, &self.level, String::new()),
            (style, "", String::new()),
            (bold, &self.foot, String::new()),
            (style, &self.state, self.until.clone()),
            (style, "", String::new()),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn face(color: &str, level: &str) -> Face {
        Face {
            color: Some(color.into()),
            title: "测试卡".into(),
            brand_id: "1004".into(),
            level: level.into(),
            foot: "4785 1583 2665".into(),
            state: "EFFECTIVE".into(),
            until: "until 2030-05-20".into(),
        }
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
        let yellow = face("#FFFF00", "钻石会员").draw(Paint::Full, 80);
        assert!(yellow.contains("48;2;255;255;0"), "{yellow:?}");
        assert!(yellow.contains("38;2;0;0;0"), "{yellow:?}");
        assert!(yellow.contains("钻石会员") && yellow.contains("4785 1583 2665"));
        let navy = face("#000080", "").draw(Paint::Full, 80);
        assert!(navy.contains("38;2;255;255;255"), "{navy:?}");
    }

    #[test]
    fn the_right_edge_is_straight_whatever_the_script_and_width() {
        for level in ["", "Gold", "钻石会员", "一二三四五六七八九十", "🎉"] {
            for width in 30..60 {
                let face = face("#FFFF00", level).draw(Paint::Full, width);
                let face = without_escapes(&face);
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
        assert_eq!(face("#FFFF00", "x").draw(Paint::Full, 20), "");
    }
}
