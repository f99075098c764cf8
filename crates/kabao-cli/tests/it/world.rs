//! A home folder for one test, and the programs run in it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;
use tokio::net::TcpSocket;

pub(crate) const CODE: &str = "478515832665";
pub(crate) const CARD_ID: &str = "pbLatjvWOibDc5-TBnbUk1pD12o0";
pub(crate) const OPENID: &str = "obLatjnx9gnqzS4myYGmLZ7LgLBA";

/// A port that is given to nobody else, whether or not a server of ours listens.
pub(crate) struct Port(TcpSocket);

impl Port {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        // Bound and not listened on, it leaves the port to whoever asks by number.
        socket.set_reuseaddr(true).expect("set");
        socket
            .bind("127.0.0.1:0".parse().expect("an address"))
            .expect("a port");
        Self(socket)
    }

    pub(crate) fn address(&self) -> String {
        self.0.local_addr().expect("its address").to_string()
    }
}

/// An empty home. Nothing of the machine's own settings reaches into it.
pub(crate) struct World {
    home: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            home: tempfile::tempdir().expect("a folder"),
            variables: Vec::new(),
        }
    }

    pub(crate) fn set(mut self, name: &str, value: impl AsRef<Path>) -> Self {
        let value = value.as_ref().display().to_string();
        self.variables.push((name.into(), value));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, text).expect("written");
        path
    }

    /// Writes `~/.config/kabao/config.toml`.
    pub(crate) fn configure(&self, text: &str) {
        self.write("config/kabao/config.toml", text);
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kabao"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_DATA_HOME", self.path("data"))
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command(arguments).output().expect("it runs"))
    }

    pub(crate) fn run_with_stdin(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut stdin = child.stdin.take().expect("piped");
        // Whoever does not read it closes it early.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        Outcome::of(child.wait_with_output().expect("it ends"))
    }

    /// Another home, whose commands call a server with what it wrote into
    /// `folder`.
    pub(crate) fn caller(&self, folder: &str) -> Self {
        let folder = self.path(folder);
        let text = fs::read_to_string(folder.join("credentials.json")).expect("written");
        let given: Value = serde_json::from_str(&text).expect("JSON");
        let text = |name: &str| given[name].as_str().expect("a text").to_owned();
        Self::new()
            .set("KABAO_MCHID", text("mchid"))
            .set("KABAO_SERIAL_NO", text("serial_no"))
            .set("KABAO_PRIVATE_KEY", folder.join("apiclient_key.pem"))
            .set("KABAO_WECHATPAY_PUBLIC_KEY", folder.join("pub_key.pem"))
            .set(
                "KABAO_WECHATPAY_PUBLIC_KEY_ID",
                text("wechatpay_public_key_id"),
            )
            .set("KABAO_BASE_URL", text("base_url"))
            .set("KABAO_BRAND_ID", text("brand_id"))
            .set("KABAO_CARD_ID", text("card_id"))
            .set("KABAO_OPENID", text("openid"))
    }

    /// The sample card as JSON.
    pub(crate) fn card(&self) -> Value {
        self.run(&["user-card", "get", CODE, "--output", "json"])
            .ok()
            .json()
    }

    /// Starts `kabao sandbox serve` and waits for the ready line.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Server {
        let arguments = [&["sandbox", "serve"], arguments].concat();
        let mut child = self.command(&arguments).spawn().expect("it runs");
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        lines.read_line(&mut line).expect("a line");
        let Some(base_url) = line.trim_end().strip_prefix("listening on ") else {
            let output = child.wait_with_output().expect("it ends");
            panic!("{line:?} {}", String::from_utf8_lossy(&output.stderr));
        };
        Server {
            base_url: base_url.to_owned(),
            child,
            lines,
        }
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// It worked.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.status, 0, "{self:?}");
        self
    }

    /// It ended with this status, nothing on stdout, and these words on stderr.
    #[track_caller]
    pub(crate) fn failed(self, status: i32, words: &[&str]) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "no `{word}` in {}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("JSON")
    }

    /// The table's line of a member.
    #[track_caller]
    pub(crate) fn line(&self, name: &str) -> &str {
        self.stdout
            .lines()
            .find(|line| line.split_whitespace().any(|word| word == name))
            .unwrap_or_else(|| panic!("no line {name} in {}", self.stdout))
    }
}

/// A running sandbox.
pub(crate) struct Server {
    pub(crate) base_url: String,
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Server {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args([signal, &id]).status();
        assert!(kill.expect("kill").success());
    }

    /// Sends a signal and waits: status, and what else was on stdout and stderr.
    pub(crate) fn stop(self, signal: &str) -> Outcome {
        self.signal(signal);
        self.ended()
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> Outcome {
        let status = self.child.wait().expect("it ends");
        let mut stdout = String::new();
        std::io::Read::read_to_string(&mut self.lines, &mut stdout).expect("UTF-8");
        let mut stderr = String::new();
        let mut errors = self.child.stderr.take().expect("piped");
        std::io::Read::read_to_string(&mut errors, &mut stderr).expect("UTF-8");
        Outcome {
            status: status.code().unwrap_or(-1),
            stdout,
            stderr,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
