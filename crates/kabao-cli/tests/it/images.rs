//! `kabao image`.

use std::fs;

use crate::{
    profiles::{merchant_variables, sandbox},
    world::World,
};

#[test]
fn a_picture_gets_an_address() {
    let world = World::new();
    let png = b"\x89PNG\r\n\x1a\n and what a picture has";
    fs::write(world.path("卡面.png"), png).expect("written");
    let told = world.run(&["image", "upload", "卡面.png"]).ok();
    // The command was the server of it.
    assert!(
        told.stderr.contains("warning: the embedded sandbox ends"),
        "{}",
        told.stderr
    );
    let line = told.line("media_url");
    let url = line.split_whitespace().last().expect("an address");
    assert!(url.starts_with("http"), "{line}");
    fs::write(world.path("picture"), png).expect("written");
    let upload = [
        "image",
        "upload",
        "picture",
        "--filename=card.png",
        "--output=json",
    ];
    let again = world.run(&upload).ok().json();
    // The same picture, at another sandbox's port.
    let again = again["media_url"].as_str().expect("a text");
    assert_eq!(again.rsplit('/').next(), url.rsplit('/').next());

    // It is one that a card can have.
    let update = ["card", "update", "--card-picture-url", url];
    assert!(
        world
            .run(&update)
            .ok()
            .line("card_picture_url")
            .starts_with("* ")
    );
}

#[test]
fn mistakes_of_pictures_are_told() {
    let world = World::new();
    let upload = |file: &str| world.run(&["image", "upload", file]);
    upload("none.png").failed(2, &["cannot read", "none.png"]);
    world.write("card.gif", "GIF89a");
    upload("card.gif").failed(2, &["/meta/filename", ".jpg, .jpeg, .bmp or .png"]);
    world.write("empty.png", "");
    upload("empty.png").failed(2, &["/file", "1 byte to 2 MB"]);
    fs::write(world.path("large.png"), vec![0; (2 << 20) + 1]).expect("written");
    upload("large.png").failed(2, &["/file", "2097153 bytes"]);
    world.write("text.png", "not a picture");
    upload("text.png").failed(1, &["400 PARAM_ERROR"]);
}

#[test]
fn a_service_provider_names_no_brand_for_it() {
    let home = World::new();
    let (server, credentials) = sandbox(&home, &[]);
    let world = merchant_variables(&home.path("credentials"), &credentials);
    let world = world.set("KABAO_BRAND_ID", "");
    fs::write(world.path("card.png"), b"\x89PNG\r\n\x1a\n and more").expect("written");
    let told = world.run(&["image", "upload", "card.png"]).ok();
    assert!(told.line("media_url").contains(&server.base_url));
    assert_eq!(told.stderr, "");
}
