//! What every store must do; the tests of each backend run all of it.
//!
//! Each function takes a store of its own that [`prepare`] has filled, or two
//! hands on one.
//!
//! # Panics
//! Every function panics if the store does otherwise.

pub mod lists;
pub mod outbox;
pub mod races;
pub mod shared;
pub mod whole;

use std::{convert::Infallible, sync::Arc};

use jiff::Timestamp;
use kabao_core::{
    Sensitive,
    card_member::{CardType, UserInformation, ValidDateInformation},
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    ClockSetting, Contents, Everything, KeyBook, KeyPurpose, KeyRule, KeySettings, Needs, Speed,
    Standing, Store, StoredKey, UserCardRule, UserCardsOf, Window,
};
use crate::{
    domain::{StoredState, UserCard, UserCardId},
    refusal::Refusal,
    sample,
};

/// More than any list of these tests has.
const ALL: Window = Window {
    offset: 0,
    limit: 100,
};

/// A store as one of two processes on it has it.
pub type Hand = Arc<dyn Store>;

/// Whose turn it is, of two.
fn hand(one: &Hand, other: &Hand, number: usize) -> Hand {
    Arc::clone(if number.is_multiple_of(2) { one } else { other })
}

/// Fills a new store.
pub async fn prepare(store: &dyn Store) {
    assert!(book(store).await.keys.is_empty(), "the store is not new");
    let taken = store.initialise(&first("first")).await;
    assert!(
        taken.expect("initialised"),
        "a new store takes the first keys"
    );
}

/// What [`prepare`] puts in: the sample data, and cards of a second user.
#[must_use]
pub fn contents() -> Contents {
    let mut contents = sample::contents();
    // A user has at most one live card of a template.
    for (code, pickup, state) in [
        ("older", "2021-01-01T00:00:00Z", StoredState::Invalid),
        (
            "newer",
            "2022-01-01T08:00:00+08:00",
            StoredState::Unactivated,
        ),
    ] {
        contents.user_cards.push(UserCard {
            openid: "second".into(),
            pickup_time: pickup.into(),
            state,
            ..card(id(code))
        });
    }
    let mut elsewhere = card(UserCardId {
        brand_id: "1005".into(),
        ..id("elsewhere")
    });
    elsewhere.openid = "second".into();
    contents.user_cards.push(elsewhere);
    contents
}

/// What a store may begin with: [`contents`], and keys of that name with a setting
/// that names them, too.
#[must_use]
pub fn first(name: &str) -> Everything {
    let mut settings = KeySettings::default();
    settings.public_key_only.insert(name.into());
    Everything {
        contents: contents(),
        key_book: KeyBook {
            keys: keys(name),
            settings,
        },
    }
}

async fn book(store: &dyn Store) -> KeyBook {
    store.key_book().await.expect("read")
}

/// Keys that need not be real; `name` tells them apart.
#[must_use]
pub fn keys(name: &str) -> Vec<StoredKey> {
    let key = |owner: &str, purpose, certificate: Option<&str>| StoredKey {
        owner: owner.into(),
        purpose,
        id: format!("{name} of {owner}"),
        certificate_pem: certificate.map(str::to_owned),
        secret: Zeroizing::new(format!("secret {name} of {owner}")),
    };
    vec![
        key("zulu", KeyPurpose::PlatformCertificate, Some("certificate")),
        key("alpha", KeyPurpose::MerchantApi, Some("certificate")),
        key("alpha", KeyPurpose::MerchantApiV3, None),
    ]
}

/// The sample member's card.
#[must_use]
pub fn sample_id() -> UserCardId {
    id(sample::USER_CARD_CODE)
}

/// A card reads back with every member as it was put.
pub async fn a_card_reads_back_as_it_was_put(store: &dyn Store) {
    let mut whole = card(id("whole \"quoted\" 会员 😀"));
    whole.card_type = CardType::from("SOMETHING_NEW");
    whole.phone_number = Some(Sensitive::from("13900139000"));
    whole.valid_date_information = ValidDateInformation::days(30);
    whole
        .valid_date_information
        .extra
        .insert("new_member".into(), json!({"deep": [1, null]}));
    whole.user_information = Some(
        UserInformation::new()
            .common("USER_FORM_FLAG_NEW", "答案")
            .custom("问题", ["一", "", "三"]),
    );
    whole.attach = Some("{\"json\": \"inside\"}\n\u{0}".into());
    whole.state = StoredState::Invalid;
    whole.invalid_reason = Some("退会".into());
    whole.invalid_time = Some(at("2026-02-03T04:05:06.123456789Z"));
    let empty = card(id("empty"));
    let contents = Contents {
        user_cards: vec![whole.clone(), empty.clone()],
        ..Contents::default()
    };
    store.reset(&contents).await.expect("reset");
    for wanted in [whole, empty] {
        let found = store
            .user_card(&wanted.id)
            .await
            .expect("read")
            .expect("there");
        assert_eq!(shown(&found), shown(&wanted));
    }
}

/// Any character may stand in a name, NUL too, and no two names are one.
pub async fn names_may_hold_anything(store: &dyn Store) {
    let names = ["\0", "\u{1}", "\u{1}0", "a\0", "a", "'; --", "%_\\"];
    let cards = names.map(|name| UserCard {
        openid: format!("user {name}"),
        ..card(id(name))
    });
    let contents = Contents {
        grants: vec![("merchant\0".into(), sample::BRAND_ID.into())],
        user_cards: cards.to_vec(),
        ..Contents::default()
    };
    store.reset(&contents).await.expect("reset");
    for wanted in cards {
        let changed = store.change_user_card(&wanted.id, count_up()).await;
        let changed = changed
            .expect("changed")
            .expect("there")
            .expect("not refused");
        assert_eq!((&changed.openid, counted(&changed)), (&wanted.openid, 1));
        let (served, _, found) = look(store, &wanted.id, Some("merchant\0")).await;
        let found = found.expect("there");
        assert!(served);
        assert_eq!((counted(&found), found.id), (1, wanted.id));
    }
    for unknown in ["", "a\u{1}0", "\0\0"] {
        let found = store.user_card(&id(unknown)).await.expect("read");
        assert!(found.is_none(), "{unknown:?}");
    }
}

/// No part of the key may differ, and a brand sees nothing of another's.
pub async fn another_key_finds_nothing(store: &dyn Store) {
    let there = sample_id();
    assert!(store.user_card(&there).await.expect("read").is_some());
    for other in [
        UserCardId {
            brand_id: "1005".into(),
            ..there.clone()
        },
        UserCardId {
            card_id: "p".into(),
            ..there.clone()
        },
        UserCardId {
            user_card_code: String::new(),
            ..there.clone()
        },
    ] {
        assert!(
            store.user_card(&other).await.expect("read").is_none(),
            "{other:?}"
        );
        let changed = store
            .change_user_card(&other, set_level("x"))
            .await
            .expect("asked");
        assert!(changed.is_none(), "{other:?}");
    }
}

/// A change is answered as it then is, and the next read sees it.
pub async fn a_change_is_seen_by_the_next_read(store: &dyn Store) {
    let id = sample_id();
    let before = store.user_card(&id).await.expect("read").expect("there");
    let rule: UserCardRule = Arc::new(|card| {
        card.level = Some("白金会员".into());
        card.phone_number = None;
        card.attach = None;
        Ok(())
    });
    let answered = store.change_user_card(&id, rule).await.expect("changed");
    let answered = answered.expect("there").expect("not refused");
    let wanted = UserCard {
        level: Some("白金会员".into()),
        phone_number: None,
        attach: None,
        ..before
    };
    assert_eq!(shown(&answered), shown(&wanted));
    let read = store.user_card(&id).await.expect("read").expect("there");
    assert_eq!(shown(&read), shown(&wanted));
}

/// A rule that refuses leaves the card as it was, whatever it did to it before.
pub async fn a_refused_change_leaves_no_trace(store: &dyn Store) {
    let id = sample_id();
    let before = store.user_card(&id).await.expect("read").expect("there");
    let rule: UserCardRule = Arc::new(|card| {
        card.level = Some("half done".into());
        Err(Refusal::invalid_request("no"))
    });
    let refused = store.change_user_card(&id, rule).await.expect("asked");
    assert_eq!(refused.expect("there").expect_err("refused").message, "no");
    let after = store.user_card(&id).await.expect("read").expect("there");
    assert_eq!(shown(&after), shown(&before));
}

/// A rule that panics is an error of that change alone.
pub async fn a_panicking_rule_harms_no_other(store: &dyn Store) {
    let id = sample_id();
    let rule: UserCardRule = Arc::new(|_| panic!("on purpose"));
    assert!(store.change_user_card(&id, rule).await.is_err());
    let changed = store.change_user_card(&id, set_level("after")).await;
    assert!(changed.expect("changed").expect("there").is_ok());
}

/// One look tells the card, whether the merchant may see it, and the time.
pub async fn a_view_tells_card_leave_and_clock(store: &dyn Store) {
    let frozen = ClockSetting::Frozen {
        at: Timestamp::UNIX_EPOCH,
        speed: Speed::FASTEST,
    };
    set_clock(store, frozen).await;
    let id = sample_id();
    for (mchid, served) in [
        (None, true),
        (Some(sample::MCHID), true),
        (Some("1"), false),
    ] {
        let (may, clock, card) = look(store, &id, mchid).await;
        assert_eq!((may, clock), (served, frozen), "{mchid:?}");
        assert_eq!(card.expect("there").openid, sample::OPENID);
    }
    let unknown = UserCardId {
        user_card_code: "unknown".into(),
        ..id
    };
    let (served, _, card) = look(store, &unknown, Some(sample::MCHID)).await;
    assert!(served && card.is_none());
}

/// Whether the merchant may see it, where the clock stands, and the card.
async fn look(
    store: &dyn Store,
    id: &UserCardId,
    mchid: Option<&str>,
) -> (bool, ClockSetting, Option<UserCard>) {
    let (card_id, code) = (&*id.card_id, &*id.user_card_code);
    let needs = Needs::of(&*id.brand_id).by(mchid).user_card(card_id, code);
    let found = store.load(&needs).await.expect("read");
    let Standing { served, clock } = found.standing();
    (served, clock, found.into_user_card(card_id, code))
}

/// A user's cards in one brand, newest pickup first.
pub async fn a_users_cards_come_newest_first(store: &dyn Store) {
    let codes = async |brand_id: &str, openid: &str| -> Vec<String> {
        let of = UserCardsOf {
            brand_id: brand_id.into(),
            openid: openid.into(),
            state: None,
            now: Timestamp::UNIX_EPOCH,
        };
        let page = store.user_cards(&of, ALL).await.expect("listed");
        let codes = page.rows.into_iter();
        codes.map(|card| card.id.user_card_code).collect()
    };
    assert_eq!(codes(sample::BRAND_ID, "second").await, ["newer", "older"]);
    assert_eq!(codes("1005", "second").await, ["elsewhere"]);
    assert_eq!(
        codes(sample::BRAND_ID, sample::OPENID).await,
        [sample::USER_CARD_CODE]
    );
    assert!(codes(sample::BRAND_ID, "nobody").await.is_empty());
    let rule: UserCardRule = Arc::new(|card| {
        card.pickup_time = "2023-01-01T00:00:00Z".into();
        Ok(())
    });
    store
        .change_user_card(&id("older"), rule)
        .await
        .expect("changed");
    assert_eq!(codes(sample::BRAND_ID, "second").await, ["older", "newer"]);
}

/// Templates and grants are found by their whole key.
pub async fn templates_and_grants_are_kept(store: &dyn Store) {
    let wanted = contents().card_templates.remove(0);
    let found = store.card_template(sample::BRAND_ID, sample::CARD_ID).await;
    assert_eq!(found.expect("read"), Some(wanted));
    assert_eq!(
        store
            .card_template("1005", sample::CARD_ID)
            .await
            .expect("read"),
        None
    );
    assert!(serves(store, Some(sample::MCHID), sample::BRAND_ID).await);
    assert!(!serves(store, Some(sample::MCHID), "1005").await);
    assert!(!serves(store, Some("1900000002"), sample::BRAND_ID).await);
    assert!(
        serves(store, None, "1005").await,
        "a brand is asked for itself"
    );
}

async fn serves(store: &dyn Store, mchid: Option<&str>, brand_id: &str) -> bool {
    standing(store, mchid, brand_id).await.served
}

async fn standing(store: &dyn Store, mchid: Option<&str>, brand_id: &str) -> Standing {
    let found = store.load(&Needs::of(brand_id).by(mchid)).await;
    found.expect("read").standing()
}

/// The clock stands as it was set.
pub async fn the_clock_stands_as_set(store: &dyn Store) {
    assert_eq!(store.clock().await.expect("read"), ClockSetting::default());
    for setting in [
        ClockSetting::Running {
            offset_ms: -86_400_001,
        },
        ClockSetting::Frozen {
            at: at("2030-05-20T05:29:35.120000001Z"),
            speed: Speed::FASTEST,
        },
        ClockSetting::Sped {
            speed: Speed::new(0.125).expect("a speed"),
            since: at("2026-05-20T05:29:35.120000001Z"),
            at: at("2030-05-20T05:29:35.120000001Z"),
        },
        ClockSetting::default(),
    ] {
        set_clock(store, setting).await;
        assert_eq!(store.clock().await.expect("read"), setting);
        // Whoever has read it before that comes too late.
        let past = ClockSetting::Running { offset_ms: 7 };
        let late = store.set_clock(past, ClockSetting::default()).await;
        assert!(!late.expect("asked"));
        assert_eq!(store.clock().await.expect("read"), setting);
        let standing = standing(store, None, sample::BRAND_ID).await;
        assert_eq!(standing.clock, setting);
    }
}

/// A reset leaves the keys and nothing else.
pub async fn a_reset_forgets_all_but_the_keys(store: &dyn Store) {
    set_clock(store, ClockSetting::Running { offset_ms: 5 }).await;
    store.reset(&Contents::default()).await.expect("reset");
    assert_eq!(store.clock().await.expect("read"), ClockSetting::default());
    assert!(store.user_card(&sample_id()).await.expect("read").is_none());
    let template = store.card_template(sample::BRAND_ID, sample::CARD_ID).await;
    assert_eq!(template.expect("read"), None);
    assert!(!serves(store, Some(sample::MCHID), sample::BRAND_ID).await);
    assert_same_keys(&book(store).await.keys, &keys("first"));
    store.reset(&contents()).await.expect("reset");
    assert!(store.user_card(&sample_id()).await.expect("read").is_some());
}

/// Contents that cannot be put leave the old ones.
pub async fn a_failed_reset_changes_nothing(store: &dyn Store) {
    let twice = Contents {
        user_cards: vec![card(id("same")), card(id("same"))],
        ..Contents::default()
    };
    assert!(store.reset(&twice).await.is_err());
    assert!(store.user_card(&id("same")).await.expect("read").is_none());
    assert!(store.user_card(&sample_id()).await.expect("read").is_some());
}

/// First keys are put once and come back whole, in their order.
pub async fn the_first_keys_stay(store: &dyn Store) {
    let taken = store.initialise(&first("second")).await;
    assert!(!taken.expect("asked"), "there are keys already");
    let KeyBook { keys, settings } = book(store).await;
    assert_same_keys(&keys, &self::keys("first"));
    let only: Vec<String> = settings.public_key_only.into_iter().collect();
    assert_eq!(only, ["first"]);
    assert!(store.user_card(&sample_id()).await.expect("read").is_some());
}

/// A rule adds and removes keys and says how they are used; the change is
/// counted, and one that is refused is not.
pub async fn keys_change_by_rules(store: &dyn Store) {
    let version = key_version(store).await;
    let rule: KeyRule = Arc::new(|book| {
        book.keys.remove(0);
        book.keys.extend(keys("second"));
        book.settings.migrations.insert("1".into(), 500);
        book.settings.retiring.insert("A".into(), -1);
        book.settings.set_takeover_ms("B", 1);
        book.settings.public_key_only.insert("2".into());
        Ok(())
    });
    let changed = store.change_keys(rule).await.expect("changed");
    assert!(changed.is_ok());
    let book = store.key_book().await.expect("read");
    let wanted = [&keys("first")[1..], &keys("second")].concat();
    assert_same_keys(&book.keys, &wanted);
    assert_eq!(book.settings.migrations["1"], 500);
    assert_eq!(book.settings.retiring["A"], -1);
    assert_eq!(book.settings.takeover_ms("A"), None);
    assert_eq!(book.settings.takeover_ms("B"), Some(1));
    assert!(book.settings.public_key_only.contains("2"));
    assert_eq!(key_version(store).await, version + 1);
    let rule: KeyRule = Arc::new(|book| {
        book.keys.clear();
        Err(Refusal::invalid_request("no"))
    });
    let refused = store.change_keys(rule).await.expect("asked");
    assert_eq!(refused.expect_err("refused").message, "no");
    assert_eq!(key_version(store).await, version + 1);
    let after = store.key_book().await.expect("read");
    assert_same_keys(&after.keys, &wanted);
    assert_eq!(after.settings, book.settings);
    store.reset(&Contents::default()).await.expect("reset");
    let after = store.key_book().await.expect("read");
    assert_eq!(after.settings, book.settings, "a reset leaves them");
}

async fn key_version(store: &dyn Store) -> u64 {
    store.watched().await.expect("read").key_version
}

async fn set_clock(store: &dyn Store, setting: ClockSetting) {
    let set = store.change_clock(|_| Ok::<_, Infallible>(setting)).await;
    assert_eq!(set.expect("set"), Ok(setting));
}

/// Leave is granted and withdrawn, twice as well as once.
pub async fn grants_come_and_go(store: &dyn Store) {
    let served = async || serves(store, Some("7"), "1005").await;
    for granted in [true, true, false, false] {
        let set = store.set_grant("7", "1005", granted).await;
        set.expect("set");
        assert_eq!(served().await, granted);
        let grants = store.grants().await.expect("read");
        assert_eq!(grants.contains(&("7".into(), "1005".into())), granted);
        let sample = (sample::MCHID.to_owned(), sample::BRAND_ID.to_owned());
        assert_eq!(grants[0], sample);
    }
}

/// Counts up in `attach`.
#[must_use]
pub fn count_up() -> UserCardRule {
    Arc::new(|card| {
        card.attach = Some((counted(card) + 1).to_string());
        Ok(())
    })
}

/// Where [`count_up`] has got to.
#[must_use]
pub fn counted(card: &UserCard) -> usize {
    let attach = card.attach.as_deref().unwrap_or_default();
    attach.parse().unwrap_or_default()
}

fn set_level(level: &'static str) -> UserCardRule {
    Arc::new(move |card| {
        card.level = Some(level.into());
        Ok(())
    })
}

fn id(user_card_code: &str) -> UserCardId {
    UserCardId {
        brand_id: sample::BRAND_ID.into(),
        card_id: sample::CARD_ID.into(),
        user_card_code: user_card_code.into(),
    }
}

fn card(id: UserCardId) -> UserCard {
    UserCard {
        id,
        openid: "openid".into(),
        card_type: CardType::Normal,
        card_color: None,
        card_picture_url: None,
        phone_number: None,
        level: None,
        valid_date_information: ValidDateInformation::permanent(),
        pickup_time: "2026-01-02T03:04:05.678+08:00".into(),
        user_information: None,
        attach: None,
        state: StoredState::Unactivated,
        invalid_reason: None,
        invalid_time: None,
        create_time: at("2026-01-02T03:04:05.000000001Z"),
        modify_time: at("2026-01-02T03:04:06.999999999Z"),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("RFC 3339")
}

/// Everything a card holds, personal data and all digits of its times included.
fn shown(card: &UserCard) -> Value {
    let wire = card.clone().into_wire(Timestamp::UNIX_EPOCH).reveal();
    json!({
        "wire": serde_json::to_value(wire).expect("JSON"),
        "state": card.state.as_str(),
        "times": format!("{:?}", (card.invalid_time, card.create_time, card.modify_time)),
    })
}

fn assert_same_keys(found: &[StoredKey], wanted: &[StoredKey]) {
    let whole = |key: &StoredKey| {
        let (certificate, secret) = (key.certificate_pem.clone(), key.secret.to_string());
        (
            key.owner.clone(),
            key.purpose,
            key.id.clone(),
            certificate,
            secret,
        )
    };
    let [found, wanted] = [found, wanted].map(|keys| keys.iter().map(whole).collect::<Vec<_>>());
    assert_eq!(found, wanted);
}
