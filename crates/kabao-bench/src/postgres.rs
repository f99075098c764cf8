//! What an answer costs the sandbox's own process with its store on PostgreSQL:
//! a private server, gone with the benchmark.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::PathBuf,
    process::Stdio,
};

use anyhow::{Context as _, Result, ensure};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::{
    Effort,
    members::{self, Ask},
    sandbox,
    sandbox::{Server, Setting},
};
use kabao_sandbox::{folder::DataFolder, store};

/// As the tests do it.
const KEEPER: &str = include_str!("../../kabao-sandbox/tests/store/postgres/keeper.sh");

const MEMBERS: usize = 1_000;

pub(crate) async fn measure(effort: Effort) -> Result<()> {
    let mut keeper = keep().await?;
    let folder = tempfile::tempdir()?;
    let setting = Setting {
        store: Some(&keeper.uri),
        ..Setting::default()
    };
    let server = Server::start_with(folder.path(), setting).await?;
    // Different cards: one and the same is a race that somebody always loses.
    let key = DataFolder::create(folder.path())?.master_key()?;
    members::add(store::open(&keeper.uri, &key)?, MEMBERS).await?;
    let patches = members::requests(server.credentials(), Ask::Patch, MEMBERS, MEMBERS, 0)?;
    sandbox::measure(&server, "postgres", &patches, effort).await?;
    server.stop().await?;
    // It stops with its stdin.
    drop(keeper.process.stdin.take());
    keeper.process.wait().await?;
    Ok(())
}

struct Keeper {
    process: Child,
    uri: String,
}

async fn keep() -> Result<Keeper> {
    let bin = programs().context("no PostgreSQL here; install `postgresql`")?;
    let folder = tempfile::Builder::new()
        .prefix("kabao-postgres-")
        .tempdir()?
        .keep();
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", KEEPER, "keeper"])
        .arg(bin)
        .arg(&folder)
        .args([&port.to_string(), "on"])
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    // PostgreSQL refuses root.
    if fs::metadata("/proc/self")?.uid() == 0 {
        let (user, group) = somebody_else().context("no user to be instead of root")?;
        chown(&folder, Some(user), Some(group))?;
        command.uid(user).gid(group);
    } else {
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
    }
    let mut process = command.spawn()?;
    let stdout = process.stdout.take().context("no stdout")?;
    let answer = BufReader::new(stdout).lines().next_line().await?;
    let answer = answer.context("PostgreSQL did not start")?;
    ensure!(answer == "done", "PostgreSQL does not start: {answer}");
    Ok(Keeper {
        process,
        uri: format!("postgres://kabao:geheim@127.0.0.1:{port}/postgres"),
    })
}

fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    let path = std::env::var_os("PATH").unwrap_or_default();
    debian
        .chain(std::env::split_paths(&path))
        .find(|bin| bin.join("initdb").is_file() && bin.join("pg_ctl").is_file())
}

fn somebody_else() -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let find = |name: &str| {
        let line = users.lines().find_map(|line| line.strip_prefix(name));
        let mut parts = line?.strip_prefix(':')?.split(':').skip(1);
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    find("postgres").or_else(|| find("nobody"))
}
