//! The certificate download, checked with what it brings.

use http::StatusCode;
use kabao_core::{
    answer::VerifyError,
    call::{Call, Method},
    certificate_list::{CertificateList, PATH},
    keyring::{KeyId, PlatformKey},
    message::Signed,
};
use tokio::time::Instant;

use super::{
    Inner,
    accept::{refusal, verify},
    send::{Ask, within},
};
use crate::error::{Error, ErrorKind, Failure, Result};

const LIMIT: usize = 1 << 20;

/// What one download gave.
enum Download {
    /// Certificates under a signature that one of them, or a known key, made.
    Verified(Vec<PlatformKey>),
    /// Certificates under a signature by a key that is not among them.
    SignedByAnother(Vec<PlatformKey>, VerifyError),
    /// 404: the merchant has only the public key.
    None,
}

impl Inner {
    /// Downloads the certificates, once for all who wait.
    pub(super) async fn refresh_keys(&self, deadline: Instant) -> Result<()> {
        let download = async {
            let keys = self.download_certificates(deadline).await?;
            tracing::debug!(target: "kabao", certificates = keys.len(), "keys refreshed");
            Ok(keys)
        };
        let refresh = self.keys.refresh(self.clock.now(), download);
        within(deadline, &call()?, refresh).await?
    }

    /// Looks for a key that an answer names. Whether it is there now.
    pub(super) async fn look_for(&self, serial: &KeyId, deadline: Instant) -> Result<bool> {
        let now = self.clock.now();
        if !self.keys.may_look_for(serial, now) {
            return Ok(false);
        }
        if !self.keys.knows(serial) {
            self.refresh_keys(deadline).await?;
        }
        let found = self.keys.knows(serial);
        if !found {
            self.keys.looked_in_vain(now);
        }
        Ok(found)
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
            return Ok(Vec::new());
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
            StatusCode::NOT_FOUND => return Ok(Download::None),
            _ => return Err(refusal(&call, &received, is_signed(response))),
        }
        let list: CertificateList = serde_json::from_slice(response.body()).map_err(|error| {
            let text = format!("the answer is not a list of certificates: {error}");
            Failure::new(ErrorKind::PlatformKeys, text)
                .because(error)
                .on(&call)
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

fn is_signed<B>(response: &http::Response<B>) -> bool {
    response
        .headers()
        .contains_key(kabao_core::answer::header::SIGNATURE)
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

    use super::PATH;
    use crate::{
        Client, ClientBuilder, ErrorKind,
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
            PATH => match certificate_list(By::Certificate(0), &[0], API_V3_KEY) {
                Reply::Answer(response) => {
                    use crate::clock::Clock as _;
                    let body = std::str::from_utf8(response.body()).unwrap();
                    signed_at(By::Certificate(0), 200, body, told.now().as_second())
                }
                other => other,
            },
            _ => {
                use crate::clock::Clock as _;
                signed_at(By::Stranger("4F"), 200, "{}", told.now().as_second())
            }
        });
        let client = automatic(&fake).clock(clock.clone()).build().unwrap();
        for _ in 0..5 {
            let error = client.chain("v3/x").get().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Verification);
        }
        assert_eq!(fake.count_of(PATH), 2, "the first one, and one that looked");
        clock.advance(31);
        client.chain("v3/x").get().await.unwrap_err();
        assert_eq!(fake.count_of(PATH), 3);
    }

    #[tokio::test]
    async fn old_certificates_are_renewed_while_they_serve() {
        use crate::clock::Clock as _;
        let clock = Arc::new(HandClock::default());
        let told = clock.clone();
        let fake = Fake::new(move |_, request| {
            let now = told.now().as_second();
            match request.uri().path() {
                PATH => match certificate_list(By::Certificate(0), &[0], API_V3_KEY) {
                    Reply::Answer(response) => {
                        let body = std::str::from_utf8(response.body()).unwrap();
                        signed_at(By::Certificate(0), 200, body, now)
                    }
                    other => other,
                },
                _ => signed_at(By::Certificate(0), 200, "{}", now),
            }
        });
        let client = automatic(&fake).clock(clock.clone()).build().unwrap();
        client.chain("v3/x").get().await.unwrap();
        clock.advance(11 * 3600);
        client.chain("v3/x").get().await.unwrap();
        assert_eq!(fake.count_of(PATH), 1);
        clock.advance(2 * 3600);
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
