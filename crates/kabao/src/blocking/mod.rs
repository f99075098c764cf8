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
//!
//! One name differs: what is a `stream` there is an `iter` here.

mod card_member;
mod chain;
mod driver;
#[cfg(test)]
mod tests;

use std::{fmt, ops::Index, sync::Arc, time::Duration};

use elsa::sync::FrozenMap;
use kabao_core::{
    ApiV3Key, Sealed, Sensitive,
    call::Call,
    keyring::PlatformKey,
    secret::ApiV3KeyError,
    sensitive::{OpenError, Opener},
};

use self::driver::Driver;
pub use self::{
    card_member::{Activities, CardMember, Cards, Feeds, Images, Points, Rows, Tokens, UserCards},
    chain::Chain,
};
use crate::{
    Answer, Credentials, RetryPolicy,
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
        Chain::new(chain, Arc::clone(&self.driver))
    }

    fn members(&self, members: crate::card_member::CardMember) -> CardMember {
        CardMember::new(members, Arc::clone(&self.driver))
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
