//! `kabao sandbox serve`.

use std::fs;

use crate::world::{CODE, World};

#[test]
fn both_signals_stop_it_cleanly_and_the_ready_line_is_the_only_one() {
    for signal in ["-TERM", "-INT"] {
        let server = World::new().serve(&["--store", "memory"]);
        assert!(
            server.base_url.starts_with("http://127.0.0.1:"),
            "{}",
            server.base_url
        );
        let stopped = server.stop(signal);
        assert_eq!((stopped.status, &*stopped.stdout), (0, ""), "{stopped:?}");
    }
}

#[test]
fn state_and_keys_outlive_it() {
    let world = World::new();
    let read = |name: &str| fs::read_to_string(world.path(name)).expect("written");
    let server = world.serve(&["--credentials", "c"]);
    let key = read("c/apiclient_key.pem");
    // The command without a configuration shares the data folder.
    world
        .run(&["user-card", "update", CODE, "--level", "银卡"])
        .ok();
    server.stop("-KILL");
    let server = world.serve(&["--credentials", "c"]);
    assert_eq!(read("c/apiclient_key.pem"), key);
    assert!(read("c/credentials.json").contains(&server.base_url));
    assert_eq!(world.card()["level"], "银卡");
}

#[test]
fn a_store_by_address() {
    let world = World::new();
    let store = format!("sqlite:{}", world.path("own/sandbox.db").display());
    fs::create_dir_all(world.path("own")).expect("made");
    world.serve(&["--store", &store]).stop("-TERM");
    assert!(world.path("own/sandbox.db").exists());
    assert!(
        !world.path("data").exists(),
        "nothing goes into the data folder"
    );
}

#[cfg(unix)]
#[test]
fn credentials_are_the_owners() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let server = world.serve(&["--store", "memory", "--credentials", "c", "--tls"]);
    assert!(server.id() > 0);
    for name in [
        "credentials.json",
        "apiclient_key.pem",
        "apiclient_cert.pem",
        "pub_key.pem",
        "wechatpay_cert.pem",
        "ca.pem",
        "brand/apiclient_key.pem",
        "brand/apiclient_cert.pem",
        "brand/pub_key.pem",
    ] {
        let metadata = fs::metadata(world.path("c").join(name)).expect(name);
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
}
