//! From a call to bytes that came back: tries, waits, hosts, the deadline.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Response;
use kabao_core::{
    call::Call,
    keyring::{KeyId, Keyring},
    message::Signed,
};
use tokio::{
    runtime::Handle,
    time::{Instant, sleep, timeout_at},
};

use super::{
    Host, Inner,
    accept::{Refusal, verify},
    certificates::NONE_IN_FORCE,
    prepare::random,
};
use crate::{
    error::{Error, ErrorKind, Failure, Result},
    transport::{Stage, TransportError},
};

/// An answer of whatever status, not verified yet.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) response: Response<Bytes>,
    /// Whether an earlier try may have been carried out.
    pub(super) in_doubt: bool,
}

/// Which key the answer is to be signed with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ask<'a> {
    /// The best one at hand.
    Best,
    /// The server's choice.
    None,
    /// This one.
    Key(&'a KeyId),
}

/// Why a try brought no answer.
#[derive(Debug)]
enum Silence {
    TimedOut { whole_call: bool },
    Transport(TransportError),
}

impl Silence {
    fn may_have_been_sent(&self) -> bool {
        match self {
            Self::TimedOut { .. } => true,
            Self::Transport(error) => error.may_have_been_sent(),
        }
    }

    /// Whether the network is to blame, so that another try or host may help.
    fn is_network(&self) -> bool {
        match self {
            Self::TimedOut { whole_call } => !whole_call,
            Self::Transport(error) => matches!(error.stage(), Stage::Connecting | Stage::Sent),
        }
    }
}

/// Where the tries of one call stand.
struct Progress {
    host: Host,
    /// Whether the other host was turned to.
    turned: bool,
    tried: u32,
    retried: u32,
    in_doubt: bool,
}

type Outcome = Result<Response<Bytes>, Silence>;

impl Inner {
    /// Sends until there is an answer that is worth having, or no time left.
    pub(super) async fn exchange(
        &self,
        call: &Call,
        ask: Ask<'_>,
        limit: usize,
        deadline: Instant,
    ) -> Result<Received> {
        let mut progress = Progress {
            host: self.hosts.first(self.now()),
            turned: false,
            tried: 0,
            retried: 0,
            in_doubt: false,
        };
        loop {
            progress.tried += 1;
            let outcome = self
                .attempt(call, ask, limit, deadline, &progress)
                .await
                .map_err(|error| error.after_doubt(call, progress.in_doubt))?;
            let Some(wait) = self.wait_before_next(call, &mut progress, &outcome, deadline)? else {
                return self.conclude(call, outcome, &progress);
            };
            progress.in_doubt |= self.is_doubtful(&outcome);
            announce(&progress, wait, &outcome);
            if !wait.is_zero() {
                sleep(wait).await;
            }
        }
    }

    /// Signs and sends once.
    async fn attempt(
        &self,
        call: &Call,
        ask: Ask<'_>,
        limit: usize,
        deadline: Instant,
        progress: &Progress,
    ) -> Result<Outcome> {
        let base = self.hosts.base(progress.host);
        let late = "the deadline passed before the request was sent";
        let request = within(deadline, call, late, async {
            if let Some(pace) = &self.pace {
                pace.wait().await;
            }
            let ring = self.ring();
            let serial = match ask {
                Ask::Best => ring.preferred(self.clock.now()).map(|key| key.id()),
                Ask::None => None,
                Ask::Key(id) => Some(id),
            };
            self.prepare(call, base, serial).await
        })
        .await??;
        tracing::debug!(
            target: "kabao",
            method = %call.method,
            template = %call.template,
            host = base.origin(),
            attempt = progress.tried,
            "sent",
        );
        let patience = if call.repeatable && progress.retried < self.retry.retries {
            deadline.min(after(self.retry.attempt_timeout))
        } else {
            deadline
        };
        let sending = self.transport.send(request.into_request(), limit);
        Ok(match timeout_at(patience, sending).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(Silence::Transport(error)),
            Err(_) => Err(Silence::TimedOut {
                whole_call: patience == deadline,
            }),
        })
    }

    /// How long to wait before trying again, or `None` if that is not allowed.
    fn wait_before_next(
        &self,
        call: &Call,
        progress: &mut Progress,
        outcome: &Outcome,
        deadline: Instant,
    ) -> Result<Option<Duration>> {
        let policy = &self.retry;
        let tried = progress.tried;
        let wait = match outcome {
            Ok(response) if call.repeatable => {
                policy.wait_after(response.status(), response.headers(), tried)
            }
            Ok(_) => None,
            Err(silence) if !silence.is_network() => None,
            Err(silence) if silence.may_have_been_sent() && !call.repeatable => None,
            Err(_) => {
                if !progress.turned
                    && Instant::now() < deadline
                    && let Some(other) = self.hosts.turn_from(progress.host, self.now())
                {
                    progress.turned = true;
                    progress.host = other;
                    // A backup host is there to be turned to, so this does not
                    // count as a retry.
                    return Ok(Some(Duration::ZERO));
                }
                Some(policy.wait(tried))
            }
        };
        let Some(wait) = wait.filter(|_| progress.retried < policy.retries) else {
            return Ok(None);
        };
        // Many clients must not come back at once.
        let wait = wait.saturating_add(wait / 512 * u32::from(random()?[0]));
        if after(wait) >= deadline {
            return Ok(None);
        }
        progress.retried += 1;
        tracing::Span::current().record("retries", progress.retried);
        Ok(Some(wait))
    }

    /// Whether a try may have been carried out.
    fn is_doubtful(&self, outcome: &Outcome) -> bool {
        match outcome {
            Ok(response) => {
                let verified = verify(response, Signed::Body, &self.ring(), self.now()).is_ok();
                Refusal::read(response, verified).is_doubtful()
            }
            Err(silence) => silence.may_have_been_sent(),
        }
    }

    /// What the last try brought, in the light of those before it.
    fn conclude(&self, call: &Call, outcome: Outcome, progress: &Progress) -> Result<Received> {
        let in_doubt = progress.in_doubt;
        let silence = match outcome {
            Ok(response) => return Ok(Received { response, in_doubt }),
            Err(silence) => silence,
        };
        let in_doubt = in_doubt || silence.may_have_been_sent();
        let tries = match progress.tried {
            1 => String::new(),
            more => format!(", tried {more} times"),
        };
        let failure = match silence {
            Silence::TimedOut { whole_call } => {
                let text = if whole_call {
                    format!("no answer within {:?}{tries}", self.timeout)
                } else {
                    let limit = self.retry.attempt_timeout;
                    format!("no answer within {limit:?}{tries}, and no time for another try")
                };
                Failure::new(ErrorKind::Timeout, text)
            }
            Silence::Transport(error) => {
                let (kind, what) = match error.stage() {
                    Stage::Unsendable => (ErrorKind::Request, "the request cannot be sent"),
                    Stage::Connecting => (ErrorKind::Connect, "no connection"),
                    Stage::Sent => (ErrorKind::Network, "the connection broke"),
                    Stage::Answered => (ErrorKind::Network, "the answer is unusable"),
                };
                Failure::new(kind, format!("{what}: {error}{tries}")).because(error)
            }
        };
        Err(failure.on(call).in_doubt(call, in_doubt).into())
    }

    /// The ring with a key in it that is in force, downloaded first if need be.
    pub(super) async fn ready(self: &Arc<Self>, deadline: Instant) -> Result<Arc<Keyring>> {
        use crate::auth::State;
        let now = self.clock.now();
        let (ring, state) = self.keys.current(now);
        match state {
            State::Ready => return Ok(ring),
            State::Stale => {
                if self.keys.take_background_turn(now) {
                    let client = Arc::clone(self);
                    tokio::spawn(async move {
                        // The certificates at hand still serve.
                        if let Err(error) = client.refresh_keys(after(Duration::MAX)).await {
                            tracing::warn!(target: "kabao", %error, "keys not refreshed");
                        }
                    });
                }
                return Ok(ring);
            }
            // Boxed, as it is rare and would make every call's future large.
            State::Missing => Box::pin(self.refresh_keys(deadline)).await?,
            State::Hopeless => {}
        }
        match self.keys.current(self.clock.now()) {
            (ring, State::Ready | State::Stale) => Ok(ring),
            (ring, _) if ring.is_empty() => Err(Error::new(
                ErrorKind::PlatformKeys,
                "this merchant has no platform certificates; give the WeChat Pay public key \
                 with wechatpay_public_key(id, pem)",
            )),
            _ => Err(Error::new(ErrorKind::PlatformKeys, NONE_IN_FORCE)),
        }
    }

    /// What answers are checked with just now.
    pub(super) fn ring(&self) -> Arc<Keyring> {
        self.keys.ring()
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// When a call that begins now has to be over.
    pub(crate) fn deadline(&self) -> Result<Instant> {
        if Handle::try_current().is_err() {
            let text = "the client needs a Tokio runtime; without one, use kabao::blocking \
                        (feature `blocking`)";
            return Err(Error::new(ErrorKind::Config, text));
        }
        Ok(after(self.timeout))
    }
}

pub(super) fn after(time: Duration) -> Instant {
    let now = Instant::now();
    // An absurd timeout means none.
    now.checked_add(time)
        .unwrap_or(now + Duration::from_secs(30 * 365 * 86_400))
}

/// `future`, unless the call's deadline comes first, which `text` then says.
pub(super) async fn within<T>(
    deadline: Instant,
    call: &Call,
    text: &str,
    future: impl Future<Output = T>,
) -> Result<T> {
    timeout_at(deadline, future)
        .await
        .map_err(|_| Failure::new(ErrorKind::Timeout, text).on(call).into())
}

fn announce(progress: &Progress, wait: Duration, outcome: &Outcome) {
    let reason = match outcome {
        Ok(response) => response.status().to_string(),
        Err(Silence::TimedOut { .. }) => "no answer in time".to_owned(),
        Err(Silence::Transport(error)) => error.to_string(),
    };
    tracing::debug!(
        target: "kabao",
        attempt = progress.tried,
        wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        reason,
        "retrying",
    );
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::time::Duration;

    use crate::{
        ErrorKind, RetryPolicy,
        testing::{By, Fake, Replier, Reply, builder, client, is_signed, keys, signed, unsigned},
        transport::Stage,
    };

    fn ok() -> Reply {
        signed(By::PublicKey, 200, "{}")
    }

    fn limited(code: &str) -> Reply {
        signed(By::PublicKey, 429, &format!(r#"{{"code":"{code}"}}"#))
    }

    #[tokio::test]
    async fn reads_are_tried_again_and_signed_anew() {
        keys();
        let fake = Fake::slow(Duration::from_millis(1), |number, _| match number {
            0 => unsigned(502, "<html>"),
            1 => Reply::Fails(Stage::Sent),
            _ => ok(),
        });
        client(&fake).chain("v3/x").get().await.unwrap();
        let seen = fake.seen();
        assert_eq!(seen.len(), 3);
        assert!(seen.iter().all(is_signed));
        let authorization = |index: usize| &seen[index].headers()["authorization"];
        assert_ne!(authorization(0), authorization(1));
        assert_ne!(authorization(1), authorization(2));

        let fake = Fake::new(|_, _| signed(By::PublicKey, 503, r#"{"code":"BUSY"}"#));
        let error = client(&fake).chain("v3/x").get().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Server);
        assert_eq!(fake.count(), 3, "two more times at most");

        let fake = Fake::new(|_, _| signed(By::PublicKey, 404, r#"{"code":"NONE"}"#));
        client(&fake).chain("v3/x").get().await.unwrap_err();
        assert_eq!(fake.count(), 1, "a refusal is final");
    }

    #[tokio::test]
    async fn what_may_be_applied_twice_is_tried_again_only_if_it_never_left() {
        let cases: [(usize, bool, Option<ErrorKind>, Replier); 5] = [
            (2, false, None, Box::new(|| Reply::Fails(Stage::Connecting))),
            (
                1,
                true,
                Some(ErrorKind::Network),
                Box::new(|| Reply::Fails(Stage::Sent)),
            ),
            (
                1,
                true,
                Some(ErrorKind::Network),
                Box::new(|| Reply::Fails(Stage::Answered)),
            ),
            (
                1,
                false,
                Some(ErrorKind::Request),
                Box::new(|| Reply::Fails(Stage::Unsendable)),
            ),
            (
                1,
                true,
                Some(ErrorKind::Gateway),
                Box::new(|| unsigned(503, "")),
            ),
        ];
        for (count, effect, kind, reply) in cases {
            let fake = Fake::new(move |number, _| if number == 0 { reply() } else { ok() });
            let outcome = client(&fake).chain("v3/x").post().await;
            assert_eq!(fake.count(), count, "{kind:?}");
            assert_eq!(outcome.as_ref().err().map(crate::Error::kind), kind);
            if let Err(error) = outcome {
                assert_eq!(error.may_have_taken_effect(), effect, "{error}");
                let hopeless = ["cannot be sent", "is unusable"];
                let hopeless = hopeless
                    .iter()
                    .any(|words| error.to_string().contains(words));
                assert_eq!(error.is_retryable(), !hopeless, "{error}");
            }
        }
        // Nobody listens at all.
        let fake = Fake::new(|_, _| Reply::Fails(Stage::Connecting));
        let error = client(&fake).chain("v3/x").post().await.unwrap_err();
        assert_eq!((error.kind(), fake.count()), (ErrorKind::Connect, 3));
        assert!(error.is_retryable() && !error.may_have_taken_effect());
        assert!(
            error
                .get_ref()
                .unwrap()
                .is::<crate::transport::TransportError>()
        );
    }

    #[tokio::test]
    async fn doubt_about_an_earlier_try_is_not_forgotten() {
        let fake = Fake::new(|number, _| match number {
            0 => Reply::Fails(Stage::Sent),
            _ => signed(By::PublicKey, 400, r#"{"code":"INVALID_REQUEST"}"#),
        });
        let chain = client(&fake).chain("v3/x").repeatable(true);
        let error = chain.patch().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.may_have_taken_effect());
        assert!(!error.is_retryable());

        // The last answer and those before it are judged alike.
        let cases: [(bool, Replier); 4] = [
            (true, Box::new(|| limited("FREQUENCY_LIMITED"))),
            (false, Box::new(|| limited("RATELIMIT_EXCEEDED"))),
            (true, Box::new(|| unsigned(429, "{}"))),
            (true, Box::new(|| unsigned(503, ""))),
        ];
        for (in_doubt, first) in cases {
            let fake = Fake::new(move |number, _| match number {
                0 => first(),
                _ => signed(By::PublicKey, 400, r#"{"code":"INVALID_REQUEST"}"#),
            });
            let chain = client(&fake).chain("v3/x").repeatable(true);
            let error = chain.post().await.unwrap_err();
            assert_eq!(fake.count(), 2);
            assert_eq!(error.may_have_taken_effect(), in_doubt, "{error}");
        }
    }

    #[tokio::test]
    async fn a_policy_can_forbid_retries() {
        let fake = Fake::new(|_, _| unsigned(503, ""));
        let client = builder(&fake).retry(RetryPolicy::none()).build().unwrap();
        client.chain("v3/x").get().await.unwrap_err();
        assert_eq!(fake.count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_outlasts_the_deadline() {
        let fake = Fake::new(|_, _| Reply::Never);
        let client = builder(&fake)
            .timeout(Duration::from_millis(200))
            .build()
            .unwrap();
        let start = tokio::time::Instant::now();
        let error = client.chain("v3/x").post().await.unwrap_err();
        assert!(start.elapsed() <= Duration::from_millis(201));
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.may_have_taken_effect() && error.is_retryable());
        assert!(error.to_string().contains("200ms"), "{error}");
        assert!(
            !client
                .chain("v3/x")
                .get()
                .await
                .unwrap_err()
                .may_have_taken_effect()
        );

        // A wait that does not fit is not begun.
        let fake = Fake::new(
            |_, _| match signed(By::PublicKey, 429, r#"{"code":"RATE"}"#) {
                Reply::Answer(mut response) => {
                    response
                        .headers_mut()
                        .insert("retry-after", "18446744073709551615".parse().unwrap());
                    Reply::Answer(response)
                }
                other => other,
            },
        );
        let error = crate::testing::client(&fake)
            .chain("v3/x")
            .get()
            .await
            .unwrap_err();
        assert_eq!((error.kind(), fake.count()), (ErrorKind::RateLimited, 1));

        // Neither is a call while others have their turn.
        let fake = Fake::new(|_, _| ok());
        let client = builder(&fake)
            .rate_limit(1)
            .timeout(Duration::from_millis(100))
            .build()
            .unwrap();
        let chain = client.chain("v3/x");
        let mut last = Ok(());
        for _ in 0..4 {
            last = chain.post().await.map(|_| ());
        }
        let error = last.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(!error.may_have_taken_effect());

        // No timeout at all is not a panic.
        let client = builder(&Fake::new(|_, _| ok()))
            .timeout(Duration::MAX)
            .build()
            .unwrap();
        client.chain("v3/x").get().await.unwrap();
    }

    #[tokio::test]
    async fn a_try_that_hangs_gives_way_to_the_next() {
        let fake = Fake::new(|number, _| if number == 0 { Reply::Never } else { ok() });
        let policy = RetryPolicy::default().attempt_timeout(Duration::from_millis(50));
        let client = builder(&fake).retry(policy).build().unwrap();
        client.chain("v3/x").get().await.unwrap();
        assert_eq!(fake.count(), 2);

        // Unless there is no time for it.
        let fake = Fake::new(|_, _| Reply::Never);
        let client = builder(&fake)
            .retry(policy.backoff(Duration::from_secs(60)))
            .timeout(Duration::from_secs(2))
            .build()
            .unwrap();
        let error = client.chain("v3/x").get().await.unwrap_err();
        assert_eq!((error.kind(), fake.count()), (ErrorKind::Timeout, 1));
        let words = "no answer within 50ms, and no time for another try";
        assert!(error.to_string().contains(words), "{error}");
    }

    #[tokio::test]
    async fn the_backup_host_serves_when_the_network_fails() {
        let fake = Fake::new(|_, request| match request.uri().host() {
            Some("api.mch.weixin.qq.com") => Reply::Fails(Stage::Connecting),
            _ => ok(),
        });
        let client = builder(&fake)
            .backup_base_url("https://api2.mch.weixin.qq.com/")
            .retry(RetryPolicy::none())
            .build()
            .unwrap();
        client.chain("v3/x").post().await.unwrap();
        client.chain("v3/x").post().await.unwrap();
        let hosts: Vec<_> = fake
            .seen()
            .iter()
            .map(|request| request.uri().host().unwrap().to_owned())
            .collect();
        let (main, backup) = ("api.mch.weixin.qq.com", "api2.mch.weixin.qq.com");
        assert_eq!(hosts, [main, backup, backup], "it stays there for a while");
        assert!(fake.seen().iter().all(is_signed));

        // Where neither is reached, each call turns once.
        let fake = Fake::new(|_, _| Reply::Fails(Stage::Connecting));
        let client = builder(&fake)
            .backup_base_url("https://api2.mch.weixin.qq.com/")
            .retry(RetryPolicy::none())
            .build()
            .unwrap();
        for _ in 0..2 {
            client.chain("v3/x").post().await.unwrap_err();
        }
        let hosts: Vec<_> = fake
            .seen()
            .iter()
            .map(|request| request.uri().host().unwrap().to_owned())
            .collect();
        assert_eq!(hosts, [main, backup, backup, main]);
    }

    #[tokio::test]
    async fn the_backup_host_is_not_for_error_answers() {
        let fake = Fake::new(|_, _| signed(By::PublicKey, 500, r#"{"code":"SYSTEM_ERROR"}"#));
        let client = builder(&fake)
            .backup_base_url("https://api2.mch.weixin.qq.com/")
            .build()
            .unwrap();
        client.chain("v3/x").get().await.unwrap_err();
        let main = Some("api.mch.weixin.qq.com");
        assert!(
            fake.seen()
                .iter()
                .all(|request| request.uri().host() == main)
        );

        // And a request that may have arrived is not sent there again.
        let fake = Fake::new(|_, _| Reply::Fails(Stage::Sent));
        let client = builder(&fake)
            .backup_base_url("https://api2.mch.weixin.qq.com/")
            .build()
            .unwrap();
        client.chain("v3/x").post().await.unwrap_err();
        assert_eq!(fake.count(), 1);
    }

    #[test]
    fn without_a_runtime_there_is_an_error_and_no_panic() {
        use std::{
            future::Future as _,
            pin::pin,
            task::{Context, Poll, Waker},
        };
        let client = client(&Fake::new(|_, _| ok()));
        let chain = client.chain("v3/x");
        let mut call = pin!(chain.get());
        let Poll::Ready(outcome) = call.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        else {
            unreachable!("it cannot wait for anything");
        };
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("kabao::blocking"), "{error}");
    }
}
