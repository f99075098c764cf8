//! Somebody's server that takes notifications: a socket, and a script of what
//! to answer.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use kabao_core::{
    ApiV3Key, PrivateKey,
    answer::AnswerSignature,
    keyring::Keyring,
    notification::{Event, Notification},
    sensitive::Opener,
};

use crate::support::{Running, echoed, unix_now};

/// Listens until it is dropped; the thread ends with the process.
pub struct Receiver {
    pub url: String,
    posts: mpsc::Receiver<Post>,
}

/// One post, as it came.
#[derive(Debug)]
pub struct Post {
    pub path: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What a test waits for at most, far above what it takes.
const PATIENCE: Duration = Duration::from_secs(40);

/// The body of an answer that is never sent as a whole.
const UNFINISHED: &str = "more to come";

/// How long a post may be on its way on this machine.
const ON_ITS_WAY: Duration = Duration::from_millis(150);

impl Receiver {
    /// Answers with these statuses, one after the other, then with the last.
    pub fn answering(statuses: impl Into<Vec<u16>>) -> Self {
        Self::slow(Duration::ZERO, statuses)
    }

    /// The same, a while after each post has come.
    pub fn slow(delay: Duration, statuses: impl Into<Vec<u16>>) -> Self {
        Self::new(delay, statuses, "{}")
    }

    /// Answers with a status and says why.
    pub fn saying(status: u16, words: &'static str) -> Self {
        Self::new(Duration::ZERO, [status], words)
    }

    /// Answers with a status and the beginning of a body that never ends.
    pub fn unfinished(status: u16) -> Self {
        Self::new(Duration::ZERO, [status], UNFINISHED)
    }

    fn new(delay: Duration, statuses: impl Into<Vec<u16>>, words: &'static str) -> Self {
        let statuses = statuses.into();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/notify", listener.local_addr().unwrap());
        let (sender, posts) = mpsc::channel();
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let status = statuses[number.min(statuses.len() - 1)];
                let (mut stream, sender) = (stream.unwrap(), sender.clone());
                thread::spawn(move || {
                    // Nobody may be waiting any more, on either side.
                    let _ = sender.send(Post::read(&mut stream));
                    thread::sleep(delay);
                    let rest = match status {
                        204 => "\r\n".to_owned(),
                        _ if words == UNFINISHED => {
                            format!("Content-Length: 100\r\n\r\n{words}")
                        }
                        _ => format!("Content-Length: {}\r\n\r\n{words}", words.len()),
                    };
                    let head = format!("HTTP/1.1 {status} Status\r\nConnection: close\r\n");
                    let _ = stream.write_all(format!("{head}{rest}").as_bytes());
                    if words == UNFINISHED {
                        // Until the other side hangs up.
                        let _ = stream.read(&mut [0]);
                    }
                });
            }
        });
        Self { url, posts }
    }

    /// The next post.
    pub fn next(&self) -> Post {
        self.posts.recv_timeout(PATIENCE).expect("a notification")
    }

    /// There is none: what was due by now is on its way before something that
    /// becomes due only now has arrived elsewhere.
    pub fn stays_silent(&self, running: &Running) {
        let elsewhere = Self::answering([200]);
        echoed(running, &elsewhere.url);
        elsewhere.next();
        let post = self.posts.recv_timeout(ON_ITS_WAY);
        assert!(post.is_err(), "{post:?}");
    }
}

impl Post {
    fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let mut part = [0; 4096];
        loop {
            let read = stream.read(&mut part).unwrap();
            assert!(read > 0, "the request ended early");
            bytes.extend_from_slice(&part[..read]);
            let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
                continue;
            };
            let post = Self::parse(std::str::from_utf8(&bytes[..end]).unwrap());
            let length: usize = post.header("content-length").unwrap().parse().unwrap();
            if bytes.len() == end + 4 + length {
                let body = bytes.split_off(end + 4);
                return Self { body, ..post };
            }
        }
    }

    fn parse(head: &str) -> Self {
        let mut lines = head.split("\r\n");
        let first: Vec<&str> = lines.next().unwrap().split(' ').collect();
        assert_eq!(first[0], "POST");
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        Self {
            path: first[1].to_owned(),
            headers,
            body: Vec::new(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let name = name.to_lowercase();
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The name of the key that signed it, which must verify.
    pub fn verified(&self, running: &Running) -> String {
        self.verified_with(&running.keyring())
    }

    /// The same, by other keys than those of the start.
    pub fn verified_with(&self, keys: &Keyring) -> String {
        let signature = AnswerSignature::from_headers(|name| self.header(name)).unwrap();
        let key = signature.verify(&self.body, keys, unix_now()).unwrap();
        key.id().to_string()
    }

    pub fn envelope(&self) -> Notification {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The event, opened with the merchant's keys.
    pub fn event(&self, running: &Running) -> Event {
        let own = &running.credentials.merchant;
        self.open(&own.apiv3_key, &own.private_key_pem)
    }

    /// The event, opened with the brand's keys.
    pub fn brand_event(&self, running: &Running) -> Event {
        let own = &running.credentials.brand;
        self.open(&own.api_key, &own.private_key_pem)
    }

    fn open(&self, key: &str, private_key_pem: &str) -> Event {
        let key = ApiV3Key::new(key).unwrap();
        let opener = PrivateKey::from_pem(private_key_pem).unwrap();
        let opener: &dyn Opener = &opener;
        self.envelope().event(&key, Some(opener)).unwrap()
    }
}
