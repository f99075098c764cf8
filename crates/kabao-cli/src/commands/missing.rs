//! Members that have to be there, missed all at once.

use crate::problem::Problem;

/// Collects what is missing while a request is put together.
#[derive(Debug, Default)]
pub(crate) struct Missing(Vec<Member>);

/// A member by its name on the wire and by the flag that gives it.
type Member = (&'static str, &'static str);

impl Missing {
    /// The value; a stand-in if it is missing, which [`end`](Self::end) tells.
    pub(crate) fn take<T: Default>(&mut self, member: Member, value: Option<T>) -> T {
        self.take_or(member, value, T::default())
    }

    /// The same for what has no default.
    pub(crate) fn take_or<T>(&mut self, member: Member, value: Option<T>, stand_in: T) -> T {
        value.unwrap_or_else(|| {
            self.0.push(member);
            stand_in
        })
    }

    /// Whether everything was there.
    pub(crate) fn end(self) -> Result<(), Problem> {
        let list = |names: Vec<&str>| match names.as_slice() {
            [] => String::new(),
            [only] => (*only).to_owned(),
            [more @ .., last] => format!("{} and {last}", more.join(", ")),
        };
        let is = match self.0.len() {
            0 => return Ok(()),
            1 => "is",
            _ => "are",
        };
        let names = list(self.0.iter().map(|(name, _)| *name).collect());
        let flags = list(self.0.iter().map(|(_, flag)| *flag).collect());
        Err(Problem::new(format!("{names} {is} missing"))
            .hint(format!("give {flags}, or all of it in the JSON of --json")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let mut missing = Missing::default();
        assert_eq!(missing.take(("title", "--title"), Some(1)), 1);
        assert!(missing.end().is_ok());

        let mut missing = Missing::default();
        missing.take::<String>(("appid", "--appid"), None);
        missing.take_or(("valid_date_information", "--valid"), None, 7);
        missing.take::<i64>(("apply_total", "--apply-total"), None);
        let problem = missing.end().expect_err("three are missing").to_string();
        assert_eq!(
            problem,
            "error: appid, valid_date_information and apply_total are missing\nhint: give \
             --appid, --valid and --apply-total, or all of it in the JSON of --json"
        );
    }
}
