//! Delivers what the outbox owes, from any process that has the store open.
//!
//! An entry that is due is leased before it is tried, so that of several
//! processes one tries it; a lease that ends, because its process died, leaves
//! the entry to the next. When an entry is due is told by the sandbox's clock,
//! how long a lease holds by the real one, which nobody moves.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use jiff::{SignedDuration, Timestamp};
use kabao_core::{
    answer::{header as wechatpay, signature_headers},
    authorization::Stamp,
    signature::PROBE_PREFIX,
    time::Time,
};
use tokio::{sync::watch, task::JoinSet};

use super::{
    address::Address,
    post::{Outcome, PATIENCE},
};
use crate::{
    app::{App, failed},
    clock::{business_time, real_now},
    faults::FaultKind,
    keys::CallerKeys,
    random,
    store::{Attempt, Owed, StoreError, Then},
};

/// How often to look for what became due: another process may have written it,
/// or moved the clock.
const POLL: Duration = Duration::from_millis(500);

/// How many are tried at once.
const AT_ONCE: usize = 64;

const USER_AGENT: &str = concat!("kabao-sandbox/", env!("CARGO_PKG_VERSION"));

/// Above what an attempt may take.
const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// Delivers until `stop` turns true or its sender is gone, then lets running
/// attempts end.
pub(crate) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut attempts = JoinSet::new();
    loop {
        match lease(&app, AT_ONCE - attempts.len()).await {
            Ok(leased) => {
                for owed in leased {
                    attempts.spawn(attempt(Arc::clone(&app), owed));
                }
            }
            Err(error) => log(&error),
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            _ = attempts.join_next(), if !attempts.is_empty() => {}
            () = app.notifier.woken() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
    let ended = async { while attempts.join_next().await.is_some() {} };
    if tokio::time::timeout(2 * PATIENCE, ended).await.is_err() {
        tracing::warn!("some notifications were broken off; they are tried again");
    }
}

async fn lease(app: &App, room: usize) -> Result<Vec<Owed>, StoreError> {
    let (now, real) = now(app).await?;
    let due = app
        .store
        .next_due(real)
        .await?
        .is_some_and(|due| due <= now);
    match due && room > 0 {
        true => app.store.lease_due(now, real, LEASE, room).await,
        false => Ok(Vec::new()),
    }
}

/// The sandbox's clock, and the real one.
async fn now(app: &App) -> Result<(Timestamp, Timestamp), StoreError> {
    let real = real_now();
    Ok((business_time(app.store.clock().await?, real), real))
}

async fn attempt(app: Arc<App>, owed: Owed) {
    let outcome = post(&app, &owed).await;
    tracing::debug!(
        id = owed.id,
        event_type = owed.event_type,
        status = outcome.status,
        error = outcome.error,
        "notified",
    );
    if let Err(error) = note(&app, &owed, outcome).await {
        // The lease ends, and it is tried again: at least once.
        log(&error);
    }
}

async fn post(app: &App, owed: &Owed) -> Outcome {
    let notifier = &app.notifier;
    let address = match Address::parse(&owed.notify_url, notifier.settings.https_only) {
        Ok(address) => address,
        Err(issue) => return Outcome::failed(format!("refused: notify_url {issue}")),
    };
    let keys = app.current_keys.now().await;
    let Some(sender) = keys.caller(owed.scheme, &owed.identity) else {
        return Outcome::failed("the receiver has no keys here");
    };
    match headers(sender, &owed.body) {
        Ok(mut headers) => {
            if app
                .faults
                .strikes(FaultKind::ProbeNotification, "POST", &address.path)
            {
                make_probe(&mut headers);
            }
            let body = Bytes::copy_from_slice(&owed.body);
            let settings = &notifier.settings;
            notifier
                .poster
                .post(&address, settings, headers, body)
                .await
        }
        Err(error) => Outcome::failed(error),
    }
}

/// Signed anew on every attempt, with the key that the receiver's answers are
/// signed with by default.
fn headers(receiver: &CallerKeys, body: &[u8]) -> Result<HeaderMap, String> {
    let signer = receiver
        .platform_signer(None)
        .ok_or("there is no key to sign it with")?;
    let stamp = Stamp {
        timestamp: real_now().as_second(),
        nonce: random::answer_nonce(),
    };
    let signed = signature_headers(receiver.scheme, &signer.id, &stamp, body, |message| {
        signer.key.sign_now(message)
    });
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    let request_id = (wechatpay::REQUEST_ID, random::request_id());
    let signed = signed.map_err(|error| error.to_string())?;
    for (name, value) in signed.into_iter().chain([request_id]) {
        let value = HeaderValue::try_from(value).map_err(|error| error.to_string())?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// The rest of the signature stays, so that it has the length of a real one.
fn make_probe(headers: &mut HeaderMap) {
    let Some(signature) = headers.get_mut(wechatpay::SIGNATURE) else {
        return;
    };
    let rest = signature
        .to_str()
        .ok()
        .and_then(|text| text.get(PROBE_PREFIX.len()..));
    let probe = format!("{PROBE_PREFIX}{}", rest.unwrap_or_default());
    if let Ok(probe) = HeaderValue::try_from(probe) {
        *signature = probe;
    }
}

async fn note(app: &App, owed: &Owed, outcome: Outcome) -> Result<(), StoreError> {
    let (now, _) = now(app).await?;
    let then = what_follows(app, owed, &outcome, now);
    let attempt = Attempt {
        time: Time::at(now),
        status: outcome.status,
        error: outcome.error,
    };
    app.store
        .note_attempt(&owed.brand_id, &owed.id, attempt, then)
        .await
}

fn what_follows(app: &App, owed: &Owed, outcome: &Outcome, now: Timestamp) -> Then {
    if outcome.error.is_none() {
        return Then::Delivered;
    }
    let failed = owed.attempts.iter().filter(|past| past.error.is_some());
    let failed = u32::try_from(failed.count()).unwrap_or(u32::MAX);
    let wait = app
        .notifier
        .settings
        .wait_after(&owed.event_type, failed.saturating_add(1));
    wait.and_then(|wait| now.checked_add(wait).ok())
        .map_or(Then::GiveUp, Then::Again)
}

fn log(error: &StoreError) {
    // It says what failed in the log, which is all that can be done here.
    let _ = failed(error);
}
