//! Lists: what is in them, in which order, and how many there are in all.

use jiff::Timestamp;
use kabao_core::{
    card_member::{CardState, UserCardState, ValidDateInformation},
    time::Time,
};

use super::{at, card, contents, id};
use crate::{
    domain::{Activity, ActivityStage, CardTemplate, StoredState, UserCard},
    sample,
    store::{ActivitiesOf, CardTemplatesOf, Contents, Needs, Store, UserCardsOf, Window},
};

/// Templates by age and state, a page at a time.
pub async fn templates_come_newest_first(store: &dyn Store) {
    let contents = Contents {
        card_templates: vec![
            template("1004", "old", "2021-01-01T00:00:00Z", CardState::Effective),
            template("1004", "same b", "2022-01-01T00:00:00Z", CardState::Invalid),
            template(
                "1004",
                "same a",
                "2022-01-01T00:00:00Z",
                CardState::Effective,
            ),
            template("1004", "new", "2023-01-01T00:00:00Z", CardState::Effective),
            template(
                "1005",
                "elsewhere",
                "2024-01-01T00:00:00Z",
                CardState::Effective,
            ),
        ],
        ..Contents::default()
    };
    store.reset(&contents).await.expect("reset");
    for (state, window, wanted, total) in [
        (None, (0, 10), vec!["new", "same a", "same b", "old"], 4),
        (None, (1, 2), vec!["same a", "same b"], 4),
        (None, (9, 2), vec![], 4),
        (Some(CardState::Effective), (0, 2), vec!["new", "same a"], 3),
        (Some(CardState::Invalid), (0, 2), vec!["same b"], 1),
    ] {
        let of = CardTemplatesOf {
            brand_id: sample::BRAND_ID.into(),
            state: state.clone(),
        };
        let page = store.card_templates(&of, of_window(window)).await;
        let page = page.expect("listed");
        let found = page.rows.iter().map(|template| &*template.card.card_id);
        assert_eq!(found.collect::<Vec<_>>(), wanted, "{state:?} {window:?}");
        assert_eq!(page.total, total, "{state:?} {window:?}");
        let makers = page.rows.iter().map(|template| &template.created_by_mchid);
        assert!(makers.eq(page.rows.iter().map(|_| &None)));
    }
}

/// A user's cards by their state at a moment, a page at a time.
pub async fn cards_are_listed_by_their_state(store: &dyn Store) {
    let end = "2025-06-01T00:00:00Z";
    let with = |code: &str, state, validity| UserCard {
        openid: "lister".into(),
        state,
        valid_date_information: validity,
        // Each of a template of its own, for of one there is one live card.
        ..card(crate::domain::UserCardId {
            card_id: format!("template of {code}"),
            ..id(code)
        })
    };
    let ends = || ValidDateInformation::range("2020-01-01T00:00:00Z", end);
    let contents = Contents {
        user_cards: vec![
            with("waiting", StoredState::Unactivated, ends()),
            with("ending", StoredState::Effective, ends()),
            with(
                "lasting",
                StoredState::Effective,
                ValidDateInformation::permanent(),
            ),
            with("over", StoredState::Invalid, ends()),
        ],
        ..Contents::default()
    };
    store.reset(&contents).await.expect("reset");
    let before = "2025-05-31T23:59:59.999Z";
    for (state, now, wanted) in [
        (None, before, vec!["ending", "lasting", "over", "waiting"]),
        (
            Some(UserCardState::Effective),
            before,
            vec!["ending", "lasting"],
        ),
        (Some(UserCardState::Effective), end, vec!["lasting"]),
        (Some(UserCardState::Expired), end, vec!["ending"]),
        (Some(UserCardState::Expired), before, vec![]),
        (Some(UserCardState::Unactivated), end, vec!["waiting"]),
        (Some(UserCardState::Invalid), end, vec!["over"]),
        (Some(UserCardState::from("SOMETHING_NEW")), end, vec![]),
    ] {
        let of = UserCardsOf {
            brand_id: sample::BRAND_ID.into(),
            openid: "lister".into(),
            state: state.clone(),
            now: at(now),
        };
        let page = store.user_cards(&of, of_window((0, 10))).await;
        let page = page.expect("listed");
        let found = page.rows.iter().map(|card| &*card.id.user_card_code);
        let found: Vec<&str> = found.collect();
        assert_eq!(found, wanted, "{state:?} {now}");
        assert_eq!(page.total, wanted.len() as u64);
        let page = store
            .user_cards(&of, of_window((1, 1)))
            .await
            .expect("listed");
        let second = wanted.get(1).into_iter().copied();
        let found = page.rows.iter().map(|card| &*card.id.user_card_code);
        assert!(found.eq(second), "{state:?} {now}");
        assert_eq!(page.total, wanted.len() as u64);
    }
}

/// Activities by template and stage, a page at a time.
pub async fn activities_are_listed_by_their_stage(store: &dyn Store) {
    let put = store.decide(Needs::of(sample::BRAND_ID), |workspace| {
        for (activity_id, card_id, year, terminated) in [
            ("coming", "a", 2030, false),
            ("running", "a", 2025, false),
            ("gone", "b", 2020, false),
            ("ended", "b", 2025, true),
        ] {
            workspace.put_activity(activity(activity_id, card_id, year, terminated));
        }
        Ok(())
    });
    put.await.expect("put").expect("not refused");
    let all = ["coming", "ended", "gone", "running"];
    for (card_id, stage, wanted) in [
        (None, None, &all[..]),
        (Some("a"), None, &["coming", "running"]),
        (Some("c"), None, &[]),
        (None, Some(ActivityStage::Created), &["coming"]),
        (None, Some(ActivityStage::Effective), &["running"]),
        (None, Some(ActivityStage::Expired), &["gone"]),
        (None, Some(ActivityStage::Terminated), &["ended"]),
        (Some("b"), Some(ActivityStage::Effective), &[]),
    ] {
        let of = ActivitiesOf {
            brand_id: sample::BRAND_ID.into(),
            card_id: card_id.map(str::to_owned),
            stage,
            now: at("2025-06-01T00:00:00Z"),
        };
        for (offset, limit) in [(0, 10), (1, 1)] {
            let page = store.activities(&of, of_window((offset, limit))).await;
            let page = page.expect("listed");
            let wanted_here = wanted.iter().skip(offset as usize).take(limit as usize);
            let found = page.rows.iter().map(|activity| &*activity.activity_id);
            assert!(
                found.eq(wanted_here.copied()),
                "{card_id:?} {stage:?} {page:?}"
            );
            assert_eq!(page.total, wanted.len() as u64, "{card_id:?} {stage:?}");
        }
    }
}

fn of_window((offset, limit): (u64, u64)) -> Window {
    Window { offset, limit }
}

fn template(brand_id: &str, card_id: &str, made: &str, state: CardState) -> CardTemplate {
    let mut template = contents().card_templates.remove(0);
    template.card.brand_id = brand_id.into();
    template.card.card_id = card_id.into();
    template.card.create_time = Some(made.into());
    template.card.state = Some(state);
    template.created_by_mchid = None;
    template
}

/// One that lasts a year.
pub(super) fn activity(activity_id: &str, card_id: &str, year: i16, terminated: bool) -> Activity {
    let new_year = |year: i16| Time::from(format!("{year}-01-01T00:00:00Z"));
    Activity {
        brand_id: sample::BRAND_ID.into(),
        activity_id: activity_id.into(),
        card_id: card_id.into(),
        out_request_no: activity_id.into(),
        activity_channel: "MECHANT_APP_COMPONENT".into(),
        title: "title".into(),
        sub_title: "sub title".into(),
        begin_time: new_year(year),
        end_time: new_year(year + 1),
        apply_total: 1,
        apply_available: 1,
        product_coupon_stock_list: Vec::new(),
        terminated,
        create_time: Time::at(Timestamp::UNIX_EPOCH),
        modify_time: Time::at(Timestamp::UNIX_EPOCH),
    }
}
