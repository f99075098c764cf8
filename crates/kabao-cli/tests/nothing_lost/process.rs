//! `kabao sandbox serve`, started by a test and killed by it.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// What a test waits for at most, far above what it takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A home of its own, with a data folder in it.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        // A name that no temporary file of the program has.
        Self(
            tempfile::Builder::new()
                .prefix("kabao-home-")
                .tempdir()
                .unwrap(),
        )
    }

    /// Lets everybody in, down to what has an owner of its own.
    pub(crate) fn may_be_entered(&self) {
        fs::set_permissions(self.0.path(), fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `kabao sandbox serve` with the data folder `data`, and nothing of this
    /// machine's settings.
    pub(crate) fn serve(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(["sandbox", "serve"])
            .args(arguments)
            .env_clear()
            .env("HOME", self.0.path())
            .env("KABAO_DATA_DIR", self.path("data"))
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Process {
        Process::start(
            self.serve(env!("CARGO_BIN_EXE_kabao"), arguments),
            &self.path("log"),
        )
    }
}

/// A process from its first moment on.
pub(crate) struct Process {
    child: Child,
    born: Instant,
    log: PathBuf,
}

impl Process {
    /// What it says to stderr goes into the file `log`, from its beginning on.
    pub(crate) fn start(mut command: Command, log: &Path) -> Self {
        let born = Instant::now();
        let child = command
            .stdout(Stdio::piped())
            .stderr(File::create(log).unwrap())
            .spawn()
            .unwrap();
        let log = log.to_owned();
        Self { child, born, log }
    }

    /// Waits for the ready line: where it listens, and how long that took.
    pub(crate) fn ready(&mut self) -> (String, Duration) {
        let ready = self.try_ready();
        ready.unwrap_or_else(|| panic!("it does not start: {}", self.said()))
    }

    /// The same; `None` if it ends instead.
    pub(crate) fn try_ready(&mut self) -> Option<(String, Duration)> {
        let mut line = String::new();
        let stdout = self.child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let took = self.born.elapsed();
        let base_url = line.trim_end().strip_prefix("listening on ")?;
        Some((base_url.to_owned(), took))
    }

    /// What it has said to stderr.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Kills it with SIGKILL; what it had said until then.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        assert_eq!(signal, Some(9), "it died before: {status} {}", self.said());
        self.said()
    }

    /// Ends it as an operator would.
    pub(crate) fn stop(mut self) -> (ExitStatus, String) {
        self.ask_to_end();
        self.ends()
    }

    fn ask_to_end(&self) {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(asked.success());
    }

    /// Kills it while it ends, which it may have done by then; what it had said.
    pub(crate) fn kill_at_the_end(mut self, after: Duration) -> String {
        self.ask_to_end();
        thread::sleep(after);
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.said()
    }

    /// Waits for its own end.
    pub(crate) fn ends(&mut self) -> (ExitStatus, String) {
        let patience = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, self.said());
            }
            assert!(patience.elapsed() < PATIENCE, "it does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
