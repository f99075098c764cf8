//! A sandbox per test, and a client that speaks the protocol by hand.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use kabao_core::{
    PrivateKey, PublicKey, Sealed, Sensitive,
    answer::AnswerSignature,
    certificate::Certificate,
    keyring::{Keyring, PlatformKey},
    message,
    sensitive::{Opener as _, Sealer as _},
};
use kabao_sandbox::{Credentials, RateLimits, Sandbox, SandboxBuilder};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

pub const CODE: &str = "478515832665";
pub const CARD_ID: &str = "pbLatjvWOibDc5-TBnbUk1pD12o0";
pub const OPENID: &str = "obLatjnx9gnqzS4myYGmLZ7LgLBA";
pub const CARD_PATH: &str = "/v3/brand/partner/card-member/user-cards/478515832665";
pub const BRAND_CARD_PATH: &str = "/brand/card-member/user-cards/478515832665";

pub fn card_target() -> String {
    format!("{CARD_PATH}?brand_id=1004&card_id={CARD_ID}&openid={OPENID}")
}

/// Keys are made once for all tests; every test gets a copy of the folder.
fn made_folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let runtime = Runtime::new().unwrap();
            let builder = Sandbox::builder().data_dir(folder.path());
            let sandbox = runtime.block_on(builder.start()).unwrap();
            runtime.block_on(sandbox.stop());
            folder
        })
        .path()
}

/// A running sandbox with a folder of its own.
pub struct Running {
    pub folder: tempfile::TempDir,
    pub credentials: Credentials,
    pub address: SocketAddr,
    sandbox: Option<Sandbox>,
    runtime: Impatient,
}

/// A runtime that does not wait for its threads when it ends: one may be looking
/// up a name that nobody answers for.
struct Impatient(Option<Runtime>);

impl Impatient {
    fn new() -> Self {
        Self(Some(Runtime::new().unwrap()))
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.as_ref().unwrap().block_on(future)
    }
}

impl Drop for Impatient {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Running {
    pub fn start() -> Self {
        Self::with(|builder| builder.rate_limits(RateLimits::Off))
    }

    pub fn with(configure: impl FnOnce(SandboxBuilder) -> SandboxBuilder) -> Self {
        Self::in_folder(copied_folder(), configure)
    }

    pub fn in_folder(
        folder: tempfile::TempDir,
        configure: impl FnOnce(SandboxBuilder) -> SandboxBuilder,
    ) -> Self {
        let runtime = Impatient::new();
        let builder = configure(Sandbox::builder().data_dir(folder.path()));
        let sandbox = runtime.block_on(builder.start()).unwrap();
        Self {
            credentials: sandbox.credentials().clone(),
            address: sandbox.address(),
            folder,
            sandbox: Some(sandbox),
            runtime,
        }
    }

    /// Stops cleanly and gives the folder back.
    pub fn stop(mut self) -> tempfile::TempDir {
        if let Some(sandbox) = self.sandbox.take() {
            self.runtime.block_on(sandbox.stop());
        }
        self.folder
    }

    pub fn merchant(&self) -> Signer<'_> {
        let own = &self.credentials.merchant;
        Signer {
            address: self.address,
            scheme: "WECHATPAY2-SHA256-RSA2048",
            item: "mchid",
            identity: &own.mchid,
            serial_no: &own.serial_no,
            key: PrivateKey::from_pem(&*own.private_key_pem).unwrap(),
            wechatpay_serial: Some(own.wechatpay_public_key_id.clone()),
        }
    }

    pub fn brand(&self) -> Signer<'_> {
        let own = &self.credentials.brand;
        Signer {
            address: self.address,
            scheme: "WECHATPAY-BRAND-SHA256-RSA2048",
            item: "brand_id",
            identity: &own.brand_id,
            serial_no: &own.serial_no,
            key: PrivateKey::from_pem(&*own.private_key_pem).unwrap(),
            wechatpay_serial: Some(own.wechatpay_public_key_id.clone()),
        }
    }

    /// Everything WeChat Pay may sign with towards the merchant and the brand.
    pub fn keyring(&self) -> Keyring {
        let merchant = &self.credentials.merchant;
        let brand = &self.credentials.brand;
        let public_key =
            |id: &str, pem: &str| PlatformKey::public_key(id, PublicKey::from_pem(pem).unwrap());
        let certificate = Certificate::from_pem(&merchant.platform_certificate_pem).unwrap();
        Keyring::from_iter([
            public_key(
                &merchant.wechatpay_public_key_id,
                &merchant.wechatpay_public_key_pem,
            ),
            public_key(
                &brand.wechatpay_public_key_id,
                &brand.wechatpay_public_key_pem,
            ),
            PlatformKey::certificate(&certificate).unwrap(),
        ])
    }

    /// The name of the key that signed the answer, which must verify.
    pub fn verified(&self, answer: &Answer) -> String {
        let signature = AnswerSignature::from_headers(|name| answer.header(name)).unwrap();
        let keys = self.keyring();
        let key = signature.verify(&answer.body, &keys, unix_now()).unwrap();
        key.id().to_string()
    }

    pub fn seal(&self, value: &str) -> String {
        seal_for(&self.credentials.merchant.wechatpay_public_key_pem, value)
    }

    pub fn seal_as_brand(&self, value: &str) -> String {
        seal_for(&self.credentials.brand.wechatpay_public_key_pem, value)
    }

    pub fn control(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = Request::new(method, path)
            .header("Content-Type", "application/json")
            .body(body);
        request.send(self.address)
    }

    pub fn control_ok(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let answer = self.control(method, path, body);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// The newest entry of the journal.
    pub fn last_request(&self) -> Value {
        self.control_ok("GET", "/_sandbox/requests?limit=1", None)["data"][0].clone()
    }
}

fn seal_for(public_key_pem: &str, value: &str) -> String {
    let key = PublicKey::from_pem(public_key_pem).unwrap();
    let sealed = key.seal(&Sensitive::from(value)).unwrap();
    sealed.as_str().to_owned()
}

pub fn copied_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(made_folder()).unwrap() {
        let from: PathBuf = entry.unwrap().path();
        if from.is_file() {
            std::fs::copy(&from, folder.path().join(from.file_name().unwrap())).unwrap();
        }
    }
    folder
}

/// Who signs, and how it is asked to be answered.
pub struct Signer<'a> {
    pub address: SocketAddr,
    pub scheme: &'static str,
    pub item: &'static str,
    pub identity: &'a str,
    pub serial_no: &'a str,
    pub key: PrivateKey,
    pub wechatpay_serial: Option<String>,
}

impl Signer<'_> {
    pub fn get(&self, target: &str) -> Answer {
        self.request("GET", target, "").send(self.address)
    }

    pub fn patch(&self, target: &str, body: &Value) -> Answer {
        self.request("PATCH", target, &body.to_string())
            .send(self.address)
    }

    pub fn send(&self, method: &str, target: &str, body: &str) -> Answer {
        self.request(method, target, body).send(self.address)
    }

    /// A request that is right in everything; tests then spoil it.
    pub fn request(&self, method: &str, target: &str, body: &str) -> Request {
        let authorization = self.authorization(method, target, body);
        self.bare(method, target, body)
            .header("Authorization", &authorization)
    }

    /// Everything but Authorization.
    pub fn bare(&self, method: &str, target: &str, body: &str) -> Request {
        let mut request = Request::new(method, target)
            .header("Accept", "application/json")
            .header("User-Agent", "kabao-tests")
            .body(body);
        if !body.is_empty() {
            request = request.header("Content-Type", "application/json");
        }
        match &self.wechatpay_serial {
            Some(serial) => request.header("Wechatpay-Serial", serial),
            None => request,
        }
    }

    pub fn authorization(&self, method: &str, target: &str, body: &str) -> String {
        self.authorization_over(|timestamp, nonce| {
            message::request(method, target, timestamp, nonce, body.as_bytes())
        })
    }

    /// A header over any message, with the right timestamp and a fresh nonce.
    pub fn authorization_over(&self, message: impl FnOnce(&str, &str) -> Vec<u8>) -> String {
        let (timestamp, nonce) = (unix_now().to_string(), nonce());
        let signature = self.key.sign_now(&message(&timestamp, &nonce)).unwrap();
        self.header_of(
            &timestamp,
            &nonce,
            &kabao_core::signature::encode(&signature),
        )
    }

    pub fn header_of(&self, timestamp: &str, nonce: &str, signature: &str) -> String {
        let Self {
            scheme,
            item,
            identity,
            serial_no,
            ..
        } = self;
        format!(
            r#"{scheme} {item}="{identity}",nonce_str="{nonce}",signature="{signature}",timestamp="{timestamp}",serial_no="{serial_no}""#
        )
    }

    pub fn open(&self, value: &Value) -> String {
        let sealed = Sealed::from_wire(value.as_str().unwrap());
        self.key.open(&sealed).unwrap().expose().to_owned()
    }
}

pub fn unix_now() -> i64 {
    #[allow(clippy::disallowed_methods, reason = "a client's clock")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

pub fn nonce() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    format!("{:032}", COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// A request as bytes on a socket.
#[derive(Debug, Clone)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            headers: vec![("Host".into(), "127.0.0.1".into())],
            body: Vec::new(),
        }
    }

    /// Adds a header, also a second of the same name.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn send(&self, address: SocketAddr) -> Answer {
        let (answer, end) = self.exchange(address);
        end.unwrap();
        Answer::parse(&answer)
    }

    /// All that comes back, and how the connection ends.
    pub fn exchange(&self, address: SocketAddr) -> (Vec<u8>, io::Result<()>) {
        let mut answer = Vec::new();
        let end = self.started(address).read_to_end(&mut answer);
        (answer, end.map(drop))
    }

    /// Sends it in as many pieces, with a pause after each.
    pub fn sent_in(&self, address: SocketAddr, pieces: usize, pause: Duration) -> Answer {
        let mut stream = TcpStream::connect(address).unwrap();
        let bytes = self.bytes();
        for piece in bytes.chunks(bytes.len().div_ceil(pieces)) {
            stream.write_all(piece).unwrap();
            std::thread::sleep(pause);
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        Answer::parse(&answer)
    }

    /// A connection on which it was sent.
    pub fn started(&self, address: SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        stream.write_all(&self.bytes()).unwrap();
        stream
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        let length = self.body.len();
        bytes.extend_from_slice(
            format!("Content-Length: {length}\r\nConnection: close\r\n\r\n").as_bytes(),
        );
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn parse(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap();
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        Self {
            status,
            headers,
            body: bytes[end + 4..].to_vec(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let name = name.to_lowercase();
        self.headers
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    /// What was asked for.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.json());
        self.json()
    }

    /// A refusal of one member, by its name or pointer.
    #[track_caller]
    pub fn blames(&self, field: &str) {
        let body = self.json();
        assert_eq!(self.refusal(), (400, "PARAM_ERROR".into()), "{body}");
        assert_eq!(body["detail"]["field"], field, "{body}");
    }

    /// A refusal that blames no member.
    #[track_caller]
    pub fn is_refused(&self, status: u16, code: &str) {
        assert_eq!(self.refusal(), (status, code.into()), "{}", self.json());
    }

    /// Status and code of a refusal.
    pub fn refusal(&self) -> (u16, String) {
        (
            self.status,
            self.json()["code"].as_str().unwrap_or_default().to_owned(),
        )
    }

    pub fn is_unsigned(&self) -> bool {
        !self
            .headers
            .iter()
            .any(|(name, _)| name.starts_with("wechatpay-"))
    }
}

/// The ids of a change, without what to change.
pub fn change(members: Value) -> Value {
    let mut body = json!({"brand_id": "1004", "openid": OPENID});
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

pub fn patch_target() -> String {
    format!("{CARD_PATH}?card_id={CARD_ID}")
}

/// Asks for a self-test that also goes to a `notify_url`.
pub fn echo(running: &Running, notify_url: &str) -> Answer {
    let body = json!({
        "echo_message": "你好",
        "encrypted_echo_message": running.seal("密语"),
        "notify_url": notify_url,
    });
    let merchant = running.merchant();
    merchant.send("POST", "/v3/security/echo", &body.to_string())
}

/// The same, which is accepted.
pub fn echoed(running: &Running, notify_url: &str) {
    let answer = echo(running, notify_url);
    assert_eq!(answer.status, 200, "{answer:?}");
}
