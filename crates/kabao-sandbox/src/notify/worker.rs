//! Delivers what the outbox owes, from any process that has the store open.
//!
//! An entry that is due is leased before it is tried, so that of several
//! processes one tries it; a lease that ends, because its process died, leaves
//! the entry to the next. Nothing is posted that could outlast its lease. When an
//! entry is due is told by the sandbox's clock, how long a lease holds by the real
//! one, which nobody moves.

use std::{collections::HashMap, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, Method, header};
use jiff::{SignedDuration, Timestamp};
use kabao_core::{answer::header as wechatpay, time::Time};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::timeout,
};

use super::{
    Notifier,
    address::Address,
    post::{Outcome, PATIENCE},
};
use crate::{
    app::{App, failed},
    clock::{business_time, real_now, real_wait},
    faults::{Kind, Occasion, Part, Strike, posted_body, signature_headers},
    journal::Entry,
    keys::{CallerKeys, Keys},
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

/// How many are posted at once.
const AT_ONCE: usize = 64;

/// How many of them to one receiver.
const TO_ONE: usize = 16;

/// How many are leased at once, those that wait for a place included, and how many
/// of them wait for one receiver.
const LEASED: usize = 4 * WAITING;
const WAITING: usize = 1_024;

const USER_AGENT: &str = concat!("kabao-sandbox/", env!("CARGO_PKG_VERSION"));

/// Above what an attempt may take, held and posted twice.
const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// Delivers until `stop` turns true or its sender is gone, then lets running
/// attempts end.
pub(crate) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut attempts = JoinSet::new();
    let mut places = Places::new();
    loop {
        let room = (LEASED - attempts.len()).min(AT_ONCE);
        let wait = match lease(&app, room).await {
            Ok((leased, wait)) => {
                outage::went_well();
                for owed in leased {
                    let Some((one, all)) = places.of(&owed.notify_url) else {
                        continue;
                    };
                    let (app, stop) = (Arc::clone(&app), stop.clone());
                    attempts.spawn(async move {
                        // They are never closed.
                        let _places = (one.acquire().await, all.acquire().await);
                        attempt(app, owed, stop).await;
                    });
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
    if timeout(2 * PATIENCE, ended).await.is_err() {
        tracing::warn!("some notifications were broken off; they are tried again");
    }
}

/// The places for posting, a share for each receiver, so that one that is silent
/// holds up no other. It is done here and not by the store, which does not know a
/// receiver from its address.
struct Places {
    all: Arc<Semaphore>,
    /// By what the address has for host and port.
    of_one: HashMap<String, Arc<Semaphore>>,
}

impl Places {
    fn new() -> Self {
        Self {
            all: Arc::new(Semaphore::new(AT_ONCE)),
            of_one: HashMap::new(),
        }
    }

    /// Where to wait for a place at that receiver, and then for one among all;
    /// `None` if too many wait for that receiver: then an entry is left to its
    /// lease, behind which others come first.
    fn of(&mut self, notify_url: &str) -> Option<(Arc<Semaphore>, Arc<Semaphore>)> {
        // Nobody waits for the others any more.
        self.of_one.retain(|_, one| Arc::strong_count(one) > 1);
        let receiver = notify_url.split('/').nth(2).unwrap_or_default();
        let one = self.of_one.entry(receiver.to_owned());
        let one = one.or_insert_with(|| Arc::new(Semaphore::new(TO_ONE)));
        let is_full = Arc::strong_count(one) > TO_ONE + WAITING;
        (!is_full).then(|| (Arc::clone(one), Arc::clone(&self.all)))
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
    let Some(outcome) = post(&app, &owed, &stop).await else {
        tracing::debug!(id = owed.id, "left to whoever leases it next");
        return;
    };
    // What a receiver answers may tell of a person.
    tracing::debug!(
        id = owed.id,
        event_type = owed.event_type,
        status = outcome.status,
        error = outcome.unanswered(),
        "notified",
    );
    // Without that the lease ends, and it is tried again: at least once. Why is in
    // the log.
    let _ = note(&app, &owed, outcome).await;
}

/// How it went; `None` if the lease does not last for it.
async fn post(app: &App, owed: &Owed, stop: &watch::Receiver<bool>) -> Option<Outcome> {
    let Notifier {
        settings, poster, ..
    } = &app.notifier;
    let address = match Address::parse(&owed.notify_url, settings.https_only) {
        Ok(address) => address,
        Err(issue) => return Some(Outcome::failed(format!("refused: notify_url {issue}"))),
    };
    let is_there = |keys: &Keys| keys.caller(owed.scheme, &owed.identity).is_some();
    let keys = app.current.keys_having(is_there).await;
    let keys = keys.unwrap_or_else(|_| app.keys());
    let Some(sender) = keys.caller(owed.scheme, &owed.identity) else {
        return Some(Outcome::failed("the receiver has no keys here"));
    };
    let sockets = match timeout(PATIENCE, address.resolve(settings)).await {
        Ok(Ok(sockets)) => sockets,
        Ok(Err(error)) => return Some(Outcome::failed(error)),
        Err(_) => return Some(Outcome::failed("the host's name was not found within 5 s")),
    };
    if !lasts(owed, PATIENCE) {
        return None;
    }
    let occasion = Occasion::notification(&address.path, &owed.identity);
    let clock = app.faults.skew(&occasion).await;
    let strike = app.faults.strike(&occasion).await.under(&clock);
    let request_id = random::request_id();
    let begun = real_now();
    let body = posted_body(&owed.body, &strike);
    let once = async || match headers(sender, &body, &request_id, &strike) {
        Ok(headers) => poster.post(&address, &sockets, headers, body.clone()).await,
        Err(error) => Outcome::failed(error),
    };
    pause(strike.wait(), stop).await;
    let way = strike.of(Part::Way);
    let times = match way {
        Some(Kind::Reset { .. }) => 0,
        Some(Kind::Duplicate {}) => 2,
        _ => 1,
    };
    if !lasts(owed, times * PATIENCE) {
        return None;
    }
    let mut outcome = Outcome::failed("it was lost on the way, as ordered");
    let mut unanswered = None;
    for _ in 0..times {
        outcome = once().await;
        unanswered = unanswered.or_else(|| outcome.unanswered().map(ToOwned::to_owned));
    }
    if matches!(way, Some(Kind::LostAnswer { .. })) && outcome.status.is_some() {
        outcome = Outcome::failed("the receiver's answer was lost, as ordered");
    }
    let faults = strike.noted_of_a_post(unanswered.as_deref());
    let faults: Vec<_> = clock.noted().into_iter().chain(faults).collect();
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
    Some(outcome)
}

/// Whether it is ours for so long: by now somebody else may have leased it.
fn lasts(owed: &Owed, long: Duration) -> bool {
    let end = real_now().checked_add(long);
    end.is_ok_and(|end| owed.leased_until.is_some_and(|until| end <= until))
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
    let noted = app.store.note_attempt(owed, attempt, then).await;
    noted.map_err(|error| failed(&error))
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

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use std::{io, net::TcpListener};

    use kabao_core::signature::Scheme;

    use super::*;
    use crate::{
        sample,
        store::{Needs, OwedState},
    };

    /// A notification to that address, leased for so long.
    async fn leased(app: &App, notify_url: String, lease: SignedDuration) -> Owed {
        let now = real_now();
        let owed = Owed {
            brand_id: sample::BRAND_ID.into(),
            id: "a".into(),
            card_id: None,
            event_type: "SECURITY_ECHO.SUCCESS".into(),
            notify_url,
            body: b"{}".to_vec(),
            scheme: Scheme::Wechatpay2Sha256Rsa2048,
            identity: sample::MCHID.into(),
            create_time: now,
            state: OwedState::Pending,
            attempts: Vec::new(),
            next_attempt: Some(now),
            leased_until: None,
        };
        let owing = app
            .store
            .decide(Needs::of(sample::BRAND_ID), move |workspace| {
                workspace.owe(owed.clone());
                Ok(())
            });
        owing.await.expect("owed").expect("not refused");
        let leased = app.store.lease_due(now, now, lease, 1).await;
        leased.expect("leased").remove(0)
    }

    #[tokio::test]
    async fn nothing_is_posted_that_could_outlast_its_lease() {
        let app = App::sample().await;
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("taken");
        let address = listener.local_addr().expect("an address");
        // As if it had been held up before it came to it.
        let left = SignedDuration::from_secs(4);
        let owed = leased(&app, format!("http://{address}/"), left).await;
        let (_stop, stopped) = watch::channel(false);
        attempt(Arc::clone(&app), owed, stopped).await;
        let came = listener.accept().map(drop).map_err(|error| error.kind());
        assert_eq!(came, Err(io::ErrorKind::WouldBlock));
        let entry = app.store.notification("a").await.expect("read");
        let entry = entry.expect("it is there");
        assert!(entry.attempts.is_empty() && entry.leased_until.is_some());
    }
}
