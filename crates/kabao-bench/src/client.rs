//! What a call costs the client's process.

use std::{future::Future, sync::Arc, time::Instant};

use anyhow::{Context as _, Result};
use kabao::{Client, Merchant, PrivateKey, card_member::UserCardKey};

use crate::{
    Effort,
    measure::{Round, cpu_time, micros_each, report},
    primitives::{Bench, Primitives},
    sandbox::Server,
};

const PATH: &str = "v3/brand/partner/card-member/user-cards/{user_card_code}";
const CODE: &str = "478515832665";

/// Client and server have one each.
const CORES: usize = 2;

/// Sensitive values in the sample card.
const SEALED_VALUES: f64 = 3.0;

pub(crate) async fn measure(server: &Server, effort: Effort) -> Result<()> {
    let credentials = server.credentials();
    let client = Client::builder(Merchant::new(
        credentials.text("mchid")?,
        credentials.text("serial_no")?,
        PrivateKey::from_pem(credentials.file("apiclient_key.pem")?)?,
    ))
    .wechatpay_public_key(
        credentials.text("wechatpay_public_key_id")?,
        credentials.file("pub_key.pem")?,
    )
    .base_url(credentials.text("base_url")?)
    .build()?;
    let (brand_id, card_id, openid) = (
        credentials.text("brand_id")?,
        credentials.text("card_id")?,
        credentials.text("openid")?,
    );
    let key = Arc::new(UserCardKey::new(CODE, card_id.as_str(), openid.as_str()));
    let members = Arc::new(client.card_member_for(brand_id.as_str()));
    let query = Arc::new([
        ("brand_id", brand_id),
        ("card_id", card_id),
        ("openid", openid),
    ]);
    let bench = Bench::new()?;
    let raw_bound = |p: Primitives| p.sign + p.verify;
    let typed_bound = |p: Primitives| p.sign + p.verify + SEALED_VALUES * p.open;
    let raw = move || {
        let (client, query) = (client.clone(), Arc::clone(&query));
        async move {
            client
                .chain(PATH)
                .param("user_card_code", CODE)
                .query(&*query)
                .get()
                .await?;
            anyhow::Ok(())
        }
    };
    let typed = move || {
        let (members, key) = (Arc::clone(&members), Arc::clone(&key));
        async move {
            let card = members.user_cards().get(&key).await?;
            let phone = card
                .phone_number
                .as_ref()
                .context("the card has no phone number")?;
            anyhow::ensure!(phone.is_opened(), "the phone number did not open");
            Ok(())
        }
    };
    rounds(
        "client_raw_get_c1",
        1,
        effort,
        &bench,
        raw_bound,
        raw.clone(),
    )
    .await?;
    rounds(
        "client_raw_get_c16",
        16,
        effort,
        &bench,
        raw_bound,
        raw.clone(),
    )
    .await?;
    rounds("client_get_c16", 16, effort, &bench, typed_bound, typed).await
}

async fn rounds<F, R>(
    name: &str,
    concurrency: usize,
    effort: Effort,
    bench: &Bench,
    bound: impl Fn(Primitives) -> f64,
    call: F,
) -> Result<()>
where
    F: Fn() -> R + Clone + Send + 'static,
    R: Future<Output = Result<()>> + Send,
{
    // Connections are made before anything counts.
    run(
        concurrency,
        Effort {
            round: effort.round / 2,
            ..effort
        },
        &call,
    )
    .await?;
    let mut rounds = Vec::new();
    let mut samples = Vec::new();
    // One call at a time leaves the other core to the server, which is idle
    // while the client works; sixteen keep both busy.
    let threads = if concurrency == 1 { 1 } else { CORES };
    samples.push(bench.sample(threads));
    for _ in 0..effort.rounds {
        let before = samples[samples.len() - 1];
        let value = run(concurrency, effort, &call).await?;
        let after = bench.sample(threads);
        let round_bound = f64::midpoint(bound(before), bound(after));
        rounds.push(Round {
            value,
            bound: round_bound,
            higher_is_better: false,
        });
        samples.push(after);
    }
    let cost = crate::measure::median(rounds.iter().map(|round| round.value));
    report(
        name,
        "us of CPU per call",
        &rounds,
        &Primitives::parts(&samples, cost),
    );
    Ok(())
}

/// Calls from `concurrency` tasks until the round is over; microseconds of CPU
/// per call.
async fn run<F, R>(concurrency: usize, effort: Effort, call: &F) -> Result<f64>
where
    F: Fn() -> R + Clone + Send + 'static,
    R: Future<Output = Result<()>> + Send,
{
    let until = Instant::now() + effort.round;
    let before = cpu_time();
    let tasks: Vec<_> = (0..concurrency)
        .map(|_| {
            let call = call.clone();
            tokio::spawn(async move {
                let mut calls = 0_usize;
                while Instant::now() < until {
                    call().await?;
                    calls += 1;
                }
                anyhow::Ok(calls)
            })
        })
        .collect();
    let mut calls = 0;
    for task in tasks {
        calls += task.await??;
    }
    let spent = cpu_time().saturating_sub(before);
    Ok(micros_each(spent, calls))
}
