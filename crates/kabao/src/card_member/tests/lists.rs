//! Lists are followed to their end, and no further.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::Request;
use kabao_core::{card_member::*, query::decode_pairs};
use serde_json::{Value, json};

use super::samples::{activity, card, travelling, user_card};
#[cfg(feature = "blocking")]
use crate::blocking;
use crate::{
    ErrorKind, Result,
    card_member::{CardMember, Rows},
    testing::{By, Fake, Reply, client, signed},
};

/// `offset` and `limit` of a request.
fn window(request: &Request<Bytes>) -> (u64, u64) {
    let pairs = decode_pairs(request.uri().query().unwrap()).unwrap();
    let number = |name| {
        let pair = pairs.iter().find(|(known, _)| known == name).unwrap();
        pair.1.parse().unwrap()
    };
    (number("offset"), number("limit"))
}

fn windows(fake: &Fake) -> Vec<(u64, u64)> {
    fake.seen().iter().map(window).collect()
}

/// A row that is told from the others by its number.
fn row(sample: &Value, id: &str, number: u64) -> Value {
    let mut row = sample.clone();
    row[id] = number.to_string().into();
    row
}

fn page(rows: Vec<Value>, total_count: u64, (offset, limit): (u64, u64)) -> Reply {
    let page = json!({
        "data": rows, "total_count": total_count, "offset": offset, "limit": limit,
    });
    travelling(page)
}

/// A list of `total` templates, of which a page has at most `most`.
fn honest(total: u64, most: u64) -> Arc<Fake> {
    let sample = card();
    Fake::new(move |_, request| {
        let (offset, limit) = window(request);
        let end = total.min(offset + limit.min(most));
        let rows = (offset..end).map(|number| row(&sample, "card_id", number));
        page(rows.collect(), total, (offset, limit))
    })
}

fn members(fake: &Arc<Fake>) -> CardMember {
    client(fake).card_member_for("1004")
}

async fn ids(rows: Rows<Card>) -> Vec<Result<u64>> {
    rows.map(|row| row.map(|card| card.card_id.parse().unwrap()))
        .collect()
        .await
}

fn all_good(ids: Vec<Result<u64>>) -> Vec<u64> {
    ids.into_iter().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_list_goes_on_over_its_pages() {
    let fake = honest(45, 20);
    let rows = members(&fake).cards().stream(ListCards::new());
    assert_eq!(all_good(ids(rows).await), Vec::from_iter(0..45));
    assert_eq!(windows(&fake), [(0, 20), (20, 20), (40, 20)]);

    // The last page is full: that there is no more is known.
    let fake = honest(40, 20);
    let rows = members(&fake).cards().stream(ListCards::new());
    assert_eq!(ids(rows).await.len(), 40);
    assert_eq!(fake.count(), 2);

    let fake = honest(0, 20);
    let rows = members(&fake).cards().stream(ListCards::new());
    assert_eq!(ids(rows).await.len(), 0);
    assert_eq!(fake.count(), 1);
}

#[tokio::test]
async fn it_begins_where_the_list_does() {
    let fake = honest(25, 20);
    let list = ListCards::new()
        .state(CardState::Effective)
        .offset(10)
        .limit(7);
    let rows = members(&fake).cards().stream(list);
    assert_eq!(all_good(ids(rows).await), Vec::from_iter(10..25));
    assert_eq!(windows(&fake), [(10, 7), (17, 7), (24, 7)]);
    for request in fake.seen() {
        let query = request.uri().query().unwrap();
        assert!(
            query.contains("brand_id=1004&state=CARD_EFFECTIVE&"),
            "{query}"
        );
    }
}

#[tokio::test]
async fn each_list_has_a_stream() {
    let cases = [
        ("card_id", card()),
        ("activity_id", activity()),
        ("user_card_code", user_card()),
    ];
    for (id, sample) in cases {
        let fake = Fake::new(move |_, request| {
            let (offset, limit) = window(request);
            page(vec![row(&sample, id, offset)], 2, (offset, limit))
        });
        let members = members(&fake);
        let seen: Vec<String> = match id {
            "card_id" => {
                let rows = members.cards().stream(ListCards::new());
                rows.map(|row| row.unwrap().card_id).collect().await
            }
            "activity_id" => {
                let rows = members.activities().stream(ListActivities::new());
                rows.map(|row| row.unwrap().activity_id).collect().await
            }
            _ => {
                let rows = members.user_cards().stream(ListUserCards::of("obLatj"));
                rows.map(|row| {
                    let card = row.unwrap();
                    assert_eq!(card.phone_number.as_ref().unwrap().expose(), "13800138000");
                    card.user_card_code
                })
                .collect()
                .await
            }
        };
        assert_eq!(seen, ["0", "1"], "{id}");
    }
}

#[tokio::test]
async fn a_page_is_fetched_when_the_one_before_is_used_up() {
    let fake = honest(45, 20);
    let mut rows = members(&fake).cards().stream(ListCards::new());
    assert_eq!(fake.count(), 0);
    for number in 0..20 {
        assert_eq!(
            rows.next().await.unwrap().unwrap().card_id,
            number.to_string()
        );
        assert_eq!(fake.count(), 1);
    }
    rows.next().await.unwrap().unwrap();
    assert_eq!(fake.count(), 2);
}

#[tokio::test]
async fn short_pages_lose_no_row() {
    let fake = honest(25, 10);
    let rows = members(&fake).cards().stream(ListCards::new());
    assert_eq!(all_good(ids(rows).await), Vec::from_iter(0..25));
    assert_eq!(windows(&fake), [(0, 20), (10, 20), (20, 20)]);
}

#[tokio::test]
async fn it_ends_whatever_the_server_says() {
    let sample = || vec![row(&card(), "card_id", 0); 20];
    // More is promised than comes.
    let fake = Fake::new(move |number, request| {
        let rows = if number == 0 { sample() } else { Vec::new() };
        page(rows, 1000, window(request))
    });
    let rows = members(&fake).cards().stream(ListCards::new());
    assert_eq!((ids(rows).await.len(), fake.count()), (20, 2));

    // Always the first page.
    let fake = Fake::new(move |_, _| page(sample(), 45, (0, 20)));
    let rows = members(&fake).cards().stream(ListCards::new());
    assert_eq!((ids(rows).await.len(), fake.count()), (60, 3));

    // The end runs away.
    let fake = Fake::new(move |number, request| {
        assert!(number < 10, "it is followed");
        let (offset, limit) = window(request);
        page(sample(), offset + 100, (offset, limit))
    });
    let rows = members(&fake).cards().stream(ListCards::new());
    assert_eq!((ids(rows).await.len(), fake.count()), (200, 10));

    // Less is promised than comes.
    let fake = Fake::new(move |_, request| page(sample(), 0, window(request)));
    let rows = members(&fake).cards().stream(ListCards::new());
    assert_eq!((ids(rows).await.len(), fake.count()), (20, 1));
}

/// A list may grow by a little while it is read.
#[tokio::test]
async fn rows_that_come_meanwhile_are_read() {
    let total = AtomicU64::new(38);
    let fake = Fake::new(move |_, request| {
        let (offset, limit) = window(request);
        let total = total.fetch_add(2, Ordering::SeqCst);
        let end = total.min(offset + limit);
        let rows = (offset..end).map(|number| row(&card(), "card_id", number));
        page(rows.collect(), total, (offset, limit))
    });
    let rows = members(&fake).cards().stream(ListCards::new());
    assert_eq!(all_good(ids(rows).await), Vec::from_iter(0..40));
}

#[tokio::test]
async fn an_error_comes_once_and_is_the_end() {
    let fake = Fake::new(move |number, request| match number {
        0 => page(vec![row(&card(), "card_id", 0); 20], 45, window(request)),
        _ => signed(By::PublicKey, 403, r#"{"code":"NO_AUTH"}"#),
    });
    let mut rows = members(&fake).cards().stream(ListCards::new());
    for _ in 0..20 {
        rows.next().await.unwrap().unwrap();
    }
    let error = rows.next().await.unwrap().unwrap_err();
    assert_eq!(error.code(), Some("NO_AUTH"));
    for _ in 0..3 {
        assert!(rows.next().await.is_none());
    }
    assert_eq!(fake.count(), 2);

    // What is refused here as well.
    let mut rows = members(&fake).cards().stream(ListCards::new().limit(0));
    let error = rows.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request);
    assert!(rows.next().await.is_none());
    assert_eq!(fake.count(), 2);
}

#[cfg(feature = "blocking")]
#[test]
fn the_iterator_does_the_same() {
    let members = |fake: &Arc<Fake>| {
        let settings = blocking::ClientBuilder::from(crate::testing::builder(fake));
        settings.build().unwrap().card_member_for("1004")
    };
    let fake = honest(45, 20);
    let rows = members(&fake).cards().iter(ListCards::new());
    assert_eq!(fake.count(), 0);
    let ids: Result<Vec<u64>> = rows
        .map(|row| row.map(|card| card.card_id.parse().unwrap()))
        .collect();
    assert_eq!(ids.unwrap(), Vec::from_iter(0..45));
    assert_eq!(windows(&fake), [(0, 20), (20, 20), (40, 20)]);

    let fake = Fake::new(|_, _| signed(By::PublicKey, 403, r#"{"code":"NO_AUTH"}"#));
    let members = members(&fake);
    let mut rows = members.activities().iter(ListActivities::new());
    assert_eq!(rows.next().unwrap().unwrap_err().code(), Some("NO_AUTH"));
    assert!(rows.next().is_none() && rows.next().is_none());
    let mut rows = members.user_cards().iter(ListUserCards::of("obLatj"));
    assert_eq!(rows.next().unwrap().unwrap_err().code(), Some("NO_AUTH"));
    assert!(rows.next().is_none());
    assert_eq!(fake.count(), 2);
}
