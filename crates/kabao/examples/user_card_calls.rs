//! A member's card, queried and modified: three ways to write the path, with
//! `async` and without, which makes twelve calls.
//!
//! It takes a folder of credentials as `kabao sandbox serve --credentials DIR`
//! writes it:
//!
//! ```text
//! cargo run --example user_card_calls --features blocking -- DIR
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it got")]

use std::{error::Error, fs, path::Path};

use kabao::{Answer, Client, ClientBuilder, Merchant, PrivateKey, blocking};
use serde_json::{Value, json};

const PATH: &str = "v3/brand/partner/card-member/user-cards/{user_card_code}";
const USER_CARD_CODE: &str = "478515832665";
const CARD_ID: &str = "pbLatjvWOibDc5-TBnbUk1pD12o0";
const OPENID: &str = "obLatjnx9gnqzS4myYGmLZ7LgLBA";
const QUERY: [(&str, &str); 3] = [
    ("brand_id", "1004"),
    ("card_id", CARD_ID),
    ("openid", OPENID),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args()
        .nth(1)
        .ok_or("usage: user_card_calls DIR")?;
    let folder = Path::new(&folder);
    with_async(&Settings::read(folder)?.client().build()?).await?;
    // Blocking calls work anywhere, also here inside a runtime.
    without_async(&Settings::read(folder)?.blocking_client()?)?;
    Ok(())
}

async fn with_async(client: &Client) -> Result<(), Box<dyn Error>> {
    // Query: pure chain, declared path, indexed path.
    let answer = kabao::chain!(
        client,
        v3.brand.partner.cardMember.userCards._user_card_code_
    )
    .param("user_card_code", USER_CARD_CODE)
    .query(QUERY)
    .get()
    .await?;
    show("query, pure chain, async", &answer)?;

    let answer = client
        .chain("v3/brand/partner/card-member/user-cards/{user_card_code}")
        .param("user_card_code", USER_CARD_CODE)
        .query(QUERY)
        .get()
        .await?;
    show("query, declared, async", &answer)?;

    let answer = client["v3/brand/partner/card-member/user-cards/{user_card_code}"]
        .param("user_card_code", USER_CARD_CODE)
        .query(QUERY)
        .get()
        .await?;
    show("query, indexed, async", &answer)?;

    // Modify, the same three ways. `Wechatpay-Serial` names the key that sealed
    // the values; the client adds it by itself.
    let body = body(
        client.seal("13800138000").await?,
        client.seal("男").await?,
        client.seal("足球").await?,
    );
    let answer = kabao::chain!(
        client,
        v3.brand.partner.cardMember.userCards._user_card_code_
    )
    .param("user_card_code", USER_CARD_CODE)
    .query([("card_id", CARD_ID)])
    .json(&body)
    .patch()
    .await?;
    show("modify, pure chain, async", &answer)?;

    let answer = client
        .chain("v3/brand/partner/card-member/user-cards/{user_card_code}")
        .param("user_card_code", USER_CARD_CODE)
        .query([("card_id", CARD_ID)])
        .json(&body)
        .patch()
        .await?;
    show("modify, declared, async", &answer)?;

    let answer = client["v3/brand/partner/card-member/user-cards/{user_card_code}"]
        .param("user_card_code", USER_CARD_CODE)
        .query([("card_id", CARD_ID)])
        .json(&body)
        .patch()
        .await?;
    show("modify, indexed, async", &answer)
}

fn without_async(client: &blocking::Client) -> Result<(), Box<dyn Error>> {
    let answer = kabao::chain!(
        client,
        v3.brand.partner.cardMember.userCards._user_card_code_
    )
    .param("user_card_code", USER_CARD_CODE)
    .query(QUERY)
    .get()?;
    show("query, pure chain, blocking", &answer)?;

    let answer = client
        .chain(PATH)
        .param("user_card_code", USER_CARD_CODE)
        .query(QUERY)
        .get()?;
    show("query, declared, blocking", &answer)?;

    let answer = client[PATH]
        .param("user_card_code", USER_CARD_CODE)
        .query(QUERY)
        .get()?;
    show("query, indexed, blocking", &answer)?;

    let body = body(
        client.seal("13800138000")?,
        client.seal("男")?,
        client.seal("足球")?,
    );
    let answer = kabao::chain!(
        client,
        v3.brand.partner.cardMember.userCards._user_card_code_
    )
    .param("user_card_code", USER_CARD_CODE)
    .query([("card_id", CARD_ID)])
    .json(&body)
    .patch()?;
    show("modify, pure chain, blocking", &answer)?;

    let answer = client
        .chain(PATH)
        .param("user_card_code", USER_CARD_CODE)
        .query([("card_id", CARD_ID)])
        .json(&body)
        .patch()?;
    show("modify, declared, blocking", &answer)?;

    let answer = client[PATH]
        .param("user_card_code", USER_CARD_CODE)
        .query([("card_id", CARD_ID)])
        .json(&body)
        .patch()?;
    show("modify, indexed, blocking", &answer)
}

/// What the documentation's sample sets. Its sealed values open to nothing, so
/// genuine ones stand here.
fn body(
    phone_number: kabao::core::Sealed,
    sex: kabao::core::Sealed,
    sport: kabao::core::Sealed,
) -> Value {
    json!({
        "brand_id": "1004",
        "openid": OPENID,
        "card_color": "#FFFF00",
        "card_picture_url": "https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0",
        "phone_number": phone_number,
        "level": "钻石会员",
        "valid_date_information": {
            "type": "FIX_TIME_RANGE",
            "available_begin_time": "2020-05-20T13:29:35.120+08:00",
            "available_end_time": "2030-05-20T13:29:35.120+08:00",
            "available_day_after_receive": 200,
        },
        "pickup_time": "2020-05-20T13:29:35.120+08:00",
        "user_information": {
            "common_field_list": [{ "name": "USER_FORM_FLAG_SEX", "value": sex }],
            "custom_field_list": [{ "name": "喜欢的运动", "user_chosen_values": [sport] }],
        },
        "attach": "自定义数据说明",
    })
}

fn show(call: &str, answer: &Answer) -> Result<(), Box<dyn Error>> {
    let request_id = answer.request_id().unwrap_or("none");
    println!("== {call}: {}, request id {request_id}", answer.status());
    println!("{:#}", answer.json::<Value>()?);
    Ok(())
}

/// What the folder holds.
struct Settings {
    credentials: Value,
    private_key: PrivateKey,
    pub_key_pem: Vec<u8>,
    ca_pem: Option<Vec<u8>>,
}

impl Settings {
    fn read(folder: &Path) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            credentials: serde_json::from_slice(&fs::read(folder.join("credentials.json"))?)?,
            private_key: PrivateKey::from_pem(fs::read(folder.join("apiclient_key.pem"))?)?,
            pub_key_pem: fs::read(folder.join("pub_key.pem"))?,
            ca_pem: fs::read(folder.join("ca.pem")).ok(),
        })
    }

    fn text(&self, name: &str) -> &str {
        self.credentials[name].as_str().unwrap_or_default()
    }

    fn merchant(&self) -> Merchant {
        Merchant::new(
            self.text("mchid"),
            self.text("serial_no"),
            self.private_key.clone(),
        )
    }

    fn client(&self) -> ClientBuilder {
        let builder = Client::builder(self.merchant())
            .wechatpay_public_key(self.text("wechatpay_public_key_id"), &self.pub_key_pem)
            .base_url(self.text("base_url"));
        match &self.ca_pem {
            Some(pem) => builder.root_certificate(pem),
            None => builder,
        }
    }

    fn blocking_client(&self) -> kabao::Result<blocking::Client> {
        let builder = blocking::Client::builder(self.merchant())
            .wechatpay_public_key(self.text("wechatpay_public_key_id"), &self.pub_key_pem)
            .base_url(self.text("base_url"));
        let builder = match &self.ca_pem {
            Some(pem) => builder.root_certificate(pem),
            None => builder,
        };
        builder.build()
    }
}
