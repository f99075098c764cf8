//! The other side of the wire for tests: a transport that answers as it is
//! told, with genuine signatures.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use kabao_core::{
    ApiV3Key, PrivateKey,
    answer::signature_headers,
    authorization::{Authorization, Stamp},
    certificate::Certificate,
    certificate_list::{ASSOCIATED_DATA, CertificateList, ListedCertificate},
    keyring::KeyId,
    message,
    resource::EncryptedResource,
    signature::{Scheme, Verifier as _, decode},
};

use crate::{
    Brand, Client, ClientBuilder, Credentials, Merchant,
    clock::{Clock, SystemClock},
    transport::{Sending, Stage, Transport, TransportError},
};

pub(crate) const API_V3_KEY: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const SERIAL_NO: &str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1";
pub(crate) const PUBLIC_KEY_ID: &str = "PUB_KEY_ID_0119000000012024120900000000000001";

/// Made once: a key takes 0.2 s.
pub(crate) struct Keys {
    pub(crate) merchant: PrivateKey,
    pub(crate) platform: PrivateKey,
    /// Two platform certificates, an older and a newer one.
    pub(crate) certified: [Certified; 2],
}

pub(crate) struct Certified {
    pub(crate) key: PrivateKey,
    pub(crate) pem: String,
    pub(crate) serial_no: String,
}

pub(crate) fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| Keys {
        merchant: PrivateKey::generate().unwrap(),
        platform: PrivateKey::generate().unwrap(),
        certified: [certify(0x4A), certify(0x4B)],
    })
}

/// Who signs an answer.
#[derive(Clone, Copy)]
pub(crate) enum By {
    PublicKey,
    Certificate(usize),
    /// A key nobody knows, under this name.
    Stranger(&'static str),
}

impl By {
    pub(crate) fn id(self) -> KeyId {
        match self {
            Self::PublicKey => KeyId::new(PUBLIC_KEY_ID),
            Self::Certificate(index) => KeyId::new(keys().certified[index].serial_no.as_str()),
            Self::Stranger(name) => KeyId::new(name),
        }
    }

    pub(crate) fn key(self) -> &'static PrivateKey {
        match self {
            Self::PublicKey => &keys().platform,
            Self::Certificate(index) => &keys().certified[index].key,
            Self::Stranger(_) => &keys().merchant,
        }
    }
}

/// What the other side does with one request.
pub(crate) enum Reply {
    Answer(Response<Bytes>),
    Fails(Stage),
    Never,
}

/// Gives replies, one like the other.
pub(crate) type Replier = Box<dyn Fn() -> Reply + Send + Sync>;

/// Unix seconds.
pub(crate) fn now() -> i64 {
    SystemClock.now().as_second()
}

/// A signed answer.
pub(crate) fn signed(by: By, status: u16, body: &str) -> Reply {
    signed_at(by, status, body, now())
}

pub(crate) fn signed_at(by: By, status: u16, body: &str, timestamp: i64) -> Reply {
    let mut response = plain(status, body);
    sign(&mut response, by, body.as_bytes(), timestamp);
    Reply::Answer(response)
}

pub(crate) fn sign(response: &mut Response<Bytes>, by: By, message: &[u8], timestamp: i64) {
    let stamp = Stamp::new(timestamp, &[7; 32]);
    let scheme = Scheme::Wechatpay2Sha256Rsa2048;
    let headers = signature_headers(scheme, &by.id(), &stamp, message, |message| {
        by.key().sign_now(message)
    })
    .unwrap();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
}

/// An answer without a signature.
pub(crate) fn plain(status: u16, body: &str) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header("Request-ID", "08F5B8C2B506-0")
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

pub(crate) fn unsigned(status: u16, body: &str) -> Reply {
    Reply::Answer(plain(status, body))
}

/// What `/v3/certificates` answers, with these certificates in it.
pub(crate) fn certificate_list(by: By, indices: &[usize], api_v3_key: &str) -> Reply {
    let key = ApiV3Key::new(api_v3_key).unwrap();
    let data = indices.iter().map(|index| {
        let Certified { pem, serial_no, .. } = &keys().certified[*index];
        let encrypted =
            EncryptedResource::seal(&key, "0123456789ab", ASSOCIATED_DATA, pem.as_bytes());
        ListedCertificate {
            serial_no: serial_no.clone(),
            effective_time: "2020-01-01T00:00:00+08:00".into(),
            expire_time: "2040-01-01T00:00:00+08:00".into(),
            encrypt_certificate: encrypted.unwrap(),
        }
    });
    let list = CertificateList {
        data: data.collect(),
    };
    signed(by, 200, &serde_json::to_string(&list).unwrap())
}

type Script = dyn Fn(usize, &Request<Bytes>) -> Reply + Send + Sync;

/// Answers as the script says, which gets the number of the request, from 0.
pub(crate) struct Fake {
    script: Box<Script>,
    seen: Mutex<Vec<Request<Bytes>>>,
    delay: Duration,
}

impl Fake {
    pub(crate) fn new(
        script: impl Fn(usize, &Request<Bytes>) -> Reply + Send + Sync + 'static,
    ) -> Arc<Self> {
        Self::slow(Duration::ZERO, script)
    }

    pub(crate) fn slow(
        delay: Duration,
        script: impl Fn(usize, &Request<Bytes>) -> Reply + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            script: Box::new(script),
            seen: Mutex::default(),
            delay,
        })
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Request<Bytes>> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub(crate) fn count_of(&self, path: &str) -> usize {
        self.seen()
            .iter()
            .filter(|request| request.uri().path() == path)
            .count()
    }
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

impl Transport for Fake {
    fn send(&self, request: Request<Bytes>, _limit: usize) -> Sending<'_> {
        Box::pin(async move {
            let reply = {
                let mut seen = self.seen.lock().unwrap();
                seen.push(request);
                (self.script)(seen.len() - 1, seen.last().unwrap())
            };
            if !self.delay.is_zero() {
                tokio::time::sleep(self.delay).await;
            }
            match reply {
                Reply::Answer(response) => Ok(response),
                Reply::Fails(stage) => Err(TransportError::new(stage, "told to fail")),
                Reply::Never => std::future::pending().await,
            }
        })
    }
}

/// A clock that is set by hand.
#[derive(Debug, Default)]
pub(crate) struct HandClock(AtomicI64);

impl HandClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        let seconds = now() + self.0.load(Ordering::SeqCst);
        Timestamp::from_second(seconds).unwrap()
    }
}

pub(crate) fn merchant() -> Merchant {
    Merchant::new("1900000001", SERIAL_NO, keys().merchant.clone())
}

/// A merchant's client with the public key, over this transport.
pub(crate) fn builder(fake: &Arc<Fake>) -> ClientBuilder {
    builder_of(merchant(), fake)
}

/// The same of brand 1004.
pub(crate) fn brand_builder(fake: &Arc<Fake>) -> ClientBuilder {
    builder_of(Brand::new("1004", SERIAL_NO, keys().merchant.clone()), fake)
}

fn builder_of(credentials: impl Into<Credentials>, fake: &Arc<Fake>) -> ClientBuilder {
    Client::builder(credentials)
        .wechatpay_public_key(PUBLIC_KEY_ID, keys().platform.public_key().to_spki_pem())
        .retry(crate::RetryPolicy::default().backoff(Duration::from_millis(1)))
        .transport(Arc::<Fake>::clone(fake))
}

pub(crate) fn client(fake: &Arc<Fake>) -> Client {
    builder(fake).build().unwrap()
}

pub(crate) fn brand_client(fake: &Arc<Fake>) -> Client {
    brand_builder(fake).build().unwrap()
}

/// A client that always gets this one reply.
pub(crate) fn client_getting(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Client {
    client(&Fake::new(move |_, _| reply()))
}

/// Whether the merchant's key signed exactly this request.
pub(crate) fn is_signed(request: &Request<Bytes>) -> bool {
    let header = request.headers()["authorization"].to_str().unwrap();
    let authorization: Authorization = header.parse().unwrap();
    let message = message::request(
        request.method().as_str(),
        request.uri().path_and_query().unwrap().as_str(),
        &authorization.timestamp,
        &authorization.nonce,
        request.body(),
    );
    let signature = decode(&authorization.signature).unwrap();
    authorization.identity == "1900000001"
        && authorization.serial_no == SERIAL_NO
        && keys().merchant.public_key().verifies(&message, &signature)
}

fn certify(first_byte: u8) -> Certified {
    let key = PrivateKey::generate().unwrap();
    let pair = rcgen::KeyPair::from_pem_and_sign_algo(
        &key.to_pkcs8_pem().unwrap(),
        &rcgen::PKCS_RSA_SHA256,
    );
    let mut parameters = rcgen::CertificateParams::default();
    parameters.serial_number = Some(vec![first_byte; 20].into());
    parameters.not_before = rcgen::date_time_ymd(2020, 1, first_byte - 0x49);
    parameters.not_after = rcgen::date_time_ymd(2040, 1, 1);
    let pem = parameters.self_signed(&pair.unwrap()).unwrap().pem();
    let serial_no = Certificate::from_pem(&pem).unwrap().serial_no().to_owned();
    Certified {
        key,
        pem,
        serial_no,
    }
}
