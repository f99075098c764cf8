//! Delivers what the outbox owes, from any process that has the store open.
//!
//! An entry that is due is leased before it is tried, so that of several
//! processes one tries it; a lease that ends, because its process died, leaves
//! the entry to the next. When an entry is due is told by the sandbox's clock,
//! how long a lease holds by the real one, which nobody moves.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, Method, header};
use jiff::{SignedDuration, Timestamp};
use kabao_core::{answer::header as wechatpay, time::Time};
use tokio::{sync::watch, task::JoinSet};

use super::{
    address::Address,
    post::{Outcome, PATIENCE},
};
use crate::{
    app::{App, failed},
    clock::{business_time, real_now, real_wait},
    faults::{Kind, Occasion, Part, Strike, posted_body, signature_headers},
    journal::Entry,
    keys::CallerKeys,
    outage, random,
    refusal::Refusal,
    store::{Attempt, Owed, StoreError, Then},
    wire::pause,
};

/// How often to look at least for what became due: another process may have
/// written it, or moved the clock.
const POLL: Duration = Duration::from_millis(500);

/// How often at most, however fast the clock runs.
const PAUSE: Duration = Duration::from_millis(10);

/// How many are tried at once.
const AT_ONCE: usize = 64;

const USER_AGENT: &str = concat!("kabao-sandbox/", env!("CARGO_PKG_VERSION"));

/// Above what an attempt may take, held and posted twice.
const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// Delivers until `stop` turns true or its sender is gone, then lets running
/// attempts end.
pub(crate) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut attempts = JoinSet::new();
    loop {
        let wait = match lease(&app, AT_ONCE - attempts.len()).await {
            Ok((leased, wait)) => {
                outage::went_well();
                for owed in leased {
                    attempts.spawn(attempt(Arc::clone(&app), owed, stop.clone()));
                }
                wait
            }
            Err(error) => {
                // It says what failed in the log, which is all that can be done here.
                let _ = failed(&error);
                POLL
            }
        };
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            _ = attempts.join_next(), if !attempts.is_empty() => {}
            () = app.notifier.woken() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
    let ended = async { while attempts.join_next().await.is_some() {} };
    if tokio::time::timeout(2 * PATIENCE, ended).await.is_err() {
        tracing::warn!("some notifications were broken off; they are tried again");
    }
}

/// What is to be tried now, and how long to wait before looking again.
async fn lease(app: &App, room: usize) -> Result<(Vec<Owed>, Duration), StoreError> {
    let (clock, real) = (app.store.clock().await?, real_now());
    let now = business_time(clock, real);
    match app.store.next_due(real).await? {
        Some(due) if due <= now && room > 0 => {
            let leased = app.store.lease_due(now, real, LEASE, room).await?;
            // More may be due, or be so soon.
            Ok((leased, PAUSE))
        }
        Some(due) if due > now => {
            let wait = real_wait(clock, real, due).unwrap_or(POLL);
            Ok((Vec::new(), wait.clamp(PAUSE, POLL)))
        }
        // Nothing is owed, or those under way come first.
        _ => Ok((Vec::new(), POLL)),
    }
}

async fn attempt(app: Arc<App>, owed: Owed, stop: watch::Receiver<bool>) {
    let outcome = post(&app, &owed, &stop).await;
    // What a receiver answers may tell of a person.
    let unanswered = outcome.error.as_ref();
    let unanswered = unanswered.filter(|_| outcome.status.is_none());
    tracing::debug!(
        id = owed.id,
        event_type = owed.event_type,
        status = outcome.status,
        error = unanswered,
        "notified",
    );
    // Without that the lease ends, and it is tried again: at least once. Why is in
    // the log.
    let _ = note(&app, &owed, outcome).await;
}

async fn post(app: &App, owed: &Owed, stop: &watch::Receiver<bool>) -> Outcome {
    let notifier = &app.notifier;
    let address = match Address::parse(&owed.notify_url, notifier.settings.https_only) {
        Ok(address) => address,
        Err(issue) => return Outcome::failed(format!("refused: notify_url {issue}")),
    };
    let keys = app.current.keys().await.unwrap_or_else(|_| app.keys());
    let Some(sender) = keys.caller(owed.scheme, &owed.identity) else {
        return Outcome::failed("the receiver has no keys here");
    };
    let occasion = Occasion::notification(&address.path, &owed.identity);
    let clock = app.faults.skew(&occasion).await;
    let strike = app.faults.strike(&occasion).await.under(&clock);
    let request_id = random::request_id();
    let begun = real_now();
    let body = posted_body(&owed.body, &strike);
    let once = async || match headers(sender, &body, &request_id, &strike) {
        Ok(headers) => {
            let settings = &notifier.settings;
            let posted = notifier
                .poster
                .post(&address, settings, headers, body.clone());
            posted.await
        }
        Err(error) => Outcome::failed(error),
    };
    pause(strike.wait(), stop).await;
    let outcome = match strike.of(Part::Way) {
        Some(Kind::Reset { .. }) => Outcome::failed("it was lost on the way, as ordered"),
        Some(Kind::LostAnswer { .. }) => {
            once().await;
            Outcome::failed("the receiver's answer was lost, as ordered")
        }
        Some(Kind::Duplicate {}) => {
            once().await;
            once().await
        }
        _ => once().await,
    };
    let faults: Vec<_> = clock.noted().into_iter().chain(strike.noted()).collect();
    app.metrics.befallen("notification", &faults);
    if !faults.is_empty() {
        app.journal.note(Entry {
            status: outcome.status,
            caller: Some(Arc::clone(sender)),
            faults,
            notification: Some(owed.id.clone()),
            ..Entry::new(request_id, begun, Method::POST, address.path)
        });
    }
    outcome
}

/// Signed anew on every attempt.
fn headers(
    receiver: &CallerKeys,
    body: &[u8],
    request_id: &str,
    strike: &Strike,
) -> Result<HeaderMap, String> {
    let signer = receiver
        .notification_signer()
        .ok_or("there is no key to sign it with")?;
    let signed = signature_headers(receiver.scheme, signer, body, strike);
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    let request_id = (wechatpay::REQUEST_ID, request_id.to_owned());
    let signed = signed.map_err(|error| error.to_string())?;
    for (name, value) in signed.into_iter().chain([request_id]) {
        let value = HeaderValue::try_from(value).map_err(|error| error.to_string())?;
        headers.insert(name, value);
    }
    Ok(headers)
}

async fn note(app: &App, owed: &Owed, outcome: Outcome) -> Result<(), Refusal> {
    let now = app.now().await?;
    let then = what_follows(app, owed, &outcome, now);
    app.metrics.attempted(&owed.event_type, then);
    let attempt = Attempt {
        time: Time::at(now),
        status: outcome.status,
        error: outcome.error,
    };
    let noted = app
        .store
        .note_attempt(&owed.brand_id, &owed.id, attempt, then);
    noted.await.map_err(|error| failed(&error))
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
