//! A whole membership, from the picture on the card to its end, against a
//! sandbox: what a brand, or the service provider that works for it, calls; what
//! WeChat Pay tells its shop; and what its members do meanwhile.
//!
//! It takes a folder of credentials as `kabao sandbox serve --credentials DIR`
//! writes it, and who calls:
//!
//! ```text
//! cargo run --example membership --features axum -- DIR partner
//! cargo run --example membership --features axum -- DIR brand
//! ```
//!
//! With a third word, `shop`, it is only the service that takes notifications:
//! it prints its address and answers until stdin ends.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "an example shows what it does, and lives in real time"
)]

mod credentials;
mod shop;
mod story;
mod wechat;

use std::{error::Error, path::Path};

use tokio::io::AsyncReadExt as _;

use crate::{credentials::Credentials, shop::Shop};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (folder, caller, only_shop) = match arguments[..] {
        [folder, caller] => (folder, caller, false),
        [folder, caller, "shop"] => (folder, caller, true),
        _ => return Err("usage: membership DIR partner|brand [shop]".into()),
    };
    let credentials = match caller {
        "partner" => Credentials::of_service_provider(Path::new(folder))?,
        "brand" => Credentials::of_brand(Path::new(folder))?,
        other => return Err(format!("`{other}` is neither partner nor brand").into()),
    };
    let shop = Shop::open(&credentials).await?;
    if only_shop {
        println!("{}", shop.notify_url);
        tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
        return Ok(());
    }
    story::run(&credentials, shop).await
}
