//! What calls with many sealed values do to the calls beside them, on a server
//! whose connections share one thread.

use std::path::Path;

use anyhow::{Context as _, Result};
use kabao::core::{PublicKey, Sensitive, card_member::UserInformation, sensitive::Sealer as _};
use kabao_sandbox::{
    domain::{UserCard, UserCardId},
    folder::DataFolder,
    sample, store,
};
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, sync::watch};

use crate::{
    Effort,
    load::{Requests, Unsigned, read_answer},
    measure::{Latencies, Round, report},
    members::{self, USER_CARDS},
    open_loop,
    sandbox::{Credentials, Server, Setting},
    start,
};

/// Simple calls a second.
const RATE: f64 = 200.0;
const CONNECTIONS: usize = 4;

/// Calls with many values that are always under way.
const HEAVY: usize = 4;

/// Sealed values in one change, and in one card of a page.
const VALUES: usize = 50;

/// A page's cards, as many as may be asked for.
const CARDS: usize = 20;

const MEMBER: &str = "oBenchOfManyCards";

/// The template of that member's first card, which is changed.
fn card_id(number: usize) -> String {
    format!("p{number:027}")
}

pub(crate) async fn measure(effort: Effort) -> Result<()> {
    let folder = tempfile::tempdir()?;
    Server::start(folder.path()).await?.stop().await?;
    fill(folder.path()).await?;
    let setting = Setting {
        workers: Some(1),
        ..Setting::default()
    };
    let server = Server::start_with(folder.path(), setting).await?;
    for (name, heavy) in [
        ("crowd_open_1_p99", changes(server.credentials(), 1)?),
        ("crowd_open_50_p99", changes(server.credentials(), VALUES)?),
        ("crowd_seal_1000_p99", lists(server.credentials())?),
    ] {
        beside(name, &server, &heavy, effort).await?;
    }
    server.stop().await
}

/// Simple calls alone and beside heavy ones, in turn.
async fn beside(name: &str, server: &Server, heavy: &Requests, effort: Effort) -> Result<()> {
    let mut rounds = Vec::new();
    let (mut all_alone, mut all_beside) = (Latencies::default(), Latencies::default());
    let mut answered = 0;
    for _ in 0..effort.rounds / 2 {
        let alone = simple(server, effort).await?;
        let (stop, stopped) = watch::channel(false);
        let tasks: Vec<_> = (0..HEAVY)
            .map(|place| {
                let address = server.address().to_owned();
                tokio::spawn(keep_calling(address, heavy.clone(), place, stopped.clone()))
            })
            .collect();
        let beside = simple(server, effort).await?;
        stop.send(true)?;
        for task in tasks {
            answered += task.await??;
        }
        rounds.push(Round {
            value: beside.p99(),
            bound: alone.p99(),
            higher_is_better: false,
        });
        all_alone = all_alone.and(&alone);
        all_beside = all_beside.and(&beside);
    }
    let parts = [
        ("p50_alone", all_alone.p50()),
        ("p50_beside", all_beside.p50()),
        ("p99_alone", all_alone.p99()),
        ("p99_beside", all_beside.p99()),
        ("longest_beside", all_beside.longest()),
        ("heavy_answered", f64::from(answered)),
    ];
    report(name, "us until the answer", &rounds, &parts);
    Ok(())
}

async fn simple(server: &Server, effort: Effort) -> Result<Latencies> {
    let requests = Requests::get(server.credentials(), start::unix_now())?;
    let count = effort.round.as_secs_f64() * 2.0 * RATE;
    let requests = requests.repeated(count as usize);
    let address = server.address().to_owned();
    tokio::task::spawn_blocking(move || open_loop::run(&address, &requests, RATE, CONNECTIONS))
        .await?
}

async fn keep_calling(
    address: String,
    requests: Requests,
    place: usize,
    mut stopped: watch::Receiver<bool>,
) -> Result<u32> {
    let mut stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let (mut answer, mut count) = (Vec::new(), 0);
    while !*stopped.borrow_and_update() {
        let request = requests
            .get_at(place + count as usize)
            .context("no request")?;
        stream.write_all(request).await?;
        read_answer(&mut stream, &mut answer).await?;
        count += 1;
    }
    Ok(count)
}

/// Changes of one card with that many sealed values each.
fn changes(credentials: &Credentials, values: usize) -> Result<Requests> {
    let public_key = PublicKey::from_pem(credentials.file("pub_key.pem")?)?;
    let (brand_id, card_id) = (credentials.text("brand_id")?, card_id(0));
    let code = sample::USER_CARD_CODE;
    Requests::sign(credentials, start::unix_now(), 16, |_| {
        let sealed = (0..values).map(|number| public_key.seal(&Sensitive::new(number.to_string())));
        let sealed = sealed.collect::<Result<Vec<_>, _>>()?;
        Ok(Unsigned {
            method: "PATCH",
            target: format!("{USER_CARDS}/{code}?card_id={card_id}"),
            body: serde_json::to_vec(&json!({
                "brand_id": brand_id, "openid": MEMBER,
                "user_information": {
                    "custom_field_list": [{"name": "喜欢的运动", "user_chosen_values": sealed}],
                },
            }))?,
        })
    })
}

/// Pages of cards with many values.
fn lists(credentials: &Credentials) -> Result<Requests> {
    let brand_id = credentials.text("brand_id")?;
    Requests::sign(credentials, start::unix_now(), 16, |_| {
        Ok(Unsigned {
            method: "GET",
            target: format!(
                "{USER_CARDS}?brand_id={brand_id}&openid={MEMBER}&offset=0&limit={CARDS}"
            ),
            body: Vec::new(),
        })
    })
}

/// One member with a card of each of many templates, and much in each.
async fn fill(folder: &Path) -> Result<()> {
    let folder = DataFolder::create(folder)?;
    let uri = format!("sqlite:{}", folder.database().display());
    let store = store::open(&uri, &folder.master_key()?)?;
    let sample = sample::contents().user_cards.into_iter().next();
    let sample = sample.context("no sample card")?;
    let chosen = (0..VALUES).map(|number| Sensitive::new(number.to_string()));
    let information = UserInformation::new().custom("喜欢的运动", chosen);
    let cards = (0..CARDS).map(|number| UserCard {
        id: UserCardId {
            card_id: card_id(number),
            ..sample.id.clone()
        },
        openid: MEMBER.to_owned(),
        user_information: Some(information.clone()),
        ..sample.clone()
    });
    members::put(&*store, cards.collect()).await
}
