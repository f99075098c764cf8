//! `dist/`: the commands of the unit and of the container are ones that work.

use std::{fs, path::Path};

use crate::world::{Port, World};

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../dist")
        .join(name);
    fs::read_to_string(path).expect(name)
}

/// Serves as the first words say, and asks as the others do, on a free port and
/// in a folder of its own.
fn work_together(serve: &[String], ask: &[String], state: &str) {
    let world = World::new();
    let port = Port::new();
    let address = port.address();
    let own = world.path("state").display().to_string();
    let here = |words: &[String]| -> Vec<String> {
        let word = |word: &String| {
            let word = word.replace("127.0.0.1:8080", &address);
            word.replace("0.0.0.0:8080", &address).replace(state, &own)
        };
        words.iter().map(word).collect()
    };
    let world = world
        .set("KABAO_DATA_DIR", &own)
        .set("KABAO_LOG_FORMAT", "json");
    let (serve, ask) = (here(serve), here(ask));
    assert_eq!(serve[..2], ["sandbox", "serve"]);
    let arguments: Vec<&str> = serve[2..].iter().map(String::as_str).collect();
    let server = world.serve(&arguments);
    let ask: Vec<&str> = ask.iter().map(String::as_str).collect();
    world.run(&ask).ok();
    let credentials = Path::new(&own).join("credentials/credentials.json");
    assert!(credentials.exists(), "{}", credentials.display());
    assert!(Path::new(&own).join("master.key").exists());
    let stopped = server.stop("-TERM");
    assert_eq!(stopped.status, 0, "{stopped:?}");
    assert!(stopped.stderr.starts_with('{'), "{stopped:?}");
    let gone = [&ask[..4], &["--timeout", "100ms"]].concat();
    world.run(&gone).failed(2, &["no sandbox was ready"]);
}

#[test]
fn the_unit_serves_and_knows_when_it_is_ready() {
    let unit = read("kabao-sandbox.service");
    let words = |setting: &str| -> Vec<String> {
        let line = unit.lines().find_map(|line| line.strip_prefix(setting));
        let command = line.expect(setting).strip_prefix("/usr/bin/kabao ");
        command
            .expect("our binary")
            .split(' ')
            .map(str::to_owned)
            .collect()
    };
    let state = "%S/kabao-sandbox";
    assert!(unit.contains(&format!("Environment=KABAO_DATA_DIR={state}\n")));
    work_together(&words("ExecStart="), &words("ExecStartPost="), state);
}

#[test]
fn the_unit_does_not_give_up() {
    let unit = read("kabao-sandbox.service");
    let section = |name: &str| -> Vec<&str> {
        let begin = format!("[{name}]");
        let lines = unit.lines().skip_while(|line| *line != begin).skip(1);
        lines.take_while(|line| !line.starts_with('[')).collect()
    };
    let (unit, service) = (section("Unit"), section("Service"));
    assert!(service.contains(&"Restart=on-failure"), "{service:?}");
    // Five starts in ten seconds, which is what it has without these, are no
    // time for a database.
    assert!(service.contains(&"RestartSec=5"), "{service:?}");
    assert!(unit.contains(&"StartLimitIntervalSec=0"), "{unit:?}");
}

#[test]
fn the_container_serves_and_knows_its_health() {
    let file = read("Containerfile");
    let words = |of: &str| -> Vec<String> {
        let line = of
            .lines()
            .find_map(|line| line.trim_start().strip_prefix("CMD "));
        let words: Vec<String> = serde_json::from_str(line.expect("CMD")).expect("JSON");
        words
            .into_iter()
            .filter(|word| word != "/usr/bin/kabao")
            .collect()
    };
    let state = "/var/lib/kabao";
    assert!(file.contains(&format!("ENV KABAO_DATA_DIR={state} ")));
    assert!(file.contains("\nUSER 10001:10001\n"), "not as root");
    let (health, serve) = file
        .split_once("ENTRYPOINT [\"/usr/bin/kabao\"]")
        .expect("ours");
    assert!(health.contains("HEALTHCHECK"));
    work_together(&words(serve), &words(health), state);
}

#[test]
fn an_image_is_built_from_nothing_but_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // The name that docker, podman and buildah all know.
    let list = fs::read_to_string(root.join(".dockerignore")).expect("a list");
    let mut lines = list.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(lines.next(), Some("*"), "nothing, but for");
    let taken: Vec<&str> = lines
        .map(|line| line.strip_prefix('!').expect(line))
        .collect();
    for path in &taken {
        assert!(root.join(path).exists(), "{path}");
    }
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("a workspace");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let members = manifest["workspace"]["members"].as_array().expect("a list");
    let members = members
        .iter()
        .map(|member| member.as_str().expect("a path"));
    for needed in members.chain(["Cargo.toml", "Cargo.lock", ".cargo"]) {
        let needed = needed.trim_end_matches("/*");
        assert!(taken.contains(&needed), "{needed} of {taken:?}");
    }
}
