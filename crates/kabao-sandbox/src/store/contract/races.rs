//! What two hands on one store do at once comes out as if one had gone after the
//! other. For a store of one process both hands may be the same.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;
use kabao_core::{card_member::CardState, time::Time};
use serde::{Deserialize, Serialize};
use tokio::{sync::oneshot, task::JoinSet};

use super::{Hand, at, card, contents, count_up, counted, first, hand, id, keys, sample_id};
use crate::{
    domain::{Activity, StoredState, UserCard},
    refusal::Refusal,
    sample,
    store::{ClockSetting, Kept, KeyRule, Needs, Store, StoreError, UserCardRule, Workspace},
};

/// How often what can go wrong in a moment is given a chance to.
const ROUNDS: usize = 20;

/// How many do the same at once, half of them through either hand.
const AT_ONCE: usize = 8;

/// Of changes made at once none is lost, and reads go on beside them.
pub async fn changes_at_once_all_count(one: Hand, other: Hand) {
    const CHANGES: usize = 25;
    let zero: UserCardRule = Arc::new(|card| {
        card.attach = Some("0".into());
        Ok(())
    });
    one.change_user_card(&sample_id(), zero)
        .await
        .expect("changed");
    let mut tasks = JoinSet::new();
    for number in 0..AT_ONCE {
        let store = hand(&one, &other, number);
        tasks.spawn(async move {
            for _ in 0..CHANGES {
                let changed = store.change_user_card(&sample_id(), count_up()).await;
                let changed = changed
                    .expect("changed")
                    .expect("there")
                    .expect("not refused");
                let seen = store.user_card(&sample_id()).await.expect("read");
                assert!(
                    counted(&seen.expect("there")) >= counted(&changed),
                    "a read went back in time"
                );
            }
        });
    }
    tasks.join_all().await;
    let last = other.user_card(&sample_id()).await.expect("read");
    assert_eq!(counted(&last.expect("there")), AT_ONCE * CHANGES);
}

/// A request number is used once, whoever comes with it: what the first one made
/// is everybody's answer.
pub async fn a_request_number_is_used_once(one: Hand, other: Hand) {
    for round in 0..ROUNDS {
        let number = format!("number {round}");
        let answers = at_once(&one, &other, |store, task| {
            let number = number.clone();
            async move {
                let needs = Needs::of(sample::BRAND_ID).record::<Used>(&*number);
                store
                    .decide(needs, move |workspace| once(workspace, &number, task))
                    .await
            }
        })
        .await;
        let answers: Vec<usize> = answers.into_iter().flatten().collect();
        assert_eq!(answers.len(), AT_ONCE);
        assert!(
            answers.windows(2).all(|pair| pair[0] == pair[1]),
            "{answers:?}"
        );
        let made = Needs::of(sample::BRAND_ID);
        let made = (0..AT_ONCE).fold(made, |made, task| {
            made.record::<Used>(made_id(&number, task))
        });
        let made = other.load(&made).await.expect("read");
        let made = (0..AT_ONCE).filter(|task| {
            let found = made.record::<Used>(&made_id(&number, *task));
            found.expect("readable").is_some()
        });
        assert_eq!(made.collect::<Vec<_>>(), answers[..1]);
    }
}

/// A code goes to one user.
pub async fn a_code_goes_to_one_user(one: Hand, other: Hand) {
    for round in 0..ROUNDS {
        let code = format!("code {round}");
        let outcomes = at_once(&one, &other, |store, number| {
            let card = UserCard {
                openid: format!("user {round} {number}"),
                ..card(id(&code))
            };
            async move { join(&*store, card).await }
        })
        .await;
        let owners: Vec<&String> = outcomes.iter().flatten().collect();
        assert_eq!(owners.len(), 1, "{outcomes:?}");
        let stored = other.user_card(&id(&code)).await.expect("read");
        assert_eq!(&stored.expect("there").openid, owners[0]);
    }
}

/// A user has one live card of a template, and another once that is over.
pub async fn a_user_joins_once(one: Hand, other: Hand) {
    for round in 0..ROUNDS {
        let outcomes = at_once(&one, &other, |store, number| {
            let card = UserCard {
                openid: "joining".into(),
                ..card(id(&format!("card {round} {number}")))
            };
            async move { join(&*store, card).await }
        })
        .await;
        let joined = outcomes.iter().flatten().count();
        assert_eq!(joined, 1, "{outcomes:?}");
        let needs = Needs::of(sample::BRAND_ID).user_cards_of(sample::CARD_ID, "joining");
        let left = one.decide(needs, |workspace| {
            let cards = workspace.user_cards_of(sample::CARD_ID, "joining");
            let live: Vec<UserCard> = cards.filter(|card| card.is_live()).cloned().collect();
            let count = live.len();
            for mut card in live {
                card.invalidate(None, Timestamp::UNIX_EPOCH);
                workspace.put_user_card(card);
            }
            Ok(count)
        });
        assert_eq!(left.await.expect("left").expect("not refused"), 1);
    }
}

/// A stock is given out to its last piece and not below.
pub async fn a_stock_ends_at_nothing(one: Hand, other: Hand) {
    const STOCK: usize = AT_ONCE / 2;
    for round in 0..ROUNDS {
        let activity_id = format!("{round}");
        let activity = activity(&activity_id, STOCK as i64);
        let needs = Needs::of(sample::BRAND_ID);
        let made = one.decide(needs, move |workspace| {
            workspace.put_activity(activity.clone());
            Ok(())
        });
        made.await.expect("made").expect("not refused");
        let given = at_once(&one, &other, |store, _| {
            let needs = Needs::of(sample::BRAND_ID).activities_of(sample::CARD_ID);
            async move { store.decide(needs, give).await }
        })
        .await;
        assert_eq!(given.iter().flatten().count(), STOCK, "{given:?}");
        let needs = Needs::of(sample::BRAND_ID).activity(&*activity_id);
        let stored = other.load(&needs).await.expect("read");
        let left = stored.activity(&activity_id).expect("there");
        assert_eq!(left.apply_available, 0);
    }
}

/// What a rule read and left alone is still so when it is saved: of two rules,
/// each of which changes what the other goes by, one comes first and the other
/// sees it.
pub async fn what_a_rule_goes_by_still_holds(one: Hand, other: Hand) {
    for round in 0..ROUNDS {
        let (code, card_id) = (format!("card {round}"), format!("template {round}"));
        begin(&*one, &code, &card_id).await;
        let needs = Needs::of(sample::BRAND_ID)
            .card_template(&*card_id)
            .user_card(sample::CARD_ID, &*code);
        let outcomes = at_once(&one, &other, |store, number| {
            let (needs, code, card_id) = (needs.clone(), code.clone(), card_id.clone());
            async move {
                let rule = move |workspace: &mut Workspace| match number % 4 {
                    0 | 3 => activate(workspace, &code, &card_id),
                    _ => retire(workspace, &code, &card_id),
                };
                store.decide(needs, rule).await
            }
        })
        .await;
        let won: Vec<&&str> = outcomes.iter().flatten().collect();
        assert!(
            !won.is_empty() && won.iter().all(|name| *name == won[0]),
            "{outcomes:?}"
        );
    }
}

/// A reset and the rules beside it come one after the other: what was counted
/// before it is not counted after it.
pub async fn a_reset_leaves_nothing_of_before(one: Hand, other: Hand) {
    for _ in 0..ROUNDS {
        let is_reset = Arc::new(AtomicBool::new(false));
        let (begun, has_begun) = oneshot::channel();
        let changes = tokio::spawn({
            let (store, is_reset) = (Arc::clone(&one), Arc::clone(&is_reset));
            async move {
                let mut counts = vec![count(&*store).await, count(&*store).await];
                // Nobody else is interested.
                let _ = begun.send(());
                while !is_reset.load(Ordering::Acquire) {
                    counts.push(count(&*store).await);
                }
                counts.push(count(&*store).await);
                counts
            }
        });
        has_begun.await.expect("begun");
        other.reset(&contents()).await.expect("reset");
        is_reset.store(true, Ordering::Release);
        let counts = changes.await.expect("no panic");
        let begins: Vec<usize> = (1..counts.len())
            .filter(|at| counts[*at] != counts[at - 1] + 1)
            .collect();
        assert_eq!(begins.len(), 1, "{counts:?}");
        assert_eq!((counts[0], counts[begins[0]]), (1, 1), "{counts:?}");
        other.reset(&contents()).await.expect("reset");
    }
}

async fn count(store: &dyn Store) -> usize {
    let changed = store.change_user_card(&sample_id(), count_up()).await;
    counted(&changed.expect("changed").expect("there").expect("taken"))
}

/// Of several that initialise a new store at once exactly one is taken, and all
/// then read its keys, with the settings that came with them.
pub async fn one_of_many_first_keys_is_taken(one: Hand, other: Hand) {
    let seen = at_once(&one, &other, |store, number| async move {
        let won = store.initialise(&first(&format!("{number}"))).await?;
        let book = store.key_book().await?;
        let [name] = &Vec::from_iter(book.settings.public_key_only)[..] else {
            panic!("the settings are not those of one");
        };
        super::assert_same_keys(&book.keys, &keys(name));
        Ok(Ok((won, name.clone())))
    })
    .await;
    let seen: Vec<(bool, String)> = seen.into_iter().flatten().collect();
    assert_eq!(seen.iter().filter(|(won, _)| *won).count(), 1, "{seen:?}");
    assert!(
        seen.windows(2).all(|pair| pair[0].1 == pair[1].1),
        "{seen:?}"
    );
}

/// Of changes of the clock that go by how it stands none is lost.
pub async fn the_clock_is_moved_by_all(one: Hand, other: Hand) {
    const MOVES: usize = 10;
    let before = offset(one.clock().await.expect("read"));
    let mut tasks = JoinSet::new();
    for number in 0..AT_ONCE {
        let store = hand(&one, &other, number);
        tasks.spawn(async move {
            for _ in 0..MOVES {
                let later = |clock| {
                    let offset_ms = offset(clock) + 1;
                    Ok::<_, Infallible>(ClockSetting::Running { offset_ms })
                };
                assert!(store.change_clock(later).await.expect("moved").is_ok());
            }
        });
    }
    tasks.join_all().await;
    let moved = offset(other.clock().await.expect("read")) - before;
    assert_eq!(moved, (AT_ONCE * MOVES) as i64);
}

fn offset(clock: ClockSetting) -> i64 {
    match clock {
        ClockSetting::Running { offset_ms } => offset_ms,
        other => panic!("{other:?}"),
    }
}

/// Keys and how they are used are read at one moment.
pub async fn a_key_book_is_of_one_moment(one: Hand, other: Hand) {
    let is_over = Arc::new(AtomicBool::new(false));
    let changing = tokio::spawn({
        let is_over = Arc::clone(&is_over);
        async move {
            for number in 0_u16..100 {
                let rule: KeyRule = Arc::new(move |book| {
                    book.keys = keys(&number.to_string());
                    let migrations = &mut book.settings.migrations;
                    *migrations = [("of the keys".to_owned(), number)].into();
                    Ok(())
                });
                let changed = one.change_keys(rule).await.expect("changed");
                changed.expect("not refused");
            }
            is_over.store(true, Ordering::Release);
        }
    });
    while !is_over.load(Ordering::Acquire) {
        let book = other.key_book().await.expect("read");
        if let Some(number) = book.settings.migrations.get("of the keys") {
            super::assert_same_keys(&book.keys, &keys(&number.to_string()));
        }
    }
    changing.await.expect("no panic");
}

/// Does the same through both hands, and gives what it came to for each.
async fn at_once<T, F>(
    one: &Hand,
    other: &Hand,
    work: impl Fn(Hand, usize) -> F,
) -> Vec<Result<T, Refusal>>
where
    T: Send + 'static,
    F: Future<Output = Result<Result<T, Refusal>, StoreError>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for number in 0..AT_ONCE {
        tasks.spawn(work(hand(one, other, number), number));
    }
    let outcomes = tasks.join_all().await.into_iter();
    outcomes
        .map(|outcome| outcome.expect("no failure"))
        .collect()
}

/// A number that was used, and what came of it.
#[derive(Serialize, Deserialize)]
struct Used {
    number: String,
    answer: usize,
}

impl Kept for Used {
    const KIND: &'static str = "used";

    fn id(&self) -> String {
        self.number.clone()
    }
}

/// Makes something of its own, once for a number.
fn once(workspace: &mut Workspace, number: &str, task: usize) -> Result<usize, Refusal> {
    if let Some(used) = workspace.record::<Used>(number)? {
        return Ok(used.answer);
    }
    for number in [number.to_owned(), made_id(number, task)] {
        workspace.put_record(&Used {
            number,
            answer: task,
        })?;
    }
    Ok(task)
}

fn made_id(number: &str, task: usize) -> String {
    format!("made by {task} for {number}")
}

/// Puts a card unless its code is taken or its user has one, and gives the user.
async fn join(store: &dyn Store, card: UserCard) -> Result<Result<String, Refusal>, StoreError> {
    let needs = Needs::of(&*card.id.brand_id)
        .user_card(&*card.id.card_id, &*card.id.user_card_code)
        .user_cards_of(&*card.id.card_id, &*card.openid);
    let rule = move |workspace: &mut Workspace| {
        let UserCard { id, openid, .. } = &card;
        let is_taken = workspace
            .user_card(&id.card_id, &id.user_card_code)
            .is_some();
        let mut own = workspace.user_cards_of(&id.card_id, openid);
        if is_taken || own.any(UserCard::is_live) {
            return Err(Refusal::already_exists("taken"));
        }
        drop(own);
        workspace.put_user_card(card.clone());
        Ok(card.openid.clone())
    };
    store.decide(needs, rule).await
}

fn activity(activity_id: &str, stock: i64) -> Activity {
    Activity {
        brand_id: sample::BRAND_ID.into(),
        activity_id: activity_id.into(),
        card_id: sample::CARD_ID.into(),
        out_request_no: activity_id.into(),
        activity_channel: "MECHANT_APP_COMPONENT".into(),
        title: "title".into(),
        sub_title: "sub title".into(),
        begin_time: Time::at(Timestamp::UNIX_EPOCH),
        end_time: Time::at(at("2100-01-01T00:00:00Z")),
        apply_total: stock,
        apply_available: stock,
        product_coupon_stock_list: Vec::new(),
        terminated: false,
        create_time: Time::at(Timestamp::UNIX_EPOCH),
        modify_time: Time::at(Timestamp::UNIX_EPOCH),
    }
}

/// Takes one from the activity that has some.
fn give(workspace: &mut Workspace) -> Result<i64, Refusal> {
    let stocked = workspace
        .activities()
        .find(|activity| activity.apply_available > 0);
    let stocked = stocked.ok_or_else(|| Refusal::invalid_request("nothing is left"))?;
    let mut activity = stocked.clone();
    activity.apply_available -= 1;
    workspace.put_activity(activity.clone());
    Ok(activity.apply_available)
}

/// A card that waits, and a template of that name in force.
async fn begin(store: &dyn Store, code: &str, card_id: &str) {
    let mut template = contents().card_templates.remove(0);
    template.card.card_id = card_id.to_owned();
    let card = UserCard {
        openid: format!("user of {code}"),
        ..card(id(code))
    };
    let put = store.decide(Needs::of(sample::BRAND_ID), move |workspace| {
        workspace.put_card_template(template.clone());
        workspace.put_user_card(card.clone());
        Ok(())
    });
    put.await.expect("put").expect("not refused");
}

/// Changes the card if the template is in force.
fn activate(workspace: &mut Workspace, code: &str, card_id: &str) -> Result<&'static str, Refusal> {
    let template = workspace.card_template(card_id).expect("there");
    if !template.is_in_force() {
        return Err(Refusal::invalid_request("the template is over"));
    }
    let card = workspace.user_card(sample::CARD_ID, code).expect("there");
    let mut card = card.clone();
    card.state = StoredState::Effective;
    workspace.put_user_card(card);
    Ok("activated")
}

/// Changes the template if the card still waits.
fn retire(workspace: &mut Workspace, code: &str, card_id: &str) -> Result<&'static str, Refusal> {
    let card = workspace.user_card(sample::CARD_ID, code).expect("there");
    if card.state == StoredState::Effective {
        return Err(Refusal::invalid_request("the card is in use"));
    }
    let mut template = workspace.card_template(card_id).expect("there").clone();
    template.card.state = Some(CardState::Invalid);
    workspace.put_card_template(template);
    Ok("retired")
}
