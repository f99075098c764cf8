//! Showing a thing of the API: rows for people, the wire object for programs.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    card_face::Face,
    paint::Paint,
    printer::{Format, Printer},
    row::{self, Row},
    table::{self, Cell},
};
use crate::problem::Problem;

/// A thing that can be shown.
pub(crate) trait Shown {
    /// Every member that there is, in the order that people look for it; what is
    /// left of something only if the present is known.
    fn rows(&self, now: Option<Timestamp>) -> Vec<Row>;

    /// The object on the wire, sensitive values opened.
    fn wire(&self) -> impl Serialize + '_;

    /// How many sensitive values are still sealed.
    fn unopened_values(&self) -> usize {
        0
    }
}

/// A thing that is also a line of a list.
pub(crate) trait Listed: Shown {
    /// What stands above the columns.
    const HEAD: &'static [&'static str];

    /// One line, for a terminal of such colours.
    fn cells(&self, paint: Paint) -> Vec<Cell>;
}

/// Shows one thing; its face is drawn where there is colour.
pub(crate) fn show(
    thing: &impl Shown,
    face: Option<Face>,
    now: Option<Timestamp>,
    printer: &Printer,
) -> Result<(), Problem> {
    match printer.format {
        Format::Table => print(&thing.rows(now), face, printer),
        Format::Json | Format::Jsonl => print_wire(thing, printer),
    }
}

/// Shows one thing as it became, and marks what is not as it was `before`, if
/// that is known.
pub(crate) fn show_change<T: Shown>(
    before: Option<&T>,
    after: &T,
    face: Option<Face>,
    now: Option<Timestamp>,
    printer: &Printer,
) -> Result<(), Problem> {
    if printer.format != Format::Table {
        return print_wire(after, printer);
    }
    let mut rows = after.rows(now);
    match before {
        None => printer.warn("it could not be read before, so changes are not marked"),
        Some(before) => {
            row::mark_changes(&before.rows(now), &mut rows);
            if !rows.iter().any(Row::is_changed) {
                printer.note("nothing changed: it was like this already");
            }
        }
    }
    print(&rows, face, printer)
}

/// A list that is shown: a line at once where lines stand alone, else all of it
/// at the end; of nothing a note alone.
pub(crate) struct List<'p, T> {
    things: Vec<T>,
    nothing: &'static str,
    printer: &'p Printer,
}

impl<'p, T: Listed> List<'p, T> {
    pub(crate) fn new(nothing: &'static str, printer: &'p Printer) -> Self {
        Self {
            things: Vec::new(),
            nothing,
            printer,
        }
    }

    pub(crate) fn printer(&self) -> &'p Printer {
        self.printer
    }

    /// The next thing.
    pub(crate) fn push(&mut self, thing: T) -> Result<(), Problem> {
        match self.printer.format {
            Format::Jsonl => self.printer.json(&thing.wire()),
            Format::Json | Format::Table => {
                self.things.push(thing);
                Ok(())
            }
        }
    }

    /// There is no other.
    pub(crate) fn end(self) -> Result<(), Problem> {
        let Self {
            things,
            nothing,
            printer,
        } = self;
        match printer.format {
            Format::Jsonl => Ok(()),
            Format::Json => printer.json(&things.iter().map(Shown::wire).collect::<Vec<_>>()),
            Format::Table if things.is_empty() => {
                printer.note(nothing);
                Ok(())
            }
            Format::Table => {
                let paint = printer.paint();
                let lines: Vec<_> = things.iter().map(|thing| thing.cells(paint)).collect();
                printer.data(table::columns_of(T::HEAD, &lines, paint))
            }
        }
    }
}

fn print(rows: &[Row], face: Option<Face>, printer: &Printer) -> Result<(), Problem> {
    let mut text = String::new();
    if let Some(face) = face.filter(|_| printer.draws_faces()) {
        text.push_str(&face.draw(printer.paint(), printer.width()));
        text.push('\n');
    }
    text.push_str(&table::render(rows, printer.paint()));
    printer.data(text)
}

fn print_wire(thing: &impl Shown, printer: &Printer) -> Result<(), Problem> {
    match thing.unopened_values() {
        0 => {}
        count => printer.warn(&format!(
            "{count} values could not be opened with this key and are shown as they came"
        )),
    }
    printer.json(&thing.wire())
}
