//! Places where a sandbox cannot start: it says why and what to do, and touches
//! nothing.

use std::{
    collections::BTreeMap,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
};

use tokio::runtime::Runtime;

use crate::{
    access::{Access, Credentials},
    disk::{Disk, is_root, skip},
    kept::Kept,
    process::{Home, Process},
    writers::{Imports, Repeatable as _, new_card},
};

/// Who may do less than root, to whom nothing is forbidden.
const NOBODY: u32 = 65534;

const FOR_A_MERCHANT: [&str; 4] = ["--credentials", "credentials", "--rate-limits", "off"];

/// Everything in the home belongs to somebody without privileges, as whom the
/// sandbox runs.
struct Somebody {
    home: Home,
    program: PathBuf,
}

impl Somebody {
    /// With a data folder that was used before.
    fn new() -> Self {
        let somebody = Self::without_data();
        let mut sandbox = somebody.start(&[]);
        sandbox.ready();
        assert!(sandbox.stop().0.success());
        somebody
    }

    /// Whose sandbox was killed over a log.
    fn with_a_log() -> Self {
        let somebody = Self::new();
        let mut sandbox = somebody.start(&FOR_A_MERCHANT);
        let (base_url, _) = sandbox.ready();
        let access = Credentials::read(&somebody.path("credentials")).access(&base_url);
        Runtime::new().unwrap().block_on(template(&access));
        sandbox.kill();
        assert!(
            fs::metadata(somebody.path("data/sandbox.db-wal"))
                .unwrap()
                .len()
                > 0
        );
        somebody
    }

    fn without_data() -> Self {
        let home = Home::new();
        home.may_be_entered();
        // Where it was built, others may not look.
        let program = home.path("kabao");
        fs::copy(env!("CARGO_BIN_EXE_kabao"), &program).unwrap();
        fs::write(home.path("log"), "").unwrap();
        if is_root() {
            chown(home.path("."), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        Self { home, program }
    }

    fn start(&self, arguments: &[&str]) -> Process {
        let mut command = self.home.serve(&self.program, arguments);
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        Process::start(command, &self.path("log"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path(name)
    }

    fn allow(&self, name: &str, mode: u32) {
        allow(&self.path(name), mode);
    }

    /// It does not start, for these reasons, and leaves everything as it was.
    fn is_refused(&self, arguments: &[&str], words: &[&str]) {
        let before = files(&self.path("."));
        is_refused(self.start(arguments), words);
        assert_eq!(files(&self.path(".")), before, "{words:?}");
    }
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// It ends with status 2, and says all that, in sentences.
fn is_refused(mut process: Process, words: &[&str]) {
    let (status, said) = process.ends();
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(
        said.starts_with("error: the sandbox cannot start\n"),
        "{said}"
    );
    for word in words.iter().chain(&["hint: nothing was "]) {
        assert!(said.contains(word), "no `{word}` in {said}");
    }
    assert!(
        !said.contains("panicked") && !said.contains("/.tmp"),
        "{said}"
    );
}

/// Every file and folder: owner, mode and a fingerprint of the bytes, but for
/// those of the test's own files.
fn files(folder: &Path) -> BTreeMap<PathBuf, (u32, u32, u64)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let about = fs::metadata(&path).unwrap();
            if about.is_dir() {
                folders.push(path.clone());
            }
            let bytes = match path.ends_with("log") || path.ends_with("kabao") {
                true => Vec::new(),
                // An index of the log, which any reader may rebuild.
                false if path.to_string_lossy().ends_with("-shm") => Vec::new(),
                false => fs::read(&path).unwrap_or_default(),
            };
            let mut fingerprint = DefaultHasher::new();
            bytes.hash(&mut fingerprint);
            let about = (about.uid(), about.mode(), fingerprint.finish());
            found.insert(path, about);
        }
    }
    found
}

async fn template(access: &Access) -> Imports {
    let template = new_card(0, "会员", "http://127.0.0.1:9/notify");
    let card = access.members.cards().create(template).await.unwrap();
    Imports {
        card_id: card.card_id,
    }
}

#[test]
fn a_place_without_permission_is_named_and_left_alone() {
    const LOOK: &str = "permissions";
    let somebody = Somebody::new();
    somebody.allow("data", 0o555);
    somebody.is_refused(&[], &["data/sandbox.db", "cannot be written to", LOOK]);
    somebody.allow("data", 0o700);

    somebody.allow("data/sandbox.db", 0o444);
    somebody.is_refused(&[], &["data/sandbox.db", "cannot be written to", LOOK]);
    somebody.allow("data/sandbox.db", 0o000);
    somebody.is_refused(&[], &["data/sandbox.db", "cannot be opened", LOOK]);
    somebody.allow("data/sandbox.db", 0o600);

    somebody.allow("data/master.key", 0o000);
    somebody.is_refused(&[], &["data/master.key", "ermission denied", LOOK]);
    somebody.allow("data/master.key", 0o600);

    fs::create_dir(somebody.path("credentials")).unwrap();
    somebody.allow("credentials", 0o555);
    let flags = ["--credentials", "credentials"];
    somebody.is_refused(&flags, &["credentials/", "cannot be written", LOOK]);

    // All is as it was.
    let mut sandbox = somebody.start(&[]);
    sandbox.ready();
    assert!(sandbox.stop().0.success());
}

#[test]
fn a_new_place_without_permission_is_named_and_left_alone() {
    let somebody = Somebody::without_data();
    somebody.allow(".", 0o555);
    somebody.is_refused(&[], &["the data folder", "/data cannot be used"]);
    somebody.allow(".", 0o755);
    fs::create_dir(somebody.path("data")).unwrap();
    somebody.allow("data", 0o555);
    somebody.is_refused(&[], &["data/master.key", "permission denied"]);
    let store = format!("sqlite:{}", somebody.path("data/other.db").display());
    somebody.is_refused(&["--store", &store], &["data/master.key"]);
}

#[test]
fn what_belongs_to_another_user_is_named_and_left_alone() {
    if !is_root() {
        return skip("only root can give files to another user");
    }
    let theirs = |somebody: &Somebody, names: &[&str]| {
        for name in names {
            chown(somebody.path(name), Some(0), Some(0)).unwrap();
        }
    };
    let somebody = Somebody::new();
    theirs(&somebody, &["data"]);
    somebody.is_refused(&[], &["data/master.key", "ermission denied"]);
    somebody.allow("data", 0o755);
    theirs(&somebody, &["data/sandbox.db"]);
    somebody.is_refused(&[], &["data/sandbox.db", "cannot be opened"]);

    // Root had started it once, and was killed: what its log holds must stay.
    let somebody = Somebody::with_a_log();
    theirs(&somebody, &["data/sandbox.db-wal", "data/sandbox.db-shm"]);
    somebody.is_refused(&[], &["data/sandbox.db"]);
    for name in ["data/sandbox.db-wal", "data/sandbox.db-shm"] {
        chown(somebody.path(name), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let mut sandbox = somebody.start(&[]);
    sandbox.ready();
    assert!(sandbox.stop().0.success());
    // The template of the log and the sample's.
    let templates = "SELECT card_id FROM card_templates";
    assert_eq!(Kept::in_file(&somebody.home).rows(templates).len(), 2);
}

#[test]
fn a_read_only_file_system_is_named_and_left_alone() {
    let home = Home::new();
    let Some(disk) = Disk::mount(&home.path("data"), "4m", None) else {
        return;
    };
    let mut sandbox = home.start(&[]);
    sandbox.ready();
    assert!(sandbox.stop().0.success());
    disk.make_read_only();
    let before = files(&home.path("data"));
    is_refused(
        home.start(&[]),
        &["data/sandbox.db", "file system is read-only"],
    );
    let other = format!("sqlite:{}", home.path("data/new/other.db").display());
    let words = ["data/new", "ead-only file"];
    is_refused(home.start(&["--store", &other]), &words);
    assert_eq!(files(&home.path("data")), before);
}

/// What is in the folder may still be written to: SQLite's log stays there when
/// the sandbox ends, and serves the next one.
#[test]
fn a_folder_that_becomes_read_only_loses_nothing() {
    let somebody = Somebody::new();
    let mut sandbox = somebody.start(&FOR_A_MERCHANT);
    let (base_url, _) = sandbox.ready();
    let access = Credentials::read(&somebody.path("credentials")).access(&base_url);
    let runtime = Runtime::new().unwrap();
    let mut imports = runtime.block_on(template(&access));
    somebody.allow("data", 0o555);
    for number in 1..=20 {
        runtime.block_on(imports.send(&access, number)).unwrap();
    }
    let (status, said) = sandbox.stop();
    assert!(status.success(), "{status} {said}");
    for mode in [0o555, 0o700] {
        somebody.allow("data", mode);
        let mut sandbox = somebody.start(&FOR_A_MERCHANT);
        let (base_url, _) = sandbox.ready();
        let access = Credentials::read(&somebody.path("credentials")).access(&base_url);
        for number in 1..=20 {
            let there = runtime.block_on(imports.is_there(&access, number)).unwrap();
            assert_eq!(there, Some(true), "{number}");
        }
        let (status, said) = sandbox.stop();
        assert!(status.success(), "{status} {said}");
    }
}

#[test]
fn a_start_on_a_full_disk_is_refused_until_there_is_room() {
    let home = Home::new();
    let Some(disk) = Disk::mount(&home.path("data"), "1m", None) else {
        return;
    };
    // However far it comes: the next start goes on from there.
    for room in [0, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256] {
        disk.fill_up_to(room);
        let mut sandbox = home.start(&[]);
        match sandbox.try_ready() {
            Some(_) => drop(sandbox.kill()),
            None => is_refused(sandbox, &["data/", "make room"]),
        }
        let data = fs::read_dir(home.path("data")).unwrap();
        assert!(room > 0 || data.count() == 1, "the ballast alone");
        disk.make_room();
        is_usable(&home, &format!("after {room} KiB"));
        for entry in fs::read_dir(home.path("data")).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }
    // One that was made stays as it is.
    is_usable(&home, "a new one");
    let kept =
        || ["sandbox.db", "master.key"].map(|name| fs::read(home.path("data").join(name)).unwrap());
    let before = kept();
    disk.fill_up_to(0);
    is_refused(
        home.start(&[]),
        &["data/sandbox.db", "the disk is full; make room"],
    );
    assert!(kept() == before);
    disk.make_room();
    is_usable(&home, "the old one");
}

fn is_usable(home: &Home, what: &str) {
    let mut sandbox = home.start(&[]);
    sandbox.ready();
    let (status, said) = sandbox.stop();
    assert!(status.success() && said == "stopping\n", "{what}: {said}");
    Kept::in_file(home).is_whole();
}
