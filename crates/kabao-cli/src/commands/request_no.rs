//! `out_request_no`: what makes a repeat harmless.

use std::{
    fmt,
    hash::{BuildHasher as _, Hasher as _, RandomState},
};

use clap::Args;
use jiff::{Timestamp, tz::Offset};
use kabao::{Error, card_member::CardMember, core::operation::Operation};

use super::body::Body;
use crate::{
    output::{printer::Printer, time},
    problem::Problem,
};

/// The number of a request.
#[derive(Debug, Default, Args)]
pub(crate) struct RequestNoArgs {
    /// Your own number of the request, of 0-9, A-Z, a-z, - and _. Repeating a
    /// request with its number does nothing twice. [default: a new one, told on
    /// stderr]
    #[arg(long, value_name = "NO")]
    out_request_no: Option<String>,
}

/// A request's number, given or new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestNo {
    number: String,
    is_new: bool,
}

impl RequestNoArgs {
    /// Agrees with what a body says.
    pub(crate) fn take_from(&mut self, body: &mut Body) -> Result<(), Problem> {
        body.take_id("out_request_no", &mut self.out_request_no)
    }

    /// The number that was given, or else one that nobody used before.
    pub(crate) fn number(self) -> RequestNo {
        match self.out_request_no {
            Some(number) => RequestNo {
                number,
                is_new: false,
            },
            None => RequestNo {
                number: unique(time::now()),
                is_new: true,
            },
        }
    }
}

impl RequestNo {
    /// Sends the operation that carries the number. A new number is told before,
    /// so that it is known whatever happens.
    pub(crate) async fn send<O: Operation>(
        &self,
        operation: &O,
        members: &CardMember,
        printer: &Printer,
    ) -> Result<O::Output, Problem> {
        // What is not sent has no number to repeat.
        operation.check()?;
        if self.is_new {
            printer.note(&format!(
                "out_request_no is {self}; to repeat this after a failure, give the same one with \
                 --out-request-no"
            ));
        }
        let outcome = members.send(operation).await;
        outcome.map_err(|error| self.problem(error))
    }

    /// What failed, and how to repeat it if nobody knows how far it came.
    fn problem(&self, error: Error) -> Problem {
        let is_in_doubt = error.may_have_taken_effect();
        let problem = Problem::from(error);
        match is_in_doubt {
            false => problem,
            true => problem.hint(format!(
                "it may have been carried out all the same; repeat it as it was, with \
                 --out-request-no {self}, and nothing is done twice"
            )),
        }
    }
}

impl fmt::Display for RequestNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.number)
    }
}

/// Chinese time to the second, and 64 random bits: 31 of the 64 characters that
/// the strictest operation takes.
fn unique(now: Timestamp) -> String {
    // The hasher's keys come from the system's randomness.
    let random = RandomState::new().build_hasher().finish();
    let second = Offset::constant(8).to_datetime(now);
    format!("{}-{random:016x}", second.strftime("%Y%m%d%H%M%S"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn new_numbers_are_unique_and_can_be_sorted() {
        let numbers: HashSet<String> = (0..1000).map(|_| unique(Timestamp::UNIX_EPOCH)).collect();
        assert_eq!(numbers.len(), 1000);
        for number in numbers {
            assert!(number.starts_with("19700101080000-"), "{number}");
            assert_eq!(number.len(), 31);
            assert!(
                number
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            );
        }
    }

    #[test]
    fn a_given_number_stays() {
        let given = RequestNoArgs {
            out_request_no: Some("1".into()),
        };
        assert_eq!(given.number().to_string(), "1");
        assert!(RequestNoArgs::default().number().is_new);
    }
}
