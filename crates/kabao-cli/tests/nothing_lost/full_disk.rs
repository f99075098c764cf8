//! A disk that runs full: what was acknowledged stays, reads go on, and writes
//! do so by themselves once there is room again.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::MetadataExt as _,
    time::{Duration, Instant},
};

use kabao::ErrorKind;
use tokio::runtime::Runtime;

use crate::{
    access::{Access, Credentials, Died, answered},
    disk::Disk,
    kept::Kept,
    process::{Home, PATIENCE, Process},
    server::durable_database,
    writers::{Imports, Repeatable as _, new_card},
    written::once_each,
};

#[test]
fn a_full_disk_loses_nothing_on_sqlite() {
    let home = Home::new();
    let Some(disk) = Disk::mount(&home.path("data"), "8m", None) else {
        return;
    };
    let kept = Kept::in_file(&home);
    let words = ["the disk is full", "data/sandbox.db"];
    write_until_full_and_on(&home, &disk, &kept, &words);
}

#[test]
fn a_full_disk_of_the_server_loses_nothing_on_postgresql() {
    let Some(database) = durable_database() else {
        return;
    };
    let home = Home::new();
    home.may_be_entered();
    // What the server wrote itself tells whose the folder must be.
    let owner = fs::metadata(database.server().put("owner", "")).unwrap();
    let owner = Some((owner.uid(), owner.gid()));
    let place = home.path("tablespace");
    let Some(disk) = Disk::mount(&place, "8m", owner) else {
        return;
    };
    let (name, place) = (database.name(), place.display());
    database.sql(&format!("CREATE TABLESPACE small LOCATION '{place}'"));
    database.sql(&format!(
        "ALTER DATABASE {name} SET default_tablespace = small"
    ));
    let kept = Kept::Postgres(database);
    write_until_full_and_on(&home, &disk, &kept, &["No space left on device", "53100"]);
}

fn write_until_full_and_on(home: &Home, disk: &Disk, kept: &Kept, words: &[&str]) {
    let runtime = Runtime::new().unwrap();
    let mut sandbox = serve(home, kept, "off");
    let (base_url, _) = sandbox.ready();
    let credentials = Credentials::read(&home.path("credentials"));
    let access = credentials.access(&base_url);
    let mut writers = runtime.block_on(async {
        let writer = async |number| Writer::new(&access, number).await;
        [writer(1).await, writer(2).await, writer(3).await]
    });
    runtime.block_on(async {
        let [one, two, three] = &mut writers;
        for _ in 0..2 {
            // It runs full in the middle of things.
            let writing = async {
                tokio::join!(
                    one.is_refused(&access),
                    two.is_refused(&access),
                    three.is_refused(&access),
                )
            };
            tokio::join!(writing, async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                tokio::task::block_in_place(|| disk.fill());
            });
            for writer in [&mut *one, &mut *two, &mut *three] {
                // Reads go on.
                writer.is_there(&access).await;
            }
            // The store is of use again without anybody's doing anything.
            disk.make_room();
            for writer in [&mut *one, &mut *two, &mut *three] {
                writer.is_taken_again(&access).await;
            }
        }
        disk.fill();
        one.is_refused(&access).await;
    });
    let said = sandbox.said();
    for word in words {
        assert!(said.contains(word), "no `{word}` in {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    // Killed on the full disk, and started again when there is room.
    sandbox.kill();
    disk.make_room();
    let mut sandbox = serve(home, kept, "off");
    let (base_url, _) = sandbox.ready();
    let access = credentials.access(&base_url);
    runtime.block_on(async {
        for writer in &mut writers {
            writer.is_there(&access).await;
            writer.is_taken_again(&access).await;
        }
    });
    let (status, said) = sandbox.stop();
    assert!(status.success(), "{status} {said}");
    kept.is_whole();
    for writer in &writers {
        writer.is_kept(kept);
    }
    let told = format!(
        "\n{} on a full disk: {} changes acknowledged, each there; {} refused with 503\n",
        kept.name(),
        writers.iter().map(|writer| writer.count).sum::<u64>(),
        writers.iter().map(|writer| writer.refused).sum::<u64>(),
    );
    std::io::stderr().write_all(told.as_bytes()).unwrap();
}

/// As it is by default: a call is counted before it is answered.
#[test]
fn a_full_disk_counts_no_calls_and_says_so() {
    let home = Home::new();
    let Some(disk) = Disk::mount(&home.path("data"), "8m", None) else {
        return;
    };
    let kept = Kept::in_file(&home);
    let mut sandbox = serve(&home, &kept, "documented");
    let (base_url, _) = sandbox.ready();
    let access = Credentials::read(&home.path("credentials")).access(&base_url);
    Runtime::new().unwrap().block_on(async {
        let writer = Writer::new(&access, 1).await;
        let card = writer.imports.key(1);
        // A read as good as a change.
        let is_read = async || {
            let begun = Instant::now();
            loop {
                let answer = access.members.user_cards().get(&card).await;
                match answer {
                    Err(error) if error.kind() == ErrorKind::RateLimited => {
                        assert!(begun.elapsed() < PATIENCE, "{error}");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                    other => break answered(other).is_ok(),
                }
            }
        };
        assert!(is_read().await);
        disk.fill();
        let (begun, mut refused) = (Instant::now(), 0);
        while refused < 5 {
            refused += u32::from(!is_read().await);
            assert!(begun.elapsed() < PATIENCE, "the disk does not run full");
        }
        disk.make_room();
        let begun = Instant::now();
        while !is_read().await {
            assert!(begun.elapsed() < PATIENCE, "it does not recover");
        }
    });
    let (status, said) = sandbox.stop();
    assert!(status.success(), "{status} {said}");
    for word in ["counting calls", "the disk is full", "data/sandbox.db"] {
        assert!(said.contains(word), "no `{word}` in {said}");
    }
}

fn serve(home: &Home, kept: &Kept, rate_limits: &str) -> Process {
    let mut arguments = kept.arguments();
    let flags = ["--rate-limits", rate_limits, "--credentials", "credentials"];
    arguments.extend(flags.map(Into::into));
    let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
    home.start(&arguments)
}

/// Imports members, one after the other.
struct Writer {
    imports: Imports,
    /// How many were acknowledged.
    count: u64,
    refused: u64,
}

impl Writer {
    async fn new(access: &Access, number: u64) -> Self {
        let template = new_card(number, "会员", "http://127.0.0.1:9/notify");
        let card = access.members.cards().create(template).await.unwrap();
        let card_id = card.card_id;
        let mut writer = Self {
            imports: Imports { card_id },
            count: 0,
            refused: 0,
        };
        // Before the disk runs full, so that there is one to be asked for.
        writer.write(access).await.unwrap();
        writer
    }

    /// Died says 503 here, `SERVICE_UNAVAILABLE`, and that it was signed.
    async fn write(&mut self, access: &Access) -> Result<(), Died> {
        let written = self.imports.send(access, self.count + 1).await;
        match written {
            Ok(()) => self.count += 1,
            Err(Died) => self.refused += 1,
        }
        written
    }

    /// Sooner or later a change finds no room, and the next neither.
    async fn is_refused(&mut self, access: &Access) {
        let begun = Instant::now();
        let refused = self.refused;
        while self.refused < refused + 5 {
            // One that is smaller may still find some.
            let _ = self.write(access).await;
            assert!(begun.elapsed() < PATIENCE, "the disk does not run full");
        }
    }

    async fn is_taken_again(&mut self, access: &Access) {
        let begun = Instant::now();
        while self.write(access).await.is_err() {
            assert!(begun.elapsed() < PATIENCE, "it does not recover");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The last one, and the first.
    async fn is_there(&self, access: &Access) {
        for number in [self.count, 1] {
            let there = self.imports.is_there(access, number).await.unwrap();
            assert_eq!(there, Some(true), "{number} of {}", self.count);
        }
    }

    /// All of them, and no other.
    fn is_kept(&self, kept: &Kept) {
        let card_id = &self.imports.card_id;
        let sql = format!("SELECT user_card_code FROM user_cards WHERE card_id = '{card_id}'");
        let wanted = (1..=self.count).map(|number| self.imports.key(number).user_card_code);
        once_each("imports", kept.rows(&sql), wanted);
    }
}
