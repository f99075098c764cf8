//! `peer-wechatpay-v3 FOLDER CALLS`: so many verified queries of the sample
//! card. The crate knows no member cards; `get_pay` is its call for any path.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;
use wechatpay_v3::{
    pay::{ResponseVerify, WechatPay, WechatPayConfig},
    response::ResponseTrait,
};

const CODE: &str = "478515832665";

#[derive(Deserialize)]
#[serde(transparent)]
struct Card(Value);

impl ResponseTrait for Card {}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().context("which credentials folder?")?;
    let calls: usize = arguments.next().context("how many calls?")?.parse()?;
    run(Path::new(&folder), calls)
}

fn run(folder: &Path, calls: usize) -> Result<()> {
    let given: Value = serde_json::from_slice(&fs::read(folder.join("credentials.json"))?)?;
    let text = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    let client = WechatPay::from_config(WechatPayConfig {
        appid: "wxd678efh567hg6787".into(),
        mch_id: text("mchid"),
        private_key: fs::read_to_string(folder.join("apiclient_key.pem"))?,
        serial_no: text("serial_no"),
        v3_key: text("apiv3_key"),
        notify_url: "https://example.com/notify".into(),
        response_verify: ResponseVerify::Required,
    })
    .with_base_url(text("base_url"))
    .with_platform_public_key(
        text("wechatpay_public_key_id"),
        fs::read_to_string(folder.join("pub_key.pem"))?,
    );
    let [brand_id, card_id, openid] = ["brand_id", "card_id", "openid"].map(text);
    let path = format!(
        "/v3/brand/partner/card-member/user-cards/{CODE}?brand_id={brand_id}&card_id={card_id}&openid={openid}"
    );
    for _ in 0..calls {
        let Card(card) = client.get_pay(&path)?;
        ensure!(card["user_card_code"] == CODE, "another card: {card}");
    }
    Ok(())
}
