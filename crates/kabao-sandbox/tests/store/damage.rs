//! A file that is not a store, or a damaged one, is named and left alone.

use std::{
    fs::{self, OpenOptions},
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
};

use kabao_sandbox::store::{
    self, StoreError,
    contract::{count_up, sample_id},
};
use rusqlite::Connection;

use crate::{child, place::Place};

/// What the error says, and how the file comes to be so.
type Case = (&'static str, fn(&Path));

#[tokio::test]
async fn what_is_not_a_store_is_left_alone() {
    let cases: [Case; 6] = [
        ("not an SQLite database", |path| {
            fs::write(path, "# notes\n").unwrap()
        }),
        ("not an SQLite database", |path| {
            fs::write(path, vec![0; 70_000]).unwrap()
        }),
        ("not an SQLite database", |path| {
            let mut start = b"SQLite format 3\0".to_vec();
            start.resize(3000, 0xff);
            fs::write(path, start).unwrap();
        }),
        ("another program's database", |path| {
            let other = Connection::open(path).unwrap();
            other
                .execute_batch("CREATE TABLE notes (text TEXT)")
                .unwrap();
        }),
        ("another program's database", |path| {
            let other = Connection::open(path).unwrap();
            other
                .execute_batch("PRAGMA application_id = 7; PRAGMA journal_mode = WAL;")
                .unwrap();
        }),
        ("it is a folder", |path| fs::create_dir(path).unwrap()),
    ];
    for (wanted, make) in cases {
        let place = Place::new();
        make(&place.file());
        refuses_and_leaves(&place, wanted);
    }
}

#[tokio::test]
async fn a_damaged_store_is_left_alone() {
    let cases: [Case; 5] = [
        ("it is damaged", |path| {
            let file = OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        }),
        ("it is damaged", |path| {
            let file = OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(file.metadata().unwrap().len() - 100).unwrap();
        }),
        ("it is damaged", |path| {
            overwrite(path, 2 * 4096, &[0x5a; 4096])
        }),
        ("it is damaged", |path| overwrite(path, 100, &[0; 3000])),
        ("not an SQLite database", |path| {
            overwrite(path, 0, &[0x5a; 64])
        }),
    ];
    for (wanted, harm) in cases {
        let place = Place::new();
        place.fill().await;
        harm(&place.file());
        refuses_and_leaves(&place, wanted);
    }
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_left_alone() {
    let place = Place::new();
    place.fill().await;
    let newer = Connection::open(place.file()).unwrap();
    newer.execute_batch("PRAGMA user_version = 999").unwrap();
    drop(newer);
    refuses_and_leaves(&place, "newer version");
}

#[tokio::test]
async fn a_damaged_store_with_a_log_is_left_alone() {
    if let Some(path) = child::place() {
        return write_and_die(&path).await;
    }
    let place = Place::new();
    place.fill().await;
    leave_a_log(&place);
    overwrite(&place.file(), 2 * 4096, &[0x5a; 4096]);
    overwrite(&place.file(), 5 * 4096, &[0x5a; 4096]);
    refuses_and_leaves(&place, "it is damaged");
}

#[tokio::test]
async fn a_log_does_not_hide_what_the_file_has_become() {
    let cases: [Case; 4] = [
        ("its log", |path| {
            let log = path.with_file_name("a store.db-wal");
            fs::write(log, "# notes of somebody\n".repeat(500)).unwrap();
        }),
        ("not an SQLite database", |path| {
            fs::write(path, "# notes\n").unwrap();
        }),
        ("another program's database", |path| {
            overwrite(path, 68, &[0; 4]);
        }),
        ("it is empty", |path| fs::write(path, "").unwrap()),
    ];
    for (wanted, harm) in cases {
        let place = Place::new();
        place.fill().await;
        leave_a_log(&place);
        harm(&place.file());
        refuses_and_leaves(&place, wanted);
    }
}

/// A process is killed, or the disk is full, when the first page of a file that
/// grows is there and the last is not.
#[tokio::test]
async fn a_log_that_was_moved_by_half_is_no_damage() {
    let place = Place::new();
    place.fill().await;
    let before = place.files();
    let db = Connection::open(place.file()).unwrap();
    db.execute_batch("PRAGMA wal_autocheckpoint = 0").unwrap();
    db.execute(
        "INSERT INTO meta VALUES ('large', ?1)",
        ["x".repeat(100_000)],
    )
    .unwrap();
    let log = place.folder().join("a store.db-wal");
    let logged = fs::read(&log).unwrap();
    drop(db);
    let moved = fs::read(place.file()).unwrap();
    let mut half = before[place.file().file_name().unwrap()].clone();
    assert!(moved.len() > half.len(), "it has grown");
    half[..4096].copy_from_slice(&moved[..4096]);
    fs::write(place.file(), half).unwrap();
    fs::write(&log, logged).unwrap();

    let store = place.open();
    assert!(store.user_card(&sample_id()).await.unwrap().is_some());
    drop(store);
    let db = Connection::open(place.file()).unwrap();
    let text = |sql: &str| db.query_row(sql, [], |row| row.get::<_, String>(0));
    let large = text("SELECT value FROM meta WHERE name = 'large'").unwrap();
    assert_eq!(large.len(), 100_000);
    assert_eq!(text("PRAGMA integrity_check").unwrap(), "ok");
}

#[tokio::test]
async fn an_empty_file_becomes_a_store() {
    let place = Place::new();
    fs::write(place.file(), "").unwrap();
    place.fill().await;
    assert!(
        place
            .open()
            .user_card(&sample_id())
            .await
            .unwrap()
            .is_some()
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    for path in ["/nowhere/at/all.db", "/proc/kabao.db", "/dev/null/x.db"] {
        let error = crate::place::open(Path::new(path), &Place::new().key).unwrap_err();
        assert!(matches!(error, StoreError::Backend { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains(path) && text.contains("cannot be opened"),
            "{text}"
        );
    }
}

async fn write_and_die(path: &Path) {
    let store = crate::place::open(path, &Place::new().key).unwrap();
    store
        .change_user_card(&sample_id(), count_up())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    std::process::abort();
}

/// A log that a process left which was killed.
fn leave_a_log(place: &Place) {
    let role = "damage::a_damaged_store_with_a_log_is_left_alone";
    let status = child::command(role, &place.file())
        .stderr(std::process::Stdio::null())
        .status();
    assert!(!status.unwrap().success());
    assert!(
        fs::metadata(place.folder().join("a store.db-wal"))
            .unwrap()
            .len()
            > 0
    );
}

fn refuses_and_leaves(place: &Place, wanted: &str) {
    let contents = || {
        let mut files = place.files();
        // An index of the log that any reader may rebuild.
        if let Some(index) = files.get_mut(std::ffi::OsStr::new("a store.db-shm")) {
            index.clear();
        }
        files
    };
    let before = contents();
    let uri = format!("sqlite:{}", place.file().display());
    let inspected = store::inspect(&uri).unwrap_err();
    assert!(
        matches!(inspected, StoreError::Damaged { .. }),
        "{inspected}"
    );
    let error = place.try_open().unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains(wanted) && text.contains("a store.db"),
        "{text}"
    );
    assert!(text.contains("nothing was changed"), "{text}");
    let after = contents();
    assert!(before.keys().eq(after.keys()), "{:?}", after.keys());
    assert!(before == after, "bytes differ after: {text}");
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}
