//! Calls that are done again if somebody else was first.

use std::{future::Future, time::Duration};

use super::{session::Session, trouble::Trouble};
use crate::random;

/// How often a row that is to be new may be there already. Whoever lost a race
/// to it sees it the next time; whoever did not ask for it never does.
const TAKEN_AT_MOST: usize = 5;

/// Gives `$work`, which is done in a session, reads included, and done again after
/// each race that it lost, as long as there is time.
///
/// A function that takes such work as an `AsyncFn` of a session would do, but then
/// the compiler cannot tell that the future is `Send`.
macro_rules! until_won {
    ($store:expr, $patience:expr, |$session:ident| $work:expr) => {
        $crate::store::postgres::races::attempt(async {
            let mut opened =
                $crate::store::postgres::session::Session::open(&$store.pool, $patience).await?;
            let mut races = $crate::store::postgres::races::Races::default();
            loop {
                let $session = &mut opened;
                match $crate::store::postgres::races::attempt(async { $work }).await {
                    Ok(done) => break Ok(done),
                    Err(trouble) => races.go_on_after(trouble, &opened).await?,
                }
            }
        })
        .await
    };
}
pub(super) use until_won;

/// Says what `?` turns into in `work`.
pub(super) fn attempt<T, F: Future<Output = Result<T, Trouble>>>(work: F) -> F {
    work
}

/// The races that one call has lost.
#[derive(Debug, Default)]
pub(super) struct Races {
    lost: u32,
    taken: usize,
}

impl Races {
    /// Whether all of it is to be done again, after a while that differs from
    /// others'. Gives the trouble back if it is no race, or there is no time.
    pub(super) async fn go_on_after(
        &mut self,
        trouble: Trouble,
        session: &Session,
    ) -> Result<(), Trouble> {
        match trouble {
            Trouble::Raced(_) => {}
            Trouble::Taken(_) if self.taken < TAKEN_AT_MOST => self.taken += 1,
            other => return Err(other),
        }
        if self.lost > 0 {
            let longest = 1_000_u64 << self.lost.min(5);
            let pause = random::number().unsigned_abs() % longest;
            session.pause(Duration::from_micros(pause)).await;
        }
        self.lost += 1;
        match session.has_time() {
            true => Ok(()),
            false => Err(trouble),
        }
    }
}
