//! A PostgreSQL server of the tests' own: in a temporary folder, on a free port,
//! gone with the test binary.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    net::TcpListener,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use kabao_sandbox::{
    store::{self, Store, StoreError},
    vault::MasterKey,
};

const USER: &str = "kabao";
const PASSWORD: &str = "geheim";

/// A running server.
pub(crate) struct Server {
    bin: PathBuf,
    folder: PathBuf,
    port: u16,
    keeper: Mutex<Keeper>,
}

/// A process that minds the server for as long as its stdin is open.
struct Keeper {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    _process: Child,
}

/// A database that no other test has.
pub(crate) struct Database {
    server: &'static Server,
    name: String,
    pub(crate) key: MasterKey,
}

/// A new database on the server that all tests share. `None` if there is no
/// PostgreSQL here, which is said aloud, and is a failure where everything must
/// run.
pub(crate) fn database() -> Option<Database> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| Server::start(Durable::No));
    Some(server.as_ref()?.database())
}

/// A new database on a server that can be stopped, and that keeps what it has
/// acknowledged.
pub(crate) fn durable_database() -> Option<Database> {
    let server: &'static Server = Box::leak(Box::new(Server::start(Durable::Yes)?));
    Some(server.database())
}

enum Durable {
    Yes,
    No,
}

impl Server {
    fn start(durable: Durable) -> Option<Self> {
        let Some(bin) = programs() else {
            assert!(
                std::env::var_os("KABAO_REQUIRE_ALL").is_none_or(|value| value != "1"),
                "PostgreSQL is missing, and KABAO_REQUIRE_ALL=1 wants it; install `postgresql`"
            );
            // Past the harness, which shows nothing of a test that passes.
            let said =
                b"\nSKIPPED: PostgreSQL is missing; install `postgresql` to test the store on it\n";
            io::stderr().write_all(said).unwrap();
            return None;
        };
        let mut issues = Vec::new();
        // Somebody else may take the port before it does.
        for _ in 0..3 {
            match Self::try_start(&bin, &durable) {
                Ok(server) => return Some(server),
                Err(issue) => issues.push(issue),
            }
        }
        panic!("PostgreSQL does not start: {issues:?}");
    }

    fn try_start(bin: &Path, durable: &Durable) -> Result<Self, String> {
        let folder = tempfile::Builder::new()
            .prefix("kabao-postgres-")
            .tempdir()
            .unwrap()
            .keep();
        let port = free_port();
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", include_str!("keeper.sh"), "keeper"])
            .arg(bin)
            .arg(&folder)
            .arg(port.to_string())
            .arg(match durable {
                Durable::Yes => "on",
                Durable::No => "off",
            })
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // What ends the tests from the keyboard must not end it before it
            // has cleaned up.
            .process_group(0);
        if let Some((user, group)) = somebody_else() {
            chown(&folder, Some(user), Some(group)).unwrap();
            command.uid(user).gid(group);
        }
        let mut process = command.spawn().unwrap();
        let mut keeper = Keeper {
            stdin: process.stdin.take().unwrap(),
            stdout: BufReader::new(process.stdout.take().unwrap()),
            _process: process,
        };
        match keeper.answer().as_str() {
            "done" => Ok(Self {
                bin: bin.to_owned(),
                folder,
                port,
                keeper: Mutex::new(keeper),
            }),
            issue => Err(issue.to_owned()),
        }
    }

    fn database(&'static self) -> Database {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}_{}", std::process::id());
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        Database {
            server: self,
            name,
            key: MasterKey::parse("test", &"5a".repeat(32)).unwrap(),
        }
    }

    /// What `psql` answers, a line per row.
    fn sql(&self, database: &str, sql: &str) -> String {
        let output = self.psql(database, sql).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn psql(&self, database: &str, sql: &str) -> Command {
        let port = self.port.to_string();
        let mut command = Command::new(self.bin.join("psql"));
        command
            .args(["-h", "127.0.0.1", "-p", &port, "-U", USER, "-d", database])
            .args(["-v", "ON_ERROR_STOP=1", "-qAtX", "-c", sql])
            .env("PGPASSWORD", PASSWORD);
        command
    }

    /// Ends it as a crash would.
    pub(crate) fn stop(&self) {
        self.keeper.lock().unwrap().ask("stop");
    }

    /// Starts it again, where it was.
    pub(crate) fn start_again(&self) {
        self.keeper.lock().unwrap().ask("start");
    }

    /// Starts a standby, without which nothing is acknowledged from now on, and
    /// gives its port.
    pub(crate) fn start_standby(&self) -> u16 {
        let port = free_port();
        self.keeper.lock().unwrap().ask(&format!("standby {port}"));
        port
    }

    /// Lets the standby take over.
    pub(crate) fn promote_standby(&self) {
        self.keeper.lock().unwrap().ask("promote");
    }

    /// Puts a file into its folder, as its own.
    pub(crate) fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        if let Some((user, group)) = somebody_else() {
            chown(&path, Some(user), Some(group)).unwrap();
        }
        path
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Keeper {
    fn ask(&mut self, command: &str) {
        writeln!(self.stdin, "{command}").unwrap();
        assert_eq!(self.answer(), "done");
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Database {
    pub(crate) fn uri(&self) -> String {
        self.uri_at(self.server.port, PASSWORD)
    }

    /// The same by another way, or with another password.
    pub(crate) fn uri_at(&self, port: u16, password: &str) -> String {
        let name = &self.name;
        format!("postgres://{USER}:{password}@127.0.0.1:{port}/{name}")
    }

    /// The same on either of two servers.
    pub(crate) fn uri_with(&self, standby: u16) -> String {
        self.uri_by([self.server.port, standby])
    }

    /// The same by either of two ways.
    pub(crate) fn uri_by(&self, [first, second]: [u16; 2]) -> String {
        let name = &self.name;
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{first},127.0.0.1:{second}/{name}")
    }

    /// The same, with settings for each of its connections.
    pub(crate) fn uri_where(&self, settings: &str) -> String {
        let settings = settings.replace(' ', "%20").replace('=', "%3D");
        format!("{}?options={settings}", self.uri())
    }

    pub(crate) fn open(&self) -> Arc<dyn Store> {
        self.try_open().unwrap()
    }

    pub(crate) fn try_open(&self) -> Result<Arc<dyn Store>, StoreError> {
        store::open(&self.uri(), &self.key)
    }

    pub(crate) fn sql(&self, sql: &str) -> String {
        self.server.sql(&self.name, sql)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn server(&self) -> &'static Server {
        self.server
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // It would only take up room, so no more than a try.
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let _ = self.server.psql("postgres", &drop).output();
    }
}

/// Below those that systems give to whoever asks for any: nobody takes it while
/// a server is down.
fn free_port() -> u16 {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    const FIRST: usize = 20_000;
    const MANY: usize = 12_000;
    // Other processes begin elsewhere.
    let begin = std::process::id() as usize * 101;
    let mut ports = (0..MANY).map(|_| {
        let place = begin + NEXT.fetch_add(1, Ordering::Relaxed);
        u16::try_from(FIRST + place % MANY).unwrap()
    });
    let free = ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.expect("a free port")
}

/// Where the newest server's programs are.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let versions = versions.filter_map(|entry| {
        let entry = entry.ok()?;
        let version: f64 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin")))
    });
    let debian = versions.max_by(|(one, _), (other, _)| one.total_cmp(other));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = debian.map(|(_, bin)| bin);
    let folders = folders.into_iter().chain(std::env::split_paths(&path));
    let mut complete = folders.filter(|bin| {
        let has = |program: &str| bin.join(program).is_file();
        has("initdb") && has("pg_ctl") && has("psql")
    });
    complete.next()
}

/// Whom to be instead of root, which PostgreSQL refuses.
fn somebody_else() -> Option<(u32, u32)> {
    let own = fs::metadata("/proc/self").ok()?;
    if std::os::unix::fs::MetadataExt::uid(&own) != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &str| {
        let mut lines = users
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>());
        let line = lines.find(|line| line[0] == name)?;
        Some((line[2].parse().ok()?, line[3].parse().ok()?))
    };
    Some(
        find("postgres")
            .or_else(|| find("nobody"))
            .expect("a user to be"),
    )
}
