//! A user's cards: read one, list, change, confirm, invalidate.

use kabao_core::{
    Sealed, UserCardChange,
    card_member::{UserCard as WireUserCard, UserCardState},
    field::FieldError,
};

use super::{Context, Reply, form::parse};
use crate::{
    app::failed,
    domain::{
        confirm::{self, Confirmation},
        user_card,
    },
    refusal::Refusal,
    store::{Needs, UserCardsOf},
};

/// What a merchant may say to a user who took a card.
const CONFIRMATIONS: [(&str, Confirmation); 3] = [
    ("CREATE_CARD_SUCCESS", Confirmation::Opened),
    ("CREATE_CARD_ALREADY_EXISTS", Confirmation::Opened),
    ("CREATE_CARD_FAIL", Confirmation::Failed),
];

/// `GET …/user-cards/{user_card_code}`: code, template and user must all fit.
pub(crate) async fn get(cx: Context<'_>) -> Result<Reply, Refusal> {
    let (brand_id, key) = (cx.brand_id()?, cx.key()?);
    let (card_id, code) = (&*key.card_id, &*key.user_card_code);
    let needs = Needs::of(brand_id).user_card(card_id, code);
    let (found, now) = cx.load(needs).await?;
    let card = found.into_user_card(card_id, code);
    let card = card.filter(|card| card.openid == key.openid);
    answer(&cx, card.ok_or_else(user_card::unknown)?.into_wire(now)).await
}

/// `GET …/user-cards`: a user's cards in a brand, newest pickup first.
pub(crate) async fn list(cx: Context<'_>) -> Result<Reply, Refusal> {
    let brand_id = cx.brand_id()?;
    let openid = cx.members.text("openid", 128)?;
    let state = cx.members.one_of("user_card_state", UserCardState::KNOWN)?;
    let window = cx.members.window()?;
    let now = cx.authorise(&brand_id).await?;
    let of = UserCardsOf {
        brand_id,
        openid,
        state: state.map(UserCardState::from),
        now,
    };
    let page = cx.app.store.user_cards(&of, window).await;
    let page = page.map_err(|error| failed(&error))?;
    let cards = page.rows.into_iter();
    let cards = cards.map(|card| shown(&cx, card.into_wire(now)));
    let data = cx.seal_all(cards.collect()).await?;
    Ok(Reply::page(data, page.total, window))
}

/// `PATCH …/user-cards/{user_card_code}`: members that are there replace.
pub(crate) async fn update(cx: Context<'_>) -> Result<Reply, Refusal> {
    let (brand_id, key) = (cx.brand_id()?, cx.key()?);
    let change = change(&cx, &UserCardChange::<Sealed>::MEMBERS)?;
    let change = cx.open(change).await?;
    let needs = Needs::of(brand_id).user_card(&*key.card_id, &*key.user_card_code);
    let card = cx.decide(needs, move |workspace, now| {
        let mut card = user_card::known(workspace, &key)?.clone();
        card.change(change.clone(), now)?;
        workspace.put_user_card(card.clone());
        Ok(card.into_wire(now))
    });
    answer(&cx, card.await?).await
}

/// `POST …/user-cards/{user_card_code}/confirm`.
pub(crate) async fn confirm(cx: Context<'_>) -> Result<Reply, Refusal> {
    let (brand_id, key) = (cx.brand_id()?, cx.key()?);
    let names = CONFIRMATIONS.map(|(name, _)| name);
    let given = cx.members.one_of("user_card_confirm_state", &names)?;
    let (_, confirmation) = CONFIRMATIONS
        .into_iter()
        .find(|(name, _)| Some(*name) == given)
        .ok_or_else(|| Refusal::missing("user_card_confirm_state"))?;
    // All that a change takes but the time of pickup.
    let takes = UserCardChange::<Sealed>::MEMBERS.map(|name| match name {
        "pickup_time" => "",
        other => other,
    });
    let adjustment = cx.open(change(&cx, &takes)?).await?;
    let needs = Needs::of(brand_id)
        .card_template(&*key.card_id)
        .user_card(&*key.card_id, &*key.user_card_code)
        .user_cards_of(&*key.card_id, &*key.openid);
    let card = cx.decide(needs, move |workspace, now| {
        let card = confirm::confirm(workspace, &key, confirmation, &adjustment, now)?;
        Ok(card.into_wire(now))
    });
    answer(&cx, card.await?).await
}

/// `POST …/user-cards/{user_card_code}/invalidate`: for good.
pub(crate) async fn invalidate(cx: Context<'_>) -> Result<Reply, Refusal> {
    let (brand_id, key) = (cx.brand_id()?, cx.key()?);
    let reason = match cx.members.body.get("invalid_reason") {
        Some(reason) if reason == "" => None,
        _ => cx.members.optional_text("invalid_reason", 32)?,
    };
    let needs = Needs::of(brand_id).user_card(&*key.card_id, &*key.user_card_code);
    let card = cx.decide(needs, move |workspace, now| {
        let mut card = user_card::known(workspace, &key)?.clone();
        card.invalidate(reason.clone(), now);
        workspace.put_user_card(card.clone());
        Ok(card.into_wire(now))
    });
    answer(&cx, card.await?).await
}

/// The change in a body. Members that the operation does not have are ignored,
/// as the real service does.
pub(super) fn change(cx: &Context<'_>, takes: &[&str]) -> Result<UserCardChange<Sealed>, Refusal> {
    let change: UserCardChange<Sealed> = parse(cx.members.form(takes))?;
    checked(change.check())?;
    Ok(change)
}

/// Blames the member of the body that core's own check found.
pub(super) fn checked(checked: Result<(), FieldError>) -> Result<(), Refusal> {
    checked.map_err(|error| Refusal::unfit(&error))
}

/// Answers with a card, sealed for the caller.
pub(super) async fn answer(cx: &Context<'_>, card: WireUserCard) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&cx.seal(shown(cx, card)).await?))
}

fn shown(cx: &Context<'_>, mut card: WireUserCard) -> WireUserCard {
    if cx.app.switches.bare_user_cards {
        (card.create_time, card.modify_time) = (None, None);
    }
    card
}
