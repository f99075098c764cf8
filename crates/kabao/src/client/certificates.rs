//! The certificate download, checked with what it brings.

use std::sync::Arc;

use http::StatusCode;
use kabao_core::{
    answer::VerifyError,
    call::{Call, Method},
    certificate_list::{CertificateList, PATH},
    error_body::ErrorBody,
    keyring::{KeyId, PlatformKey},
    message::Signed,
};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::{
    Inner,
    accept::{refusal, verify},
    send::{Ask, after, within},
};
use crate::{
    answer::place_of,
    error::{Error, ErrorKind, Failure, Result},
};

const LIMIT: usize = 1 << 20;

pub(super) const NONE_IN_FORCE: &str = "no platform certificate is in force; check this machine's \
    clock, or give a current one, auto_certificates, or wechatpay_public_key";

/// What one download gave.
enum Download {
    /// Certificates under a signature that one of them, or a known key, made.
    Verified(Vec<PlatformKey>),
    /// Certificates under a signature by a key that is not among them.
    SignedByAnother(Vec<PlatformKey>, VerifyError),
    /// The merchant has only the public key.
    None,
}

impl Inner {
    /// Downloads the certificates, once for all who wait. The download has a
    /// deadline of its own and goes on when its first caller has given up.
    pub(super) async fn refresh_keys(self: &Arc<Self>, deadline: Instant) -> Result<()> {
        let client = Arc::clone(self);
        // Not in the task, which may begin when the one to share has ended.
        let seen = self.keys.finished();
        let refresh = tokio::spawn(
            async move {
                let download = async {
                    let deadline = after(client.timeout);
                    let keys = client.download_certificates(deadline).await?;
                    tracing::debug!(target: "kabao", certificates = keys.len(), "keys refreshed");
                    Ok(keys)
                };
                client
                    .keys
                    .refresh(seen, client.clock.now(), download)
                    .await
            }
            .in_current_span(),
        );
        let text = "the deadline passed before WeChat Pay's certificates came";
        within(deadline, &call()?, text, refresh)
            .await?
            .unwrap_or_else(|error| {
                let text = "the download of WeChat Pay's certificates was broken off";
                Err(Failure::new(ErrorKind::PlatformKeys, text)
                    .because(error)
                    .into())
            })
    }

    /// Looks for a key that an answer names. Whether it is there now.
    pub(super) async fn look_for(
        self: &Arc<Self>,
        serial: &KeyId,
        deadline: Instant,
    ) -> Result<bool> {
        let now = self.clock.now();
        if !self.keys.knows(serial) && self.keys.may_look_for(serial, now) {
            self.refresh_keys(deadline).await?;
            if !self.keys.knows(serial) {
                self.keys.looked_in_vain(serial, now);
            }
        }
        Ok(self.keys.knows(serial))
    }

    /// The server may sign the first answer with its public key, which a client
    /// that is only now looking for keys cannot check. What opens with the APIv3
    /// key is genuine, so the second request asks for one of those certificates.
    async fn download_certificates(&self, deadline: Instant) -> Result<Vec<PlatformKey>> {
        let keys = match self.download_once(Ask::None, deadline).await? {
            Download::Verified(keys) => return Ok(keys),
            Download::None => return Ok(Vec::new()),
            Download::SignedByAnother(keys, _) => keys,
        };
        let ring = self.keys.with(&keys);
        let Some(best) = ring.preferred(self.clock.now()) else {
            return if keys.is_empty() {
                Ok(keys)
            } else {
                Err(Failure::new(ErrorKind::PlatformKeys, NONE_IN_FORCE)
                    .on(&call()?)
                    .into())
            };
        };
        match self.download_once(Ask::Key(best.id()), deadline).await? {
            Download::Verified(keys) => Ok(keys),
            Download::None => Ok(Vec::new()),
            Download::SignedByAnother(_, error) => Err(distrusted(&call()?, error)),
        }
    }

    async fn download_once(&self, ask: Ask<'_>, deadline: Instant) -> Result<Download> {
        let Some(api_v3_key) = self.keys.api_v3_key() else {
            return Ok(Download::None);
        };
        let call = call()?;
        let received = self.exchange(&call, ask, LIMIT, deadline).await?;
        let response = &received.response;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND if says_there_are_none(response.body()) => {
                return Ok(Download::None);
            }
            _ => {
                let verified = verify(response, Signed::Body, &self.ring(), self.now()).is_ok();
                return Err(refusal(&call, &received, verified));
            }
        }
        let list: CertificateList = serde_json::from_slice(response.body()).map_err(|error| {
            let place = place_of(&error);
            let text = format!("the answer is not a list of certificates: {place}");
            Failure::new(ErrorKind::PlatformKeys, text).on(&call)
        })?;
        let keys = list
            .open(api_v3_key)
            .map_err(|error| {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                let text = format!("{error}: {}", cause.unwrap_or_default());
                Failure::new(ErrorKind::PlatformKeys, text)
                    .because(error)
                    .on(&call)
            })?
            .iter()
            .map(PlatformKey::certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| {
                Failure::new(ErrorKind::PlatformKeys, error.to_string())
                    .because(error)
                    .on(&call)
            })?;
        let ring = self.keys.with(&keys);
        match verify(response, Signed::Body, &ring, self.now()) {
            Ok(_) => Ok(Download::Verified(keys)),
            Err(error @ VerifyError::UnknownSerial { .. }) => {
                Ok(Download::SignedByAnother(keys, error))
            }
            Err(error) => Err(distrusted(&call, error)),
        }
    }
}

/// A page of something on the way says nothing about certificates. (The API
/// signs this with the public key, which may not be at hand.)
fn says_there_are_none(body: &[u8]) -> bool {
    ErrorBody::parse(body)
        .is_some_and(|body| ["RESOURCE_NOT_EXISTS", "NOT_FOUND"].contains(&body.code.as_str()))
}

fn distrusted(call: &Call, error: VerifyError) -> Error {
    let text = format!("the certificates cannot be believed: {error}");
    Failure::new(ErrorKind::Verification, text)
        .because(error)
        .on(call)
        .into()
}

fn call() -> Result<Call> {
    Ok(Call::to(PATH).build(Method::Get)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::{
        sync::{
            Arc,
            atomic::{AtomicBool, AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use super::{PATH, after};
    use crate::{
        Client, ClientBuilder, ErrorKind,
        clock::Clock as _,
        testing::{
            API_V3_KEY, By, Fake, HandClock, Replier, Reply, builder, certificate_list, keys,
            merchant, signed, signed_at, unsigned,
        },
        transport::Stage,
    };

    fn automatic(fake: &Arc<Fake>) -> ClientBuilder {
        Client::builder(merchant())
            .auto_certificates(API_V3_KEY)
            .retry(crate::RetryPolicy::default().backoff(Duration::from_millis(1)))
            .transport(fake.clone())
    }

    fn serial(index: usize) -> &'static str {
        &keys().certified[index].serial_no
    }

    /// A list with one certificate, signed with it at that time.
    fn list_at(now: i64) -> Reply {
        let Reply::Answer(list) = certificate_list(By::Certificate(0), &[0], API_V3_KEY) else {
            unreachable!("it is an answer");
        };
        let body = std::str::from_utf8(list.body()).unwrap();
        signed_at(By::Certificate(0), 200, body, now)
    }

    #[tokio::test]
    async fn certificates_are_downloaded_once_before_the_first_call() {
        let fake = Fake::slow(Duration::from_millis(20), |_, request| {
            match request.uri().path() {
                PATH => certificate_list(By::Certificate(0), &[0], API_V3_KEY),
                _ => signed(By::Certificate(0), 200, "{}"),
            }
        });
        let client = automatic(&fake).build().unwrap();
        let calls: Vec<_> = (0..20)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.chain("v3/x").get().await })
            })
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert_eq!(fake.count_of(PATH), 1);
        assert_eq!(fake.count_of("/v3/x"), 20);
        for request in fake
            .seen()
            .iter()
            .filter(|request| request.uri().path() != PATH)
        {
            assert_eq!(request.headers()["wechatpay-serial"], serial(0));
        }
    }

    #[tokio::test]
    async fn a_list_signed_with_the_public_key_is_asked_for_again() {
        let fake = Fake::new(|_, request| {
            let by = match request.headers().get("wechatpay-serial") {
                None => By::PublicKey,
                Some(_) => By::Certificate(1),
            };
            match request.uri().path() {
                PATH => certificate_list(by, &[0, 1], API_V3_KEY),
                _ => signed(by, 200, "{}"),
            }
        });
        automatic(&fake)
            .build()
            .unwrap()
            .chain("v3/x")
            .get()
            .await
            .unwrap();
        let seen = fake.seen();
        assert_eq!(seen.len(), 3);
        assert!(!seen[0].headers().contains_key("wechatpay-serial"));
        assert_eq!(seen[1].headers()["wechatpay-serial"], serial(1));
    }

    #[tokio::test]
    async fn a_list_that_does_not_verify_is_not_taken() {
        let wrong_signature = || match certificate_list(By::Certificate(0), &[0], API_V3_KEY) {
            Reply::Answer(mut response) => {
                let headers = response.headers_mut();
                headers.insert("wechatpay-nonce", "another".parse().unwrap());
                Reply::Answer(response)
            }
            other => other,
        };
        let other_key = "ffffffffffffffffffffffffffffffff";
        let cases: [(ErrorKind, &str, Replier); 5] = [
            (
                ErrorKind::Verification,
                "cannot be believed",
                Box::new(wrong_signature),
            ),
            (
                ErrorKind::Verification,
                "no WeChat Pay key named",
                Box::new(|| certificate_list(By::Stranger("4D"), &[0], API_V3_KEY)),
            ),
            (
                ErrorKind::PlatformKeys,
                "APIv3 key is another one",
                Box::new(move || certificate_list(By::Certificate(0), &[0], other_key)),
            ),
            (
                ErrorKind::PlatformKeys,
                "not a list",
                Box::new(|| unsigned(200, "<html>")),
            ),
            (
                ErrorKind::SignatureRefused,
                "401 SIGN_ERROR",
                Box::new(|| unsigned(401, r#"{"code":"SIGN_ERROR"}"#)),
            ),
        ];
        for (kind, words, reply) in cases {
            let fake = Fake::new(move |_, _| reply());
            let client = automatic(&fake).build().unwrap();
            let error = client.chain("v3/x").post().await.unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(words), "{error}");
            assert!(!error.may_have_taken_effect());
            assert_eq!(fake.count_of("/v3/x"), 0);
        }
    }

    #[tokio::test]
    async fn not_found_means_that_there_are_none() {
        for code in ["RESOURCE_NOT_EXISTS", "NOT_FOUND"] {
            let body = format!(r#"{{"code":"{code}","message":"无可用的平台证书"}}"#);
            let fake = Fake::new(move |_, request| match request.uri().path() {
                PATH => signed(By::PublicKey, 404, &body),
                "/v3/strange" => signed(By::Stranger("4E"), 200, "{}"),
                _ => signed(By::PublicKey, 200, "{}"),
            });
            let error = automatic(&fake)
                .build()
                .unwrap()
                .chain("v3/x")
                .get()
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PlatformKeys);
            assert!(
                error.to_string().contains("wechatpay_public_key"),
                "{error}"
            );

            let both = builder(&fake)
                .auto_certificates(API_V3_KEY)
                .build()
                .unwrap();
            both.chain("v3/x").get().await.unwrap();
            assert_eq!(fake.count_of(PATH), 1, "the public key is enough");
            let error = both.chain("v3/strange").get().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Verification);
            assert!(error.to_string().contains("named 4E"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_failed_download_is_tried_again_by_the_next_call() {
        let fails = Arc::new(AtomicBool::new(true));
        let failing = fails.clone();
        let fake = Fake::slow(Duration::from_millis(20), move |_, request| {
            match request.uri().path() {
                PATH if failing.load(Ordering::SeqCst) => Reply::Fails(Stage::Unsendable),
                PATH => certificate_list(By::Certificate(0), &[0], API_V3_KEY),
                _ => signed(By::Certificate(0), 200, "{}"),
            }
        });
        let client = automatic(&fake).build().unwrap();
        let chain = client.chain("v3/x");
        let (one, two) = tokio::join!(chain.get(), chain.get());
        assert!(one.is_err() && two.is_err());
        assert_eq!(fake.count(), 1, "those who wait share a failure too");
        fails.store(false, Ordering::SeqCst);
        chain.get().await.unwrap();
    }

    #[tokio::test]
    async fn an_unknown_serial_refreshes_once_for_a_hundred_calls() {
        let listed = Arc::new(AtomicUsize::new(0));
        let counting = listed.clone();
        let fake = Fake::slow(Duration::from_millis(30), move |_, request| {
            match request.uri().path() {
                PATH if counting.fetch_add(1, Ordering::SeqCst) == 0 => {
                    certificate_list(By::Certificate(0), &[0], API_V3_KEY)
                }
                PATH => certificate_list(By::Certificate(1), &[0, 1], API_V3_KEY),
                "/v3/before" => signed(By::Certificate(0), 200, "{}"),
                _ => signed(By::Certificate(1), 200, "{}"),
            }
        });
        let client = automatic(&fake).build().unwrap();
        client.chain("v3/before").get().await.unwrap();
        let calls: Vec<_> = (0..100)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.chain("v3/x").post().await })
            })
            .collect();
        for call in calls {
            assert_eq!(
                call.await.unwrap().unwrap().verified_by().as_str(),
                serial(1)
            );
        }
        assert_eq!(listed.load(Ordering::SeqCst), 2);
        assert_eq!(
            fake.count_of("/v3/x"),
            100,
            "answers are verified again, not fetched"
        );
    }

    #[tokio::test]
    async fn invented_serials_do_not_cause_a_download_each() {
        let clock = Arc::new(HandClock::default());
        let told = clock.clone();
        let fake = Fake::new(move |_, request| match request.uri().path() {
            PATH => list_at(told.now().as_second()),
            path => {
                let name = match path {
                    "/v3/x" => "4F",
                    "/v3/public" => "PUB_KEY_ID_4F",
                    _ => Box::leak(path[4..].to_owned().into_boxed_str()),
                };
                signed_at(By::Stranger(name), 200, "{}", told.now().as_second())
            }
        });
        let client = automatic(&fake).clock(clock.clone()).build().unwrap();
        for path in ["v3/x", "v3/public", "v3/x", "v3/public", "v3/x"] {
            let error = client.chain(path).get().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Verification);
        }
        assert_eq!(fake.count_of(PATH), 2, "the first one, and one that looked");
        clock.advance(31);
        client.chain("v3/x").get().await.unwrap_err();
        assert_eq!(fake.count_of(PATH), 3);
        for number in 0..20 {
            let path = format!("v3/A{number}");
            client.chain(&path).get().await.unwrap_err();
        }
        assert_eq!(fake.count_of(PATH), 10, "only so many at a time");
    }

    #[tokio::test]
    async fn an_invented_serial_does_not_hide_a_new_one() {
        let rotated = AtomicBool::new(false);
        let fake = Fake::new(move |_, request| match request.uri().path() {
            PATH if rotated.load(Ordering::SeqCst) => {
                certificate_list(By::Certificate(1), &[0, 1], API_V3_KEY)
            }
            PATH => certificate_list(By::Certificate(0), &[0], API_V3_KEY),
            "/v3/invented" => signed(By::Stranger("4F"), 200, "{}"),
            _ => {
                rotated.store(true, Ordering::SeqCst);
                signed(By::Certificate(1), 200, "{}")
            }
        });
        let client = automatic(&fake).build().unwrap();
        client.chain("v3/invented").get().await.unwrap_err();
        client.chain("v3/x").get().await.unwrap();
    }

    #[tokio::test]
    async fn those_who_wait_share_a_download_but_not_a_deadline() {
        let fake = Fake::slow(Duration::from_millis(100), |_, request| {
            match request.uri().path() {
                PATH => certificate_list(By::Certificate(0), &[0], API_V3_KEY),
                _ => signed(By::Certificate(0), 200, "{}"),
            }
        });
        let client = automatic(&fake).build().unwrap();
        let leader = client.inner.refresh_keys(after(Duration::from_millis(30)));
        let chain = client.chain("v3/x");
        let (leader, follower) = tokio::join!(leader, chain.get());
        assert_eq!(leader.unwrap_err().kind(), ErrorKind::Timeout);
        follower.unwrap();
        assert_eq!(fake.count_of(PATH), 1);
    }

    #[tokio::test]
    async fn certificates_are_kept_when_a_download_brings_none() {
        let cases: [(Option<ErrorKind>, Replier); 4] = [
            (
                None,
                Box::new(|| signed(By::Stranger("4F"), 404, r#"{"code":"NOT_FOUND"}"#)),
            ),
            (
                Some(ErrorKind::Gateway),
                Box::new(|| unsigned(404, "<html>")),
            ),
            (
                Some(ErrorKind::Gateway),
                Box::new(|| signed(By::Stranger("4F"), 500, "{}")),
            ),
            (
                Some(ErrorKind::Server),
                Box::new(|| signed(By::Certificate(0), 500, "{}")),
            ),
        ];
        for (kind, reply) in cases {
            let fake = Fake::new(move |number, request| match request.uri().path() {
                PATH if number == 0 => certificate_list(By::Certificate(0), &[0], API_V3_KEY),
                PATH => reply(),
                _ => signed(By::Certificate(0), 200, "{}"),
            });
            let client = automatic(&fake).build().unwrap();
            client.chain("v3/x").get().await.unwrap();
            let outcome = client.inner.refresh_keys(after(Duration::MAX)).await;
            assert_eq!(outcome.err().map(|error| error.kind()), kind);
            let count = fake.count_of(PATH);
            client.chain("v3/x").get().await.unwrap();
            assert_eq!(fake.count_of(PATH), count);
        }
    }

    #[tokio::test]
    async fn expired_certificates_are_not_none() {
        let clock = Arc::new(HandClock::default());
        clock.advance(20 * 366 * 86_400);
        let told = clock.clone();
        let fake = Fake::new(move |_, _| list_at(told.now().as_second()));
        let client = automatic(&fake).clock(clock).build().unwrap();
        let error = client.chain("v3/x").get().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PlatformKeys);
        let text = error.to_string();
        assert!(
            text.contains("no platform certificate is in force"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn old_certificates_are_renewed_while_they_serve() {
        let clock = Arc::new(HandClock::default());
        let told = clock.clone();
        let fake = Fake::new(move |_, request| {
            let now = told.now().as_second();
            match request.uri().path() {
                PATH => list_at(now),
                _ => signed_at(By::Certificate(0), 200, "{}", now),
            }
        });
        let client = automatic(&fake).clock(clock.clone()).build().unwrap();
        client.chain("v3/x").get().await.unwrap();
        clock.advance(9 * 3600);
        client.chain("v3/x").get().await.unwrap();
        assert_eq!(fake.count_of(PATH), 1);
        clock.advance(3600);
        for _ in 0..3 {
            client.chain("v3/x").get().await.unwrap();
        }
        for _ in 0..100 {
            if fake.count_of(PATH) == 2 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        client.chain("v3/x").get().await.unwrap();
        assert_eq!(fake.count_of(PATH), 2);
    }
}
