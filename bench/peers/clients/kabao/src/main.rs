//! `peer-kabao FOLDER CALLS`: so many verified queries of the sample card.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use kabao::{Client, Merchant, PrivateKey};
use serde_json::Value;

const PATH: &str = "v3/brand/partner/card-member/user-cards/{user_card_code}";
const CODE: &str = "478515832665";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().context("which credentials folder?")?;
    let calls: usize = arguments.next().context("how many calls?")?.parse()?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(run(Path::new(&folder), calls))
}

async fn run(folder: &Path, calls: usize) -> Result<()> {
    let given: Value = serde_json::from_slice(&fs::read(folder.join("credentials.json"))?)?;
    let text = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    let key = PrivateKey::from_pem(fs::read(folder.join("apiclient_key.pem"))?)?;
    let client = Client::builder(Merchant::new(text("mchid"), text("serial_no"), key))
        .wechatpay_public_key(
            text("wechatpay_public_key_id"),
            fs::read(folder.join("pub_key.pem"))?,
        )
        .base_url(text("base_url"))
        .build()?;
    let query = ["brand_id", "card_id", "openid"].map(|name| (name, text(name)));
    for _ in 0..calls {
        let answer = client
            .chain(PATH)
            .param("user_card_code", CODE)
            .query(&query)
            .get()
            .await?;
        let card: Value = answer.json()?;
        ensure!(card["user_card_code"] == CODE, "another card: {card}");
    }
    Ok(())
}
