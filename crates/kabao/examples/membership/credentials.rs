//! The folder of credentials.

use std::{fs, path::Path};

use kabao::{Brand, Client, Merchant, PrivateKey, card_member::CardMember};
use serde_json::Value;

use crate::Outcome;

/// Who calls, and for which brand.
pub struct Credentials {
    pub client: Client,
    pub members: CardMember,
    pub brand_id: String,
    pub base_url: String,
    /// The APIv3 key, or the brand's API key: it opens notifications.
    pub api_key: String,
    /// Whether a service provider calls, which has a few operations more.
    pub is_service_provider: bool,
}

impl Credentials {
    pub fn of_service_provider(folder: &Path) -> Outcome<Self> {
        let all = read(folder)?;
        let key = PrivateKey::from_pem(fs::read(folder.join("apiclient_key.pem"))?)?;
        let client = Client::builder(Merchant::new(
            text(&all, "mchid"),
            text(&all, "serial_no"),
            key,
        ))
        .wechatpay_public_key(
            text(&all, "wechatpay_public_key_id"),
            fs::read(folder.join("pub_key.pem"))?,
        )
        .base_url(text(&all, "base_url"))
        .build()?;
        let brand_id = text(&all, "brand_id");
        Ok(Self {
            members: client.card_member_for(brand_id),
            client,
            brand_id: brand_id.to_owned(),
            base_url: text(&all, "base_url").to_owned(),
            api_key: text(&all, "apiv3_key").to_owned(),
            is_service_provider: true,
        })
    }

    pub fn of_brand(folder: &Path) -> Outcome<Self> {
        let all = read(folder)?;
        let (brand, folder) = (&all["brand"], folder.join("brand"));
        let key = PrivateKey::from_pem(fs::read(folder.join("apiclient_key.pem"))?)?;
        let brand_id = text(brand, "brand_id");
        let client = Client::builder(Brand::new(brand_id, text(brand, "serial_no"), key))
            .wechatpay_public_key(
                text(brand, "wechatpay_public_key_id"),
                fs::read(folder.join("pub_key.pem"))?,
            )
            .base_url(text(&all, "base_url"))
            .build()?;
        Ok(Self {
            members: client.card_member(),
            client,
            brand_id: brand_id.to_owned(),
            base_url: text(&all, "base_url").to_owned(),
            api_key: text(brand, "api_key").to_owned(),
            is_service_provider: false,
        })
    }
}

fn read(folder: &Path) -> Outcome<Value> {
    Ok(serde_json::from_slice(&fs::read(
        folder.join("credentials.json"),
    )?)?)
}

fn text<'a>(all: &'a Value, name: &str) -> &'a str {
    all[name].as_str().unwrap_or_default()
}
