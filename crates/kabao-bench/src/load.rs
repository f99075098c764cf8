//! A load generator that costs next to nothing, so that it does not hide what
//! the server costs: requests are signed before the clock runs, answers are
//! read and not verified (one of each kind is, first).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use kabao::core::{
    PrivateKey, PublicKey, Sensitive,
    authorization::{Authorization, Stamp},
    message,
    sensitive::Sealer as _,
    signature::{self, Scheme},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::sandbox::Credentials;

/// Requests of one kind, ready to be written to a socket.
#[derive(Debug, Clone)]
pub(crate) struct Requests(Arc<Vec<Vec<u8>>>);

/// A request before it is signed.
#[derive(Debug)]
pub(crate) struct Unsigned {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) body: Vec<u8>,
}

/// How many differ; the server accepts a repeated Authorization.
const DIFFERENT: usize = 64;

impl Requests {
    /// Reads the sample card.
    pub(crate) fn get(credentials: &Credentials, now: i64) -> Result<Self> {
        Self::gets(credentials, now, DIFFERENT)
    }

    /// Reads the sample card, once.
    pub(crate) fn one_get(credentials: &Credentials, now: i64) -> Result<Self> {
        Self::gets(credentials, now, 1)
    }

    fn gets(credentials: &Credentials, now: i64, count: usize) -> Result<Self> {
        let target = card_target(credentials)?;
        Self::sign(credentials, now, count, |_| {
            Ok(Unsigned {
                method: "GET",
                target: target.clone(),
                body: Vec::new(),
            })
        })
    }

    /// Changes the sample card's level and phone number, which is sealed.
    pub(crate) fn patch(credentials: &Credentials, now: i64) -> Result<Self> {
        let target = format!(
            "/v3/brand/partner/card-member/user-cards/478515832665?card_id={}",
            credentials.text("card_id")?,
        );
        let public_key = PublicKey::from_pem(credentials.file("pub_key.pem")?)?;
        let (brand_id, openid) = (credentials.text("brand_id")?, credentials.text("openid")?);
        Self::sign(credentials, now, DIFFERENT, |number| {
            let phone =
                public_key.seal(&Sensitive::new(format!("138001380{:02}", number % 100)))?;
            let body = serde_json::json!({
                "brand_id": brand_id, "openid": openid,
                "level": format!("等级{number}"), "phone_number": phone,
            });
            Ok(Unsigned {
                method: "PATCH",
                target: target.clone(),
                body: serde_json::to_vec(&body)?,
            })
        })
    }

    /// The same ones over and over, so many in all.
    pub(crate) fn repeated(&self, count: usize) -> Self {
        Self(Arc::new(
            self.0.iter().cycle().take(count).cloned().collect(),
        ))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get_at(&self, place: usize) -> Option<&[u8]> {
        self.0.get(place % self.0.len().max(1)).map(Vec::as_slice)
    }

    /// Signs `count` requests, each made for its number.
    pub(crate) fn sign(
        credentials: &Credentials,
        now: i64,
        count: usize,
        make: impl Fn(usize) -> Result<Unsigned>,
    ) -> Result<Self> {
        let key = PrivateKey::from_pem(credentials.file("apiclient_key.pem")?)?;
        let key_id = credentials.text("wechatpay_public_key_id")?;
        let requests = (0..count).map(|number| {
            let Unsigned {
                method,
                target,
                body,
            } = make(number)?;
            let mut random = [7; 32];
            random[..8].copy_from_slice(&number.to_le_bytes());
            let stamp = Stamp::new(now, &random);
            let timestamp = stamp.timestamp.to_string();
            let message = message::request(method, &target, &timestamp, &stamp.nonce, &body);
            let authorization = Authorization {
                scheme: Scheme::Wechatpay2Sha256Rsa2048,
                identity: credentials.text("mchid")?,
                nonce: stamp.nonce,
                timestamp,
                serial_no: credentials.text("serial_no")?,
                signature: signature::encode(&key.sign_now(&message)?),
            };
            let mut bytes = format!(
                "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\
                 User-Agent: kabao-bench\r\nWechatpay-Serial: {key_id}\r\n\
                 Authorization: {authorization}\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\n\r\n",
                body.len(),
            )
            .into_bytes();
            bytes.extend_from_slice(&body);
            Ok(bytes)
        });
        Ok(Self(Arc::new(requests.collect::<Result<_>>()?)))
    }
}

fn card_target(credentials: &Credentials) -> Result<String> {
    Ok(format!(
        "/v3/brand/partner/card-member/user-cards/478515832665?brand_id={}&card_id={}&openid={}",
        credentials.text("brand_id")?,
        credentials.text("card_id")?,
        credentials.text("openid")?,
    ))
}

/// Sends the first of the requests and waits for its answer.
pub(crate) async fn once(address: &str, requests: &Requests) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let request = requests.0.first().context("no request")?;
    stream.write_all(request).await?;
    read_answer(&mut stream, &mut Vec::new()).await
}

/// Keeps `connections` busy for `time`; gives how many calls were answered, and
/// in which time.
pub(crate) async fn run(
    address: &str,
    requests: &Requests,
    connections: usize,
    time: Duration,
) -> Result<(usize, Duration)> {
    let answered = Arc::new(AtomicUsize::new(0));
    let begin = Instant::now();
    let until = begin + time;
    let tasks: Vec<_> = (0..connections)
        .map(|place| {
            let (address, requests, answered) =
                (address.to_owned(), requests.clone(), Arc::clone(&answered));
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(&address).await?;
                stream.set_nodelay(true)?;
                let mut buffer = Vec::with_capacity(8192);
                for request in requests.0.iter().cycle().skip(place) {
                    if Instant::now() >= until {
                        break;
                    }
                    stream.write_all(request).await?;
                    read_answer(&mut stream, &mut buffer).await?;
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok((answered.load(Ordering::Relaxed), begin.elapsed()))
}

pub(crate) async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<()> {
    buffer.clear();
    while !is_whole(buffer)? {
        ensure!(
            stream.read_buf(buffer).await? > 0,
            "the server closed the connection"
        );
    }
    Ok(())
}

/// Whether the answer, which must be a 200, has come to its end.
pub(crate) fn is_whole(answer: &[u8]) -> Result<bool> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(false);
    };
    let head = std::str::from_utf8(&answer[..end]).context("the head is not text")?;
    ensure!(head.starts_with("HTTP/1.1 200"), "not 200: {head}");
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .context("no content-length")?
        .parse()?;
    Ok(answer.len() >= end + 4 + length)
}
