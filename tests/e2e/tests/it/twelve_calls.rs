//! The example with all twelve calls of the reference page, executed.

use std::process::Command;

use serde_json::Value;

use crate::support::World;

#[test]
fn the_twelve_calls_of_the_page_run_and_send_what_the_page_shows() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(|builder| builder.credentials_dir(folder.path()));
    let output = Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "-p",
            "kabao",
            "--features",
            "blocking",
            "--example",
            "user_card_calls",
            "--",
        ])
        .arg(folder.path())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");

    let mut journal = world.journal();
    journal.retain(|entry| entry["operation"] != "certificates");
    assert_eq!(journal.len(), 12);
    let of = |method: &str| -> Vec<&Value> {
        journal
            .iter()
            .filter(|entry| entry["method"] == method)
            .collect()
    };
    let (gets, patches) = (of("GET"), of("PATCH"));
    assert_eq!((gets.len(), patches.len()), (6, 6));
    for entry in &journal {
        assert_eq!(entry["status"], 200, "{entry}");
        assert_eq!(
            entry["path"],
            "/v3/brand/partner/card-member/user-cards/478515832665"
        );
    }
    for get in gets {
        assert_eq!(
            get["query"],
            "brand_id=1004&card_id=pbLatjvWOibDc5-TBnbUk1pD12o0&openid=obLatjnx9gnqzS4myYGmLZ7LgLBA"
        );
    }
    for patch in patches {
        assert_eq!(patch["query"], "card_id=pbLatjvWOibDc5-TBnbUk1pD12o0");
    }
}
