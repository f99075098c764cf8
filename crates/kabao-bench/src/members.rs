//! A folder with a store of many members, put there through the store's own
//! rules, and requests about them.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result, bail};
use kabao::core::{PublicKey, Sensitive, sensitive::Sealer as _};
use kabao_sandbox::{
    domain::{UserCard, UserCardId},
    folder::DataFolder,
    sample,
    store::{self, Needs, Rule, Store},
};
use serde_json::json;

use crate::{
    load::{Requests, Unsigned},
    sandbox::{Credentials, Server},
    start,
};

pub(crate) const USER_CARDS: &str = "/v3/brand/partner/card-member/user-cards";

/// Cards in one rule. Of what waits together the store makes one transaction.
const TOGETHER: usize = 250;
const AT_ONCE: usize = 16;

/// The `number`-th of many members. Codes are scattered, as they are in life, so
/// that neighbours in time are no neighbours in the file.
fn member(number: usize) -> Result<UserCard> {
    let sample = sample::contents().user_cards.into_iter().next();
    let sample = sample.context("no sample card")?;
    Ok(UserCard {
        id: UserCardId {
            user_card_code: code(number),
            ..sample.id
        },
        openid: openid(number),
        phone_number: Some(Sensitive::new(format!("138{:08}", number % 100_000_000))),
        ..sample
    })
}

fn code(number: usize) -> String {
    // The multiplier has no factor in common with 10^12, so no two are the same.
    let scattered = (number as u128 * 618_033_988_751) % 1_000_000_000_000;
    format!("{scattered:012}")
}

fn openid(number: usize) -> String {
    format!(
        "oBench{:022}",
        (number as u128 * 618_033_988_751) % (1 << 64)
    )
}

/// Makes a store with that many members in a folder.
pub(crate) async fn fill(folder: &Path, count: usize) -> Result<()> {
    // The first start makes keys and sample data.
    Server::start(folder).await?.stop().await?;
    let folder = DataFolder::create(folder)?;
    let uri = format!("sqlite:{}", folder.database().display());
    add(store::open(&uri, &folder.master_key()?)?, count).await
}

/// Adds that many members to a store.
pub(crate) async fn add(store: Arc<dyn Store>, count: usize) -> Result<()> {
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|task| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let first = (task * TOGETHER..count).step_by(AT_ONCE * TOGETHER);
                for first in first {
                    let numbers = first..count.min(first + TOGETHER);
                    let cards = numbers.map(member).collect::<Result<Vec<_>>>()?;
                    put(&*store, cards).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// Puts new cards into a store.
pub(crate) async fn put(store: &dyn Store, cards: Vec<UserCard>) -> Result<()> {
    let rule: Rule = Arc::new(move |workspace| {
        for card in &cards {
            workspace.put_user_card(card.clone());
        }
        Ok(())
    });
    if let Err(refusal) = store.apply(Needs::of(sample::BRAND_ID), rule).await? {
        bail!("the cards were refused: {refusal:?}");
    }
    Ok(())
}

/// What is asked about random members.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ask {
    Get,
    Patch,
    List,
}

/// Signed requests, each about another of `members` members; other ones for
/// another `seed`.
pub(crate) fn requests(
    credentials: &Credentials,
    ask: Ask,
    members: usize,
    count: usize,
    seed: usize,
) -> Result<Requests> {
    let public_key = PublicKey::from_pem(credentials.file("pub_key.pem")?)?;
    let (brand_id, card_id) = (credentials.text("brand_id")?, credentials.text("card_id")?);
    Requests::sign(credentials, start::unix_now(), count, |place| {
        // Far apart, and never the same twice in a row.
        let number = (seed * count + place).wrapping_mul(2_654_435_761) % members;
        let (code, openid) = (code(number), openid(number));
        Ok(match ask {
            Ask::Get => Unsigned {
                method: "GET",
                target: format!(
                    "{USER_CARDS}/{code}?brand_id={brand_id}&card_id={card_id}&openid={openid}"
                ),
                body: Vec::new(),
            },
            Ask::List => Unsigned {
                method: "GET",
                target: format!(
                    "{USER_CARDS}?brand_id={brand_id}&openid={openid}&offset=0&limit=20"
                ),
                body: Vec::new(),
            },
            Ask::Patch => Unsigned {
                method: "PATCH",
                target: format!("{USER_CARDS}/{code}?card_id={card_id}"),
                body: serde_json::to_vec(&json!({
                    "brand_id": brand_id, "openid": openid, "level": format!("等级{}", place % 100),
                    "phone_number": public_key.seal(&Sensitive::new(format!("139{place:08}")))?,
                }))?,
            },
        })
    })
}
