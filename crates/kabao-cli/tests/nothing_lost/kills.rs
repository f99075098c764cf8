//! Two hundred kills on each store: nothing is lost, nothing is there by half,
//! and every notification arrives.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io::Write as _,
    ops::Range,
    sync::{Arc, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use tokio::{runtime::Runtime, sync::watch};

use crate::{
    cast::Cast,
    kept::Kept,
    process::{Home, PATIENCE},
    written::write_all,
};

const KILLS: usize = 200;

/// How many changes a life lasts, and how many milliseconds more.
const CHANGES: Range<u64> = 0..16;
const MORE: Range<u64> = 0..30;

/// How long a life lasts at most, whatever was done in it.
const LIFE: Duration = Duration::from_secs(1);

/// One in so many is killed while it starts, within as many milliseconds.
const YOUNG: u64 = 8;
const START: Range<u64> = 0..80;

/// The first start makes the keys, which takes longer.
const FIRST_START: Range<u64> = 0..600;

/// One in so many is killed while it ends, within as many milliseconds: then the
/// log is being moved.
const OLD: u64 = 6;
const END: Range<u64> = 0..16;

/// On PostgreSQL, the server crashes before every so manieth kill.
const CRASH: usize = 50;

/// A lease of a notification ends 30 s after the process that died over it.
const LEASE: Duration = Duration::from_secs(30);

/// One for each test, so that a call for the dead is not answered by the other's
/// sandbox that got the port. Other systems have one loopback address alone.
const ADDRESSES: [&str; 2] = match cfg!(target_os = "linux") {
    true => ["127.0.0.2:0", "127.0.0.3:0"],
    false => ["127.0.0.1:0"; 2],
};

#[test]
fn two_hundred_kills_lose_nothing_on_sqlite() {
    let home = Home::new();
    let kept = Kept::in_file(&home);
    kill_again_and_again(&home, &kept, ADDRESSES[0]);
}

#[test]
fn two_hundred_kills_lose_nothing_on_postgresql() {
    if let Some(kept) = Kept::on_server() {
        kill_again_and_again(&Home::new(), &kept, ADDRESSES[1]);
    }
}

/// Keys, schema and sample data are there together or not at all.
#[test]
fn a_kill_in_the_very_first_start_is_not_in_the_way_of_the_next() {
    let mut moments = Moments::new();
    for _ in 0..10 {
        let home = Home::new();
        let sandbox = home.start(&[]);
        moments.wait(FIRST_START);
        assert_eq!(sandbox.kill(), "");
        let mut sandbox = home.start(&[]);
        sandbox.ready();
        let (status, said) = sandbox.stop();
        assert_eq!((status.code(), &*said), (Some(0), "stopping\n"));
        Kept::in_file(&home).is_whole();
    }
}

fn kill_again_and_again(home: &Home, kept: &Kept, listen: &str) {
    let begun = Instant::now();
    let mut moments = Moments::new();
    let runtime = Runtime::new().unwrap();
    let cast = Cast::gather(home, kept, listen, &runtime);
    let (lives, seen) = watch::channel(None);
    let writing = runtime.spawn(write_all(
        cast.card_id.clone(),
        cast.notify_url.clone(),
        seen,
    ));
    let mut longest = Duration::ZERO;
    let (mut young, mut old) = (0, 0);
    for kill in 1..=KILLS {
        let mut sandbox = cast.start();
        if moments.within(0..YOUNG) == 0 {
            moments.wait(START);
            young += 1;
            kept.is_quiet(&sandbox.kill());
            continue;
        }
        let (base_url, took) = sandbox.ready();
        longest = longest.max(took);
        let access = cast.credentials.access(&base_url).of_life(kill);
        let made = Arc::clone(&access.made);
        let heard = lives.send(Some(Arc::new(access)));
        heard.expect("no writer found anything wrong");
        let (born, enough) = (Instant::now(), moments.within(CHANGES));
        while made.load(Ordering::Relaxed) < enough && born.elapsed() < LIFE {
            thread::sleep(Duration::from_millis(1));
        }
        moments.wait(MORE);
        match kept {
            Kept::Postgres(database) if kill % CRASH == 0 => {
                database.server().stop();
                sandbox.kill();
                database.server().start_again();
            }
            _ if moments.within(0..OLD) == 0 => {
                old += 1;
                let after = Duration::from_millis(moments.within(END));
                let said = sandbox.kill_at_the_end(after);
                kept.is_quiet(said.trim_end_matches("stopping\n"));
            }
            _ => kept.is_quiet(&sandbox.kill()),
        }
    }
    let mut sandbox = cast.start();
    let (base_url, took) = sandbox.ready();
    longest = longest.max(took);
    let last = cast.credentials.access(&base_url).last();
    lives.send(Some(Arc::new(last))).unwrap();
    let written = runtime.block_on(writing).unwrap();
    until_nothing_is_pending(kept);
    let (status, said) = sandbox.stop();
    assert!(status.success(), "{status} {said}");
    kept.is_whole();
    let book = cast.shop.book();
    written.notifications_arrived(kept, &book);
    let found = written.found(kept, &book);
    let tally = written.tally(&book);
    assert_eq!(found, tally.acknowledged + tally.applied, "{tally:?}");
    assert!(
        tally.acknowledged > 2 * KILLS,
        "hardly anything was written"
    );
    assert!(tally.unknown > KILLS / 4, "hardly a kill hit anybody");
    let posts: usize = book.heard.values().map(|heard| heard.times).sum();
    let figures = format!(
        "\n{}: {KILLS} kills, {young} of them at the start, {old} at the end (KABAO_SEED={})\n  \
         {} changes acknowledged and {} without an answer: of these {} were made, {} repeated under \
         their number; {found} found in the end\n  \
         {} notifications owed and delivered, in {posts} posts\n  \
         longest start {longest:.0?}; {:.0?} in all\n",
        kept.name(),
        moments.seed,
        tally.acknowledged,
        tally.unknown,
        tally.applied,
        tally.repeated,
        book.heard.len(),
        begun.elapsed(),
    );
    // Past the harness, which shows nothing of a test that passes.
    std::io::stderr().write_all(figures.as_bytes()).unwrap();
}

/// Every lease that a dead process held ends by itself.
fn until_nothing_is_pending(kept: &Kept) {
    let begun = Instant::now();
    loop {
        let pending = kept.rows("SELECT count(*) FROM notifications WHERE state = 'PENDING'");
        if pending == ["0"] {
            return;
        }
        assert!(
            begun.elapsed() < LEASE + PATIENCE,
            "{pending:?} are pending"
        );
        thread::sleep(Duration::from_millis(100));
    }
}

/// The moments of the kills: as random as the seed, which is told.
struct Moments {
    seed: u64,
    state: u64,
}

impl Moments {
    fn new() -> Self {
        let seed = match std::env::var("KABAO_SEED") {
            Ok(seed) => seed.parse().expect("KABAO_SEED is a number"),
            Err(_) => RandomState::new().build_hasher().finish(),
        };
        Self { seed, state: seed }
    }

    fn within(&mut self, range: Range<u64>) -> u64 {
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        range.start + mixed % (range.end - range.start)
    }

    /// Waits for a while, in milliseconds; the fractions come by themselves.
    fn wait(&mut self, milliseconds: Range<u64>) {
        thread::sleep(Duration::from_millis(self.within(milliseconds)));
    }
}
