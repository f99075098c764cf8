//! The same surface without `async`.
//!
//! Names are those of the crate root, without `.await`. It works anywhere, also
//! inside an async runtime (where it blocks the thread it runs on, like any
//! blocking call): signing, verifying and opening happen on the calling thread,
//! so threads scale, and the sockets live on one private thread per client.
//!
//! ```no_run
//! use kabao::{Merchant, PrivateKey, blocking::Client, card_member::UserCardKey};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (key, pem) = (PrivateKey::generate()?, "");
//! let client = Client::builder(Merchant::new("1900000001", "5157F09EFDC096DE15EBE81A47057A72", key))
//!     .wechatpay_public_key("PUB_KEY_ID_0114", pem)
//!     .build()?;
//! let key = UserCardKey::new("478515832665", "pbLatjvWOibDc5-TBnbUk1pD12o0", "obLatjnx9gnqzS4myYGmLZ7LgLBA");
//! let card = client.card_member_for("1004").user_cards().get(&key)?;
//! # Ok(()) }
//! ```

mod driver;

use std::{fmt, ops::Index, sync::Arc, time::Duration};

use elsa::sync::FrozenMap;
use kabao_core::{
    ApiV3Key, Sealed, Sensitive,
    call::{Body, Call, Method},
    card_member::{UserCard, UserCardChange, UserCardKey},
    keyring::PlatformKey,
    operation::Operation,
    secret::ApiV3KeyError,
    sensitive::{OpenError, Opener},
};
use serde::Serialize;

use self::driver::Driver;
use crate::{
    Answer, Credentials, RetryPolicy, Unverified, card_member,
    client::SignedRequest,
    clock::Clock,
    error::{Error, ErrorKind, Result},
    notification::{Delivery, Headers, NotificationError, Receiver, ReceiverBuilder},
    transport::Transport,
};

/// Calls the API as one merchant or one brand; see [`Client`](crate::Client).
#[derive(Clone)]
pub struct Client {
    client: crate::Client,
    driver: Arc<Driver>,
    chains: Arc<FrozenMap<&'static str, Box<Chain>>>,
}

impl Client {
    /// Begins with who calls: a [`Merchant`](crate::Merchant) or a
    /// [`Brand`](crate::Brand).
    pub fn builder(credentials: impl Into<Credentials>) -> ClientBuilder {
        ClientBuilder(crate::Client::builder(credentials))
    }

    /// Begins a call to a declared path; see [`Client::chain`](crate::Client::chain).
    #[must_use]
    pub fn chain(&self, path: &str) -> Chain {
        self.begin(self.client.chain(path))
    }

    /// Begins a call to a path of segment names; see
    /// [`Client::segments`](crate::Client::segments).
    #[must_use]
    pub fn segments<'s>(&self, names: impl IntoIterator<Item = &'s str>) -> Chain {
        self.begin(self.client.segments(names))
    }

    /// The member-card product as a service provider; see
    /// [`Client::card_member_for`](crate::Client::card_member_for).
    #[must_use]
    pub fn card_member_for(&self, brand_id: impl Into<String>) -> CardMember {
        self.members(self.client.card_member_for(brand_id))
    }

    /// The member-card product as the brand itself; see
    /// [`Client::card_member`](crate::Client::card_member).
    #[must_use]
    pub fn card_member(&self) -> CardMember {
        self.members(self.client.card_member())
    }

    /// Sends a ready call.
    ///
    /// # Errors
    /// [`Error`]; decide by its kind.
    pub fn send(&self, call: &Call) -> Result<Answer> {
        self.driver.run(self.client.send(call))
    }

    /// Signs a call without sending it, to look at what would go out.
    ///
    /// # Errors
    /// As [`send`](Self::send), as far as nothing is sent.
    pub fn sign(&self, call: &Call) -> Result<SignedRequest> {
        self.driver.run(self.client.sign(call))
    }

    /// The WeChat Pay key that values are sealed with.
    ///
    /// # Errors
    /// As [`Client::sealing_key`](crate::Client::sealing_key).
    pub fn sealing_key(&self) -> Result<PlatformKey> {
        self.driver.run(self.client.sealing_key())
    }

    /// Seals one value for a call of one's own; see
    /// [`Client::seal`](crate::Client::seal).
    ///
    /// # Errors
    /// As [`Client::seal`](crate::Client::seal).
    pub fn seal(&self, value: impl Into<Sensitive>) -> Result<Sealed> {
        self.driver.run(self.client.seal(value))
    }

    /// Begins a receiver of notifications; see
    /// [`Client::notifications`](crate::Client::notifications).
    pub fn notifications(
        &self,
        api_v3_key: impl TryInto<ApiV3Key, Error: Into<ApiV3KeyError>>,
    ) -> ReceiverBuilder {
        self.client.notifications(api_v3_key)
    }

    /// Takes a notification, with a download of keys if it needs one; see
    /// [`Receiver::receive`].
    ///
    /// # Errors
    /// [`NotificationError`]; answer it with its `ack()`.
    pub fn receive<'a>(
        &self,
        receiver: &Receiver,
        headers: impl Into<Headers<'a>>,
        body: &[u8],
    ) -> Result<Delivery, NotificationError> {
        self.driver.run(receiver.receive(headers, body))
    }

    fn begin(&self, chain: crate::Chain) -> Chain {
        Chain {
            chain,
            driver: Arc::clone(&self.driver),
        }
    }

    fn members(&self, members: card_member::CardMember) -> CardMember {
        CardMember {
            members,
            driver: Arc::clone(&self.driver),
        }
    }
}

impl Opener for Client {
    /// Opens with the caller's key, if it is at hand.
    fn open(&self, sealed: &Sealed) -> Result<Sensitive, OpenError> {
        self.client.open(sealed)
    }
}

impl Index<&'static str> for Client {
    type Output = Chain;

    /// [`chain`](Self::chain) in brackets.
    fn index(&self, path: &'static str) -> &Chain {
        match self.chains.get(path) {
            Some(chain) => chain,
            None => self.chains.insert(path, Box::new(self.chain(path))),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(f)
    }
}

/// Collects the settings of a [`Client`]; see
/// [`ClientBuilder`](crate::ClientBuilder).
#[derive(Debug)]
#[must_use = "nothing happens before `build()`"]
pub struct ClientBuilder(crate::ClientBuilder);

/// Settings that are passed on as they are.
macro_rules! settings {
    ($( $name:ident($($argument:ident: $type:ty),+); )+) => { $(
        #[doc = concat!("See [`ClientBuilder::", stringify!($name), "`](crate::ClientBuilder::", stringify!($name), ").")]
        pub fn $name(self, $($argument: $type),+) -> Self {
            Self(self.0.$name($($argument),+))
        }
    )+ };
}

impl ClientBuilder {
    settings! {
        wechatpay_public_key(id: impl Into<String>, pem: impl AsRef<[u8]>);
        platform_certificate(pem: impl AsRef<[u8]>);
        auto_certificates(api_v3_key: impl TryInto<ApiV3Key, Error: Into<ApiV3KeyError>>);
        base_url(url: impl Into<String>);
        backup_base_url(url: impl Into<String>);
        timeout(timeout: Duration);
        connect_timeout(timeout: Duration);
        retry(policy: RetryPolicy);
        rate_limit(per_second: u32);
        user_agent(user_agent: impl Into<String>);
        accept_language(language: impl Into<String>);
        root_certificate(pem: impl AsRef<[u8]>);
        transport(transport: Arc<dyn Transport>);
        clock(clock: Arc<dyn Clock>);
    }

    /// Checks everything, makes the client and starts its thread. Nothing is
    /// sent.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] names the setting that is missing or wrong.
    pub fn build(self) -> Result<Client> {
        let driver = Driver::start().map_err(|error| {
            let text = format!("the thread for the client's sockets cannot start: {error}");
            Error::new(ErrorKind::Config, text)
        })?;
        let client = self.0.build_over(|transport| driver.carry(transport))?;
        Ok(Client {
            client,
            driver: Arc::new(driver),
            chains: Arc::default(),
        })
    }
}

impl From<crate::ClientBuilder> for ClientBuilder {
    /// One set of settings may serve both clients.
    fn from(settings: crate::ClientBuilder) -> Self {
        Self(settings)
    }
}

/// A call under construction; see [`Chain`](crate::Chain).
#[derive(Clone)]
pub struct Chain {
    chain: crate::Chain,
    driver: Arc<Driver>,
}

impl Chain {
    /// Gives a placeholder of the path its value.
    #[must_use]
    pub fn param(&self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.with(self.chain.param(name, value))
    }

    /// Adds query parameters: anything that serialises to pairs.
    #[must_use]
    pub fn query(&self, query: impl Serialize) -> Self {
        self.with(self.chain.query(query))
    }

    /// Adds a header; given twice, the later one counts.
    #[must_use]
    pub fn header(&self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(self.chain.header(name, value))
    }

    /// Sets the body, serialised once: what is signed is what is sent.
    #[must_use]
    pub fn json(&self, body: impl Serialize) -> Self {
        self.with(self.chain.json(body))
    }

    /// Sets a ready body.
    #[must_use]
    pub fn body(&self, body: Body) -> Self {
        self.with(self.chain.body(body))
    }

    /// Says whether the call may be repeated without harm, and so be retried.
    #[must_use]
    pub fn repeatable(&self, repeatable: bool) -> Self {
        self.with(self.chain.repeatable(repeatable))
    }

    /// Reads.
    ///
    /// # Errors
    /// [`Error`]; decide by its kind.
    pub fn get(&self) -> Result<Answer> {
        self.send(Method::Get)
    }

    /// Creates, or runs an action.
    ///
    /// # Errors
    /// [`Error`]; decide by its kind.
    pub fn post(&self) -> Result<Answer> {
        self.send(Method::Post)
    }

    /// Replaces.
    ///
    /// # Errors
    /// [`Error`]; decide by its kind.
    pub fn put(&self) -> Result<Answer> {
        self.send(Method::Put)
    }

    /// Changes.
    ///
    /// # Errors
    /// [`Error`]; decide by its kind.
    pub fn patch(&self) -> Result<Answer> {
        self.send(Method::Patch)
    }

    /// Removes.
    ///
    /// # Errors
    /// [`Error`]; decide by its kind.
    pub fn delete(&self) -> Result<Answer> {
        self.send(Method::Delete)
    }

    /// Calls with a method that is known only at run time.
    ///
    /// # Errors
    /// [`Error`]; decide by its kind.
    pub fn send(&self, method: Method) -> Result<Answer> {
        self.driver.run(self.chain.send(method))
    }

    /// Fetches a file from one of the few paths whose answers are not signed.
    ///
    /// # Errors
    /// As [`Chain::download`](crate::Chain::download).
    pub fn download(&self) -> Result<Unverified> {
        self.driver.run(self.chain.download())
    }

    /// The call as it would be sent, without host, time and signature.
    ///
    /// # Errors
    /// [`ErrorKind::Request`] if it cannot be built.
    pub fn call(&self, method: Method) -> Result<Call> {
        self.chain.call(method)
    }

    fn with(&self, chain: crate::Chain) -> Self {
        Self {
            chain,
            driver: Arc::clone(&self.driver),
        }
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chain.fmt(f)
    }
}

/// The member cards of one brand; see
/// [`CardMember`](crate::card_member::CardMember).
#[derive(Debug, Clone)]
pub struct CardMember {
    members: card_member::CardMember,
    driver: Arc<Driver>,
}

impl CardMember {
    /// The cards that users hold.
    #[must_use]
    pub fn user_cards(&self) -> UserCards {
        UserCards {
            cards: self.members.user_cards(),
            driver: Arc::clone(&self.driver),
        }
    }

    /// Carries out an operation.
    ///
    /// # Errors
    /// As [`CardMember::send`](crate::card_member::CardMember::send).
    pub fn send<O: Operation>(&self, operation: &O) -> Result<O::Output> {
        self.driver.run(self.members.send(operation))
    }
}

/// The cards that users hold; see [`UserCards`](crate::card_member::UserCards).
#[derive(Debug, Clone)]
pub struct UserCards {
    cards: card_member::UserCards,
    driver: Arc<Driver>,
}

impl UserCards {
    /// Sends values that are known to be refused, to hear it from the API.
    #[must_use]
    pub fn unchecked(mut self) -> Self {
        self.cards = self.cards.unchecked();
        self
    }

    /// Reads a card.
    ///
    /// # Errors
    /// [`Error`]; decide by its kind.
    pub fn get(&self, key: &UserCardKey) -> Result<UserCard> {
        self.driver.run(self.cards.get(key))
    }

    /// Changes a card and gives it as it is then.
    ///
    /// # Errors
    /// [`Error`]; decide by its kind.
    pub fn update(&self, key: &UserCardKey, change: impl Into<UserCardChange>) -> Result<UserCard> {
        self.driver.run(self.cards.update(key, change))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        time::Instant,
    };

    use super::*;
    use crate::{
        testing::{
            API_V3_KEY, By, Fake, PUBLIC_KEY_ID, Reply, certificate_list, keys, merchant, plain,
            signed,
        },
        transport::Stage,
    };

    fn client(fake: &Arc<Fake>) -> Client {
        Client::builder(merchant())
            .wechatpay_public_key(PUBLIC_KEY_ID, keys().platform.public_key().to_spki_pem())
            .timeout(Duration::from_millis(400))
            .transport(Arc::<Fake>::clone(fake))
            .build()
            .unwrap()
    }

    fn fake() -> Arc<Fake> {
        Fake::slow(Duration::from_millis(1), |_, _| {
            signed(By::PublicKey, 200, "{}")
        })
    }

    #[test]
    fn three_spellings_one_call() {
        let client = client(&fake());
        const PATH: &str = "v3/card-member/{user_card_code}";
        let chains: [Chain; 3] = [
            client.chain(PATH).param("user_card_code", 1),
            client[PATH].param("user_card_code", 1),
            crate::chain!(client, v3.cardMember._user_card_code_).param("user_card_code", 1),
        ];
        let calls = chains.map(|chain| {
            assert_eq!(chain.get().unwrap().status(), 200);
            chain.call(Method::Get).unwrap()
        });
        assert_eq!(calls[0], calls[1]);
        assert_eq!(calls[0], calls[2]);
        assert!(client.seal("13800138000").is_ok());
    }

    #[tokio::test]
    async fn it_works_inside_a_runtime() {
        let fake = fake();
        let client = client(&fake);
        client.chain("v3/x").get().unwrap();
        client.clone().chain("v3/x").post().unwrap();
        drop(client);
        assert_eq!(fake.count(), 2);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_works_inside_a_runtime_of_many_threads() {
        let client = client(&fake());
        let calls: Vec<_> = (0..8)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.chain("v3/x").get().map(|_| ()) })
            })
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
    }

    #[test]
    fn certificates_are_downloaded_on_the_private_thread() {
        let fake = Fake::new(|_, request| match request.uri().path() {
            "/v3/certificates" => certificate_list(By::Certificate(0), &[0], API_V3_KEY),
            _ => signed(By::Certificate(0), 200, "{}"),
        });
        let settings = Client::builder(merchant()).auto_certificates(API_V3_KEY);
        let client = settings.transport(fake).build().unwrap();
        client.chain("v3/x").get().unwrap();
    }

    /// Tokio lets a task poll only so often before it has to yield, which a
    /// blocking call never does.
    #[test]
    fn one_task_can_make_many_calls() {
        use tokio::runtime::Builder;
        for mut flavour in [Builder::new_current_thread(), Builder::new_multi_thread()] {
            let fake = fake();
            let client = client(&fake);
            let calls =
                async move { (0..300).try_for_each(|_| client.chain("v3/x").get().map(drop)) };
            let (done, outcome) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                let runtime = flavour.worker_threads(2).enable_all().build().unwrap();
                let task = runtime.spawn(calls);
                done.send(runtime.block_on(task).unwrap()).unwrap();
            });
            outcome
                .recv_timeout(Duration::from_secs(30))
                .unwrap()
                .unwrap();
            assert_eq!(fake.count(), 300);
        }
    }

    #[test]
    fn it_works_from_many_threads() {
        let fake = fake();
        let client = client(&fake);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        client.chain("v3/x").get().unwrap();
                    }
                });
            }
        });
        assert_eq!(fake.count(), 80);
    }

    #[test]
    fn deadlines_and_failures_are_the_same() {
        let slow = client(&Fake::new(|_, _| Reply::Never));
        let start = Instant::now();
        let error = slow.chain("v3/x").post().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.may_have_taken_effect());
        assert!(start.elapsed() < Duration::from_secs(2));

        let broken = client(&Fake::new(|_, _| Reply::Fails(Stage::Sent)));
        assert_eq!(
            broken.chain("v3/x").post().unwrap_err().kind(),
            ErrorKind::Network
        );
        // A carrier that panics takes nobody with it.
        let panics = client(&Fake::new(|_, _| panic!("on purpose")));
        assert_eq!(
            panics.chain("v3/x").post().unwrap_err().kind(),
            ErrorKind::Network
        );
    }

    #[test]
    fn sockets_live_on_the_private_thread() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for _ in 0..2 {
                let mut bytes = Vec::new();
                let mut byte = [0];
                while !bytes.ends_with(b"\r\n\r\n") {
                    stream.read_exact(&mut byte).unwrap();
                    bytes.push(byte[0]);
                }
                let mut response = plain(200, "{}");
                let now = crate::testing::now();
                crate::testing::sign(&mut response, By::PublicKey, b"{}", now);
                let mut text = String::from("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n");
                for (name, value) in response.headers() {
                    text += &format!("{name}: {}\r\n", value.to_str().unwrap());
                }
                stream
                    .write_all(format!("{text}\r\n{{}}").as_bytes())
                    .unwrap();
            }
        });
        let client = Client::builder(merchant())
            .wechatpay_public_key(PUBLIC_KEY_ID, keys().platform.public_key().to_spki_pem())
            .base_url(format!("http://{address}"))
            .build()
            .unwrap();
        // The second call, from another thread, reuses the first one's connection.
        client.chain("v3/x").get().unwrap();
        let other = client.clone();
        std::thread::spawn(move || other.chain("v3/x").get().unwrap())
            .join()
            .unwrap();
        server.join().unwrap();
    }
}
