//! One sandbox for the tests that only read, one of its own for the others.

use std::sync::OnceLock;

use kabao::{Client, card_member::UserCardKey};
use kabao_sandbox::{Credentials, RateLimits, Sandbox};
use serde_json::Value;
use tokio::runtime::Runtime;

pub const CARD_PATH: &str = "v3/brand/partner/card-member/user-cards/{user_card_code}";

/// Keys take a while to make, so there is one folder of them; every test runs
/// its own sandbox on a copy.
pub struct World {
    pub credentials: Credentials,
    _folder: tempfile::TempDir,
    _sandbox: Sandbox,
    runtime: Runtime,
}

impl World {
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub fn with(
        configure: impl FnOnce(kabao_sandbox::SandboxBuilder) -> kabao_sandbox::SandboxBuilder,
    ) -> Self {
        static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
        let runtime = Runtime::new().unwrap();
        let made = MADE.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let sandbox = runtime.block_on(Sandbox::builder().data_dir(folder.path()).start());
            runtime.block_on(sandbox.unwrap().stop());
            folder
        });
        let folder = tempfile::tempdir().unwrap();
        for name in ["sandbox.db", "master.key"] {
            std::fs::copy(made.path().join(name), folder.path().join(name)).unwrap();
        }
        let builder = Sandbox::builder()
            .data_dir(folder.path())
            .rate_limits(RateLimits::Off);
        let sandbox = runtime.block_on(configure(builder).start()).unwrap();
        Self {
            credentials: sandbox.credentials().clone(),
            _folder: folder,
            _sandbox: sandbox,
            runtime,
        }
    }

    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub fn merchant(&self) -> Client {
        kabao_e2e::merchant(&self.credentials)
            .unwrap()
            .build()
            .unwrap()
    }

    pub fn brand(&self) -> Client {
        kabao_e2e::brand(&self.credentials)
            .unwrap()
            .build()
            .unwrap()
    }

    pub fn key(&self) -> UserCardKey {
        let Credentials {
            user_card_code,
            card_id,
            openid,
            ..
        } = &self.credentials;
        UserCardKey::new(user_card_code, card_id, openid)
    }

    pub fn query(&self) -> [(&'static str, String); 3] {
        [
            ("brand_id", "1004".into()),
            ("card_id", self.credentials.card_id.clone()),
            ("openid", self.credentials.openid.clone()),
        ]
    }

    /// Speaks to the control plane.
    pub fn control(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        use std::io::{Read as _, Write as _};
        let address = self.credentials.base_url.split_once("://").unwrap().1;
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len(),
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// Orders trouble.
    pub fn order(&self, fault: Value) {
        let armed = self.control("POST", "/_sandbox/faults", Some(fault));
        assert!(armed["data"].is_array(), "{armed}");
    }

    pub fn spoil_signatures(&self, count: u64) {
        self.order(serde_json::json!({"kind": "bad_signature", "count": count}));
    }

    /// The newest requests of the journal.
    pub fn journal(&self) -> Vec<Value> {
        self.control("GET", "/_sandbox/requests", None)["data"]
            .as_array()
            .unwrap()
            .clone()
    }
}
