//! Rows in aligned columns.

use anstyle::Style;

use super::{
    paint::{Paint, Tone},
    row::Row,
    width::{columns, cut, pad, printable},
};

/// One place of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// The same in a tone.
    pub(crate) fn tone(self, tone: Tone) -> Self {
        self.style(tone.style())
    }

    /// The same in a style.
    pub(crate) fn style(self, style: Style) -> Self {
        Self { style, ..self }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self {
            text: printable(&text),
            style: Style::new(),
        }
    }
}

/// The rows as lines: a mark for changes, label, wire name, value.
pub(crate) fn render(rows: &[Row], paint: Paint) -> String {
    let label_width = widest(rows, |row| &row.label);
    let name_width = widest(rows, |row| &row.name);
    let indent = " ".repeat(2 + label_width + 2 + name_width + 2);
    let mut out = String::new();
    for row in rows {
        let mark = match row.before {
            Some(_) => paint.tone(Tone::Warn, "*"),
            None => " ".into(),
        };
        let label = pad(&printable(&row.label), label_width);
        let name = paint.tone(Tone::Dim, &pad(&printable(&row.name), name_width));
        out.push_str(&format!(
            "{mark} {label}  {name}  {}\n",
            value(row, &indent, paint)
        ));
        if let Some(note) = &row.note {
            out.push_str(&format!("{indent}{}\n", paint.tone(Tone::Dim, note)));
        }
    }
    out
}

/// Lines of cells as aligned columns under their headings.
pub(crate) fn columns_of(head: &[&str], lines: &[Vec<Cell>], paint: Paint) -> String {
    let head = head
        .iter()
        .map(|name| Cell::from(*name).tone(Tone::Bold))
        .collect();
    let lines: Vec<&Vec<Cell>> = std::iter::once(&head).chain(lines).collect();
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| columns(&cell.text)).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut out = String::new();
    for line in &lines {
        let cells: Vec<_> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| {
                let blanks = " ".repeat(width.saturating_sub(columns(&cell.text)));
                paint.style(cell.style, &cell.text) + &blanks
            })
            .collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// The value; of a changed one first what it was. Two long ones take two lines.
fn value(row: &Row, indent: &str, paint: Paint) -> String {
    const ONE_LINE: usize = 40;
    let new = short(&row.value);
    let shown = paint.tone(row.tone, &new);
    let Some(before) = &row.before else {
        return shown;
    };
    let before = short(before);
    let fits = columns(&before) + columns(&new) <= ONE_LINE && !before.contains('→');
    let old = paint.tone(Tone::Dim, &before);
    let arrow = paint.tone(Tone::Warn, "→");
    if fits {
        format!("{old} {arrow} {shown}")
    } else {
        let outdent = &indent[..indent.len() - 2];
        format!("{old}\n{outdent}{arrow} {shown}")
    }
}

/// The text, unless it is as long as an agreement.
fn short(text: &str) -> String {
    const LONGEST: usize = 600;
    let whole = printable(text);
    match columns(&whole) <= LONGEST {
        true => whole,
        false => format!(
            "{} ({} characters; --output json has all)",
            cut(&whole, LONGEST),
            text.chars().count()
        ),
    }
}

/// One overlong text must not push everything else to the right.
fn widest(rows: &[Row], text: impl Fn(&Row) -> &str) -> usize {
    const LIMIT: usize = 36;
    rows.iter()
        .map(|row| columns(&printable(text(row))).min(LIMIT))
        .max()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(label: &str, name: &str, value: &str, before: Option<&str>) -> Row {
        Row {
            label: label.into(),
            name: name.into(),
            value: value.into(),
            tone: Tone::Plain,
            note: None,
            before: before.map(Into::into),
        }
    }

    #[test]
    fn values_begin_in_one_column_whatever_the_script() {
        let rows = [
            row("Level", "level", "钻石会员", None),
            row("喜欢的运动", "custom_field_list", "足球", None),
        ];
        assert_eq!(
            render(&rows, Paint::Off),
            "  Level       level              钻石会员\n  \
               喜欢的运动  custom_field_list  足球\n"
        );
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let lines = [vec!["钻石会员".into(), Cell::from("1").tone(Tone::Good)]];
        let table = columns_of(&["Level", "Code"], &lines, Paint::Off);
        assert_eq!(table, "Level     Code\n钻石会员  1\n");
        let painted = columns_of(&["Level", "Code"], &lines, Paint::Full);
        assert!(
            painted.contains("钻石会员  \u{1b}[32m1\u{1b}[0m"),
            "{painted:?}"
        );
    }

    #[test]
    fn a_change_shows_old_and_new() {
        let rows = [row("Level", "level", "钻石会员", Some("金卡"))];
        assert_eq!(
            render(&rows, Paint::Off),
            "* Level  level  金卡 → 钻石会员\n"
        );
    }

    #[test]
    fn long_changes_take_two_lines() {
        let rows = [row("Validity", "v", "permanent", Some("2020 → 2030"))];
        assert_eq!(
            render(&rows, Paint::Off),
            "* Validity  v  2020 → 2030\n             → permanent\n"
        );
    }

    #[test]
    fn an_agreement_does_not_fill_the_screen() {
        let agreement = "商".repeat(20_480);
        let text = render(&[row("Agreement", "a", &agreement, None)], Paint::Off);
        assert!(text.ends_with("商… (20480 characters; --output json has all)\n"));
        assert!(columns(text.trim_end()) < 700);
        let attach = "商".repeat(256);
        let text = render(&[row("Attach", "a", &attach, None)], Paint::Off);
        assert!(text.contains(&attach));
    }

    #[test]
    fn nothing_stored_on_a_card_steers_the_terminal() {
        let rows = [row("Attach", "attach", "a\u{1b}[2J\nb", None)];
        assert_eq!(
            render(&rows, Paint::Off),
            "  Attach  attach  a\\u{1b}[2J\\nb\n"
        );
    }
}
