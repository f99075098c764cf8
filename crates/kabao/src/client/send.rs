//! From a call to bytes that came back: tries, waits, hosts, the deadline.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Response;
use kabao_core::{
    call::Call,
    keyring::{KeyId, Keyring},
};
use tokio::{
    runtime::Handle,
    time::{Instant, sleep, timeout_at},
};

use super::{Inner, prepare::random};
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

impl Inner {
    /// Sends until there is an answer that is worth having, or no time left.
    pub(super) async fn exchange(
        &self,
        call: &Call,
        ask: Ask<'_>,
        limit: usize,
        deadline: Instant,
    ) -> Result<Received> {
        let mut host = self.hosts.first(self.now());
        let mut turned = false;
        let mut in_doubt = false;
        let mut retried = 0;
        for tried in 1_u32.. {
            let base = self.hosts.base(host);
            let request = within(deadline, call, in_doubt, async {
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
            .await?
            .map_err(|error| error.after_doubt(call, in_doubt))?
            .into_request();
            tracing::debug!(
                target: "kabao",
                method = %call.method,
                template = %call.template,
                host = base.origin(),
                attempt = tried,
                "sent",
            );

            let may_retry = retried < self.retry.retries;
            let patience = if may_retry && call.repeatable {
                deadline.min(after(self.retry.attempt_timeout))
            } else {
                deadline
            };
            let sending = self.transport.send(request, limit);
            let outcome = match timeout_at(patience, sending).await {
                Ok(Ok(response)) => Ok(response),
                Ok(Err(error)) => Err(Silence::Transport(error)),
                Err(_) => Err(Silence::TimedOut {
                    whole_call: patience == deadline,
                }),
            };

            let jitter = random()?[0];
            let wait = match &outcome {
                Ok(response) if may_retry && call.repeatable => {
                    let status = response.status();
                    self.retry
                        .wait_after(status, response.headers(), tried, jitter)
                }
                Ok(_) => None,
                Err(silence) if !silence.is_network() => None,
                Err(silence) if silence.may_have_been_sent() && !call.repeatable => None,
                Err(_) => match self.hosts.other(host, self.now()) {
                    Some(other) if !turned => {
                        // Being turned to is what a backup host is for, so it
                        // does not count as a retry.
                        turned = true;
                        host = other;
                        in_doubt |= doubtful(&outcome);
                        announce(tried, Duration::ZERO, &outcome);
                        continue;
                    }
                    _ => may_retry.then(|| self.retry.wait(tried, jitter)),
                },
            };
            match (wait, outcome) {
                (Some(wait), outcome) if after(wait) < deadline => {
                    in_doubt |= doubtful(&outcome);
                    announce(tried, wait, &outcome);
                    retried += 1;
                    sleep(wait).await;
                }
                (_, Ok(response)) => return Ok(Received { response, in_doubt }),
                (_, Err(silence)) => {
                    return Err(silent(call, silence, in_doubt, tried, self.timeout));
                }
            }
        }
        // `tried` would have to overflow first.
        Err(Error::request(call, "tried too often"))
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
                        let deadline = after(client.timeout);
                        // The certificates at hand still serve.
                        if let Err(error) = client.refresh_keys(deadline).await {
                            tracing::warn!(target: "kabao", %error, "keys not refreshed");
                        }
                    });
                }
                return Ok(ring);
            }
            State::Missing => self.refresh_keys(deadline).await?,
            State::Hopeless => {}
        }
        match self.keys.current(self.clock.now()) {
            (ring, State::Ready | State::Stale) => Ok(ring),
            (_, State::Missing) => Err(Error::new(
                ErrorKind::PlatformKeys,
                "this merchant has no platform certificates; give the WeChat Pay public key \
                 with wechatpay_public_key(id, pem)",
            )),
            (_, State::Hopeless) => Err(Error::new(
                ErrorKind::PlatformKeys,
                "no platform certificate is in force; give a current one, auto_certificates, \
                 or wechatpay_public_key",
            )),
        }
    }

    /// What answers are checked with just now.
    pub(super) fn ring(&self) -> Arc<Keyring> {
        self.keys.current(self.clock.now()).0
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// When a call that begins now has to be over.
    pub(super) fn deadline(&self) -> Result<Instant> {
        if Handle::try_current().is_err() {
            let text = "the client needs a Tokio runtime; without one, use kabao::blocking \
                        (feature `blocking`)";
            return Err(Error::new(ErrorKind::Config, text));
        }
        Ok(after(self.timeout))
    }
}

fn after(time: Duration) -> Instant {
    let now = Instant::now();
    // An absurd timeout means none.
    now.checked_add(time)
        .unwrap_or(now + Duration::from_secs(30 * 365 * 86_400))
}

/// `future`, unless the call's deadline comes first.
pub(super) async fn within<T>(
    deadline: Instant,
    call: &Call,
    in_doubt: bool,
    future: impl Future<Output = T>,
) -> Result<T> {
    timeout_at(deadline, future).await.map_err(|_| {
        Failure::new(
            ErrorKind::Timeout,
            "the deadline passed before the request was sent",
        )
        .on(call)
        .in_doubt(call, in_doubt)
        .into()
    })
}

fn doubtful(outcome: &Result<Response<Bytes>, Silence>) -> bool {
    match outcome {
        Ok(response) => response.status().is_server_error(),
        Err(silence) => silence.may_have_been_sent(),
    }
}

fn announce(tried: u32, wait: Duration, outcome: &Result<Response<Bytes>, Silence>) {
    let reason = match outcome {
        Ok(response) => response.status().to_string(),
        Err(Silence::TimedOut { .. }) => "no answer in time".to_owned(),
        Err(Silence::Transport(error)) => error.to_string(),
    };
    tracing::debug!(
        target: "kabao",
        attempt = tried,
        wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        reason,
        "retrying",
    );
}

fn silent(call: &Call, silence: Silence, in_doubt: bool, tried: u32, timeout: Duration) -> Error {
    let in_doubt = in_doubt || silence.may_have_been_sent();
    let tries = match tried {
        1 => String::new(),
        more => format!(", tried {more} times"),
    };
    let failure = match silence {
        Silence::TimedOut { .. } => {
            let text = format!("no answer within {timeout:?}{tries}");
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
    failure.on(call).in_doubt(call, in_doubt).into()
}
