//! The same commands with a brand's profile.

use std::fs;

use crate::{
    profiles::{brand_profile, sandbox},
    world::{CARD_ID, CODE, World},
};

#[test]
fn a_brand_has_its_own_operations() {
    let world = World::new();
    let (_server, credentials) = sandbox(&world, &[]);
    world.configure(&brand_profile(&credentials));
    let run = |arguments: &[&str]| world.run(&[&["--profile", "brand"], arguments].concat());
    fs::write(world.path("card.png"), b"\x89PNG\r\n\x1a\n").expect("written");
    for command in [
        &["card", "list"][..],
        &["card", "get"],
        &["card", "update", "--benefits=会员价"],
        &["user-card", "list"],
        &["user-card", "import", "7", "--openid=oNew"],
        &["user-card", "confirm", CODE],
        &[
            "user-card",
            "invalidate",
            "7",
            "--openid=oNew",
            "--reason=x",
        ],
        &["token", "pre-auth"],
        &["points", "sync", CODE, "--point-balance=1"],
        &["feed", "create", CODE, "--cell=1_1"],
        &["image", "upload", "card.png"],
        &["card", "invalidate", CARD_ID],
    ] {
        let outcome = run(command).ok();
        assert!(!outcome.stdout.is_empty(), "{command:?}");
    }
    run(&["card", "list", "--brand-id=1005"]).failed(2, &["brand 1004 cannot call for brand 1005"]);
}

#[test]
fn what_only_service_providers_have_is_not_sent() {
    let world = World::new();
    let (_server, credentials) = sandbox(&world, &[]);
    world.configure(&brand_profile(&credentials));
    let run = |arguments: &[&str]| world.run(&[&["--profile", "brand"], arguments].concat());
    for command in [
        &["activity", "list"][..],
        &["activity", "get", "1"],
        &["activity", "update", "1", "--title=x"],
        &["activity", "terminate", "1"],
        &[
            "activity",
            "create",
            "--title=t",
            "--sub-title=s",
            "--begin-time=2026-01-01",
            "--end-time=2099-01-01",
            "--apply-total=1",
            "--stock=1:2",
        ],
        &["token", "pay-view"],
        &[
            "user-card",
            "import",
            "7",
            "--by-phone",
            "--phone-number=13900139000",
        ],
    ] {
        let words = [
            "is for service providers",
            "hint:",
            "service provider's profile",
        ];
        run(command).failed(2, &words);
    }
    run(&["card", "delete", CARD_ID]).failed(2, &["delete_card", "kabao card invalidate"]);
}
