//! Members that were registered elsewhere: import by openid or phone number.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kabao_core::{
    Sealed, UserCardChange, UserCardKey,
    card_member::{ValidDateInformation, ValidDateType},
};
use serde_json::Map;

use super::{
    Context, Reply,
    form::parse,
    user_cards::{answer, change, checked},
};
use crate::{
    domain::{card, import},
    refusal::Refusal,
    store::Needs,
};

/// What an import tells of a card beside its ids and its validity.
const MEMBERS: [&str; 6] = [
    "phone_number",
    "card_color",
    "card_picture_url",
    "level",
    "user_information",
    "pickup_time",
];

/// `POST …/user-cards/import-by-openid`.
pub(crate) async fn by_openid(cx: Context<'_>) -> Result<Reply, Refusal> {
    let (brand_id, key) = (cx.brand_id()?, cx.key()?);
    let (validity, change) = form(&cx)?;
    let change = cx.open(change).await?;
    run(&cx, brand_id, key, validity, change).await
}

/// `POST …/user-cards/import-by-phone`. The answer needs an openid, which nobody
/// knows: one is made up, always the same for a number.
pub(crate) async fn by_phone(cx: Context<'_>) -> Result<Reply, Refusal> {
    let brand_id = cx.brand_id()?;
    let card_id = cx.members.text("card_id", 32)?;
    let user_card_code = cx.members.user_card_code()?;
    let (validity, change) = form(&cx)?;
    let change = cx.open(change).await?;
    let number = change.phone_number.as_ref();
    let number = number.filter(|number| !number.expose().is_empty());
    let number = number.ok_or_else(|| Refusal::missing("phone_number"))?;
    let needs = Needs::of(&*brand_id).card_template(&*card_id);
    let (found, _) = cx.load(needs).await?;
    if cx.app.switches.no_import_by_phone {
        return Err(Refusal::invalid_request("按手机号导入会员的功能暂未开放"));
    }
    let appid = &card::known(&found, &card_id)?.card.appid;
    let key = UserCardKey {
        user_card_code,
        card_id,
        openid: openid_of(&cx, appid, number.expose()),
    };
    run(&cx, brand_id, key, validity, change).await
}

/// With the caller's secret, for from a bare digest a number is easily guessed.
fn openid_of(cx: &Context<'_>, appid: &str, phone_number: &str) -> String {
    let secret = &cx.admitted.caller.secret;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
    let tag = hmac::sign(&key, format!("openid {appid} {phone_number}").as_bytes());
    let text = URL_SAFE_NO_PAD.encode(tag);
    format!("o{}", &text[..27])
}

/// The validity, which older pages call `date_information`, and the rest.
fn form(cx: &Context<'_>) -> Result<(ValidDateInformation, UserCardChange<Sealed>), Refusal> {
    let (name, validity) = cx
        .members
        .either("valid_date_information", "date_information")?;
    let member = Map::from_iter([(name.to_owned(), validity.clone())]);
    let mut read: std::collections::BTreeMap<String, ValidDateInformation> = parse(member)?;
    let validity = read.remove(name).ok_or_else(Refusal::system_error)?;
    checked(validity.check(&format!("/{name}")))?;
    let change = change(cx, &MEMBERS)?;
    if validity.kind == ValidDateType::FixTerm && change.pickup_time.is_none() {
        // A member of old has had the card for some time.
        return Err(Refusal::missing("pickup_time"));
    }
    Ok((validity, change))
}

async fn run(
    cx: &Context<'_>,
    brand_id: String,
    key: UserCardKey,
    validity: ValidDateInformation,
    change: UserCardChange,
) -> Result<Reply, Refusal> {
    let needs = Needs::of(brand_id)
        .card_template(&*key.card_id)
        .user_card(&*key.card_id, &*key.user_card_code)
        .user_cards_of(&*key.card_id, &*key.openid);
    let card = cx.decide(needs, move |workspace, now| {
        let card = import::import(workspace, &key, &validity, &change, now)?;
        Ok(card.into_wire(now))
    });
    answer(cx, card.await?).await
}
