//! The ways into a running sandbox: the SDK, and the control plane.

use std::{
    fs,
    path::Path,
    sync::{Arc, atomic::AtomicU64},
};

use kabao::{
    Client, ErrorKind, Merchant, PrivateKey, RetryPolicy,
    card_member::CardMember,
    notification::{Receiver, ReceiverBuilder},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::process::PATIENCE;

pub(crate) const BRAND_ID: &str = "1004";

/// What `--credentials` wrote, which stays the same from life to life.
pub(crate) struct Credentials {
    json: Value,
    private_key: Vec<u8>,
    public_key: Vec<u8>,
}

impl Credentials {
    pub(crate) fn read(folder: &Path) -> Self {
        let read = |name: &str| fs::read(folder.join(name)).unwrap();
        Self {
            json: serde_json::from_slice(&read("credentials.json")).unwrap(),
            private_key: read("apiclient_key.pem"),
            public_key: read("pub_key.pem"),
        }
    }

    fn text(&self, name: &str) -> &str {
        self.json[name].as_str().unwrap()
    }

    fn key(&self) -> PrivateKey {
        PrivateKey::from_pem(&self.private_key).unwrap()
    }

    /// The merchant at the sandbox that listens at `base_url`. Every call is sent
    /// once.
    pub(crate) fn access(&self, base_url: &str) -> Access {
        let merchant = Merchant::new(self.text("mchid"), self.text("serial_no"), self.key());
        let client = Client::builder(merchant)
            .wechatpay_public_key(self.text("wechatpay_public_key_id"), &self.public_key)
            .base_url(base_url)
            .retry(RetryPolicy::none())
            .timeout(PATIENCE)
            .build()
            .unwrap();
        let address = base_url.split_once("://").unwrap().1;
        Access {
            members: client.card_member_for(BRAND_ID),
            address: address.to_owned(),
            made: Arc::default(),
            life: 0,
            is_last: false,
        }
    }

    /// Who takes the merchant's notifications.
    pub(crate) fn receiver(&self) -> Receiver {
        let builder: ReceiverBuilder = Receiver::builder(self.text("apiv3_key"));
        builder
            .wechatpay_public_key(self.text("wechatpay_public_key_id"), &self.public_key)
            .private_key(self.key())
            .build()
            .unwrap()
    }
}

/// One life of a sandbox, as its callers see it.
pub(crate) struct Access {
    pub(crate) members: CardMember,
    address: String,
    /// How many changes were acknowledged in this life.
    pub(crate) made: Arc<AtomicU64>,
    /// Which life it is.
    pub(crate) life: usize,
    /// Nothing is to be written any more.
    pub(crate) is_last: bool,
}

/// There was no answer: the sandbox is dead, or cannot say. Whether a change was
/// made, nobody knows.
#[derive(Debug)]
pub(crate) struct Died;

/// An answer, if there was one. Whatever a sandbox says that lives is right.
pub(crate) fn answered<T>(answer: kabao::Result<T>) -> Result<T, Died> {
    answer.map_err(|error| match error.kind() {
        ErrorKind::Connect | ErrorKind::Network => Died,
        // The database is away, or has no room; signed, or it would be another kind.
        ErrorKind::Server if error.status().is_some_and(|status| status == 503) => {
            assert_eq!(error.code(), Some("SERVICE_UNAVAILABLE"));
            Died
        }
        _ => panic!("{error}"),
    })
}

impl Access {
    pub(crate) fn of_life(self, life: usize) -> Self {
        Self { life, ..self }
    }

    /// The one that is not killed.
    pub(crate) fn last(self) -> Self {
        Self {
            is_last: true,
            ..self
        }
    }

    /// Plays a user through the control plane.
    pub(crate) async fn play(
        &self,
        openid: &str,
        what: &str,
        members: Value,
    ) -> Result<Value, Died> {
        let path = format!("/_sandbox/users/{openid}/{what}");
        let (status, body) = self.control("POST", &path, &members.to_string()).await?;
        match status {
            200 => Ok(serde_json::from_str(&body).unwrap()),
            503 => Err(Died),
            _ => panic!("{path} {members}: {status} {body}"),
        }
    }

    /// Status and body of an answer that came whole.
    pub(crate) async fn control(
        &self,
        method: &str,
        path: &str,
        body: &str,
    ) -> Result<(u16, String), Died> {
        let exchange = async {
            let mut stream = TcpStream::connect(&self.address).await?;
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len(),
            );
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            std::io::Result::Ok(answer)
        };
        let answer = exchange.await.map_err(|_| Died)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or(Died)?;
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.parse::<usize>().unwrap())
        });
        if length.is_some_and(|length| body.len() < length) {
            return Err(Died);
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok((status, body.to_owned()))
    }
}
