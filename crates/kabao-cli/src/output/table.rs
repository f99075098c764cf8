//! Rows in aligned columns.

use super::{
    fields::Row,
    paint::{Paint, Tone},
    width::{columns, pad, printable},
};

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

/// Lines of cells as aligned columns, the first line as their heading.
pub(crate) fn columns_of<const N: usize>(lines: &[[String; N]], paint: Paint) -> String {
    let width = |column: usize| {
        let cells = lines.iter().map(|line| columns(&printable(&line[column])));
        cells.max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        let cells = line.iter().zip(widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| pad(&printable(cell), width))
            .collect();
        let tone = if index == 0 { Tone::Bold } else { Tone::Plain };
        out.push_str(&paint.tone(tone, cells.join("  ").trim_end()));
        out.push('\n');
    }
    out
}

/// The value; of a changed one first what it was. Two long ones take two lines.
fn value(row: &Row, indent: &str, paint: Paint) -> String {
    const ONE_LINE: usize = 40;
    let new = printable(&row.value);
    let shown = paint.tone(row.tone, &new);
    let Some(before) = &row.before else {
        return shown;
    };
    let before = printable(before);
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

/// One overlong text must not push everything else to the right.
fn widest(rows: &[Row], text: impl Fn(&Row) -> &str) -> usize {
    const LIMIT: usize = 24;
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
        let lines = [["Level", "Code"], ["钻石会员", "1"]].map(|line| line.map(str::to_owned));
        assert_eq!(
            columns_of(&lines, Paint::Off),
            "Level     Code\n钻石会员  1\n"
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
    fn nothing_stored_on_a_card_steers_the_terminal() {
        let rows = [row("Attach", "attach", "a\u{1b}[2J\nb", None)];
        assert_eq!(
            render(&rows, Paint::Off),
            "  Attach  attach  a\\u{1b}[2J\\nb\n"
        );
    }
}
