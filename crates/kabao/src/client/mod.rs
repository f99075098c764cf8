//! The client: one merchant or brand, one host, one set of keys.

mod accept;
mod builder;
mod certificates;
mod hosts;
mod pace;
mod prepare;
mod retry;
mod send;

use std::{fmt, ops::Index, sync::Arc, time::Duration};

use elsa::sync::FrozenMap;
use kabao_core::{
    ApiV3Key, Sealed, Sensitive,
    call::{BuildError, Call, CallBuilder},
    keyring::{KeyId, Keyring, PlatformKey},
    operation::Caller,
    secret::ApiV3KeyError,
    sensitive::{OpenError, Opener, Sealer as _},
    template::Template,
};
use tokio::time::Instant;

pub use self::{builder::ClientBuilder, prepare::SignedRequest, retry::RetryPolicy};
use self::{
    hosts::{Host, Hosts},
    pace::Pace,
    prepare::FixedHeaders,
};
use crate::{
    answer::Answer,
    auth::{Credentials, Identity, PlatformKeys},
    card_member::CardMember,
    chain::Chain,
    clock::Clock,
    error::{Error, ErrorKind, Result},
    notification::{Receiver, ReceiverBuilder},
    transport::Transport,
};

/// Calls the API as one merchant or one brand.
///
/// Cloning is cheap, and clones share connections, keys and the rate limit. It
/// runs on Tokio; elsewhere `kabao::blocking::Client` works anywhere.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    /// What `client[path]` lends out.
    chains: Arc<FrozenMap<&'static str, Box<Chain>>>,
}

/// What a client and its chains share.
pub(crate) struct Inner {
    identity: Identity,
    keys: PlatformKeys,
    hosts: Hosts,
    fixed: FixedHeaders,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    retry: RetryPolicy,
    pace: Option<Pace>,
}

impl Client {
    /// Begins with who calls: a [`Merchant`](crate::Merchant) or a
    /// [`Brand`](crate::Brand).
    pub fn builder(credentials: impl Into<Credentials>) -> ClientBuilder {
        ClientBuilder::new(credentials.into())
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
            chains: Arc::default(),
        }
    }

    /// Begins a call to a declared path, such as
    /// `v3/pay/transactions/id/{transaction_id}`. Text outside the placeholders
    /// is taken as it is. Mistakes show at the verb.
    #[must_use]
    pub fn chain(&self, path: &str) -> Chain {
        self.begin(CallBuilder::new(Template::parse(path)))
    }

    /// Begins a call to a path of segment names, as [`chain!`](crate::chain!)
    /// does: `userCards` becomes `user-cards`, `_name_` a placeholder.
    #[must_use]
    pub fn segments<'s>(&self, names: impl IntoIterator<Item = &'s str>) -> Chain {
        self.begin(CallBuilder::new(Template::from_segments(names)))
    }

    /// The member-card product as a service provider, for one of the brands it
    /// serves. Needs a merchant's credentials, or each call fails.
    #[must_use]
    pub fn card_member_for(&self, brand_id: impl Into<String>) -> CardMember {
        let brand_id = brand_id.into();
        CardMember::new(Arc::clone(&self.inner), Caller::Partner { brand_id })
    }

    /// The member-card product as the brand itself. Needs a brand's credentials,
    /// or each call fails.
    #[must_use]
    pub fn card_member(&self) -> CardMember {
        CardMember::new(Arc::clone(&self.inner), Caller::Brand)
    }

    /// Begins a receiver of notifications that shares this client's keys;
    /// `api_v3_key` opens them (the APIv3 key, or a brand's API key).
    pub fn notifications(
        &self,
        api_v3_key: impl TryInto<ApiV3Key, Error: Into<ApiV3KeyError>>,
    ) -> ReceiverBuilder {
        Receiver::builder(api_v3_key).client(self)
    }

    /// Sends a ready call: see [`Chain::call`] or an
    /// [`Operation`](kabao_core::operation::Operation).
    ///
    /// # Errors
    /// [`Error`]; decide by its kind.
    pub async fn send(&self, call: &Call) -> Result<Answer> {
        self.inner.send(call, self.inner.deadline()?).await
    }

    /// Signs a call without sending it, to look at what would go out.
    ///
    /// # Errors
    /// As [`send`](Self::send), as far as nothing is sent.
    pub async fn sign(&self, call: &Call) -> Result<SignedRequest> {
        self.inner.sign(call).await
    }

    /// The WeChat Pay key that values are sealed with; its id goes into the
    /// header `Wechatpay-Serial`, which the client sets by itself.
    ///
    /// # Errors
    /// [`ErrorKind::PlatformKeys`] if there is none, or what a download gives.
    pub async fn sealing_key(&self) -> Result<PlatformKey> {
        self.inner.sealing_key(self.inner.deadline()?).await
    }

    /// Seals one value for a call of one's own. Typed calls do it themselves.
    ///
    /// It does not say with which key. Calls name the same one by themselves
    /// unless the keys change in between; to be sure, take
    /// [`sealing_key`](Self::sealing_key) and name it:
    ///
    /// ```no_run
    /// use kabao::core::sensitive::Sealer as _;
    ///
    /// # async fn f(client: kabao::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let key = client.sealing_key().await?;
    /// let phone_number = key.key().seal(&"13800138000".into())?;
    /// client
    ///     .chain("v3/x")
    ///     .header("Wechatpay-Serial", key.id().as_str())
    ///     .json(serde_json::json!({ "phone_number": phone_number }))
    ///     .post()
    ///     .await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`sealing_key`](Self::sealing_key), or [`ErrorKind::Request`] if the
    /// value is too long.
    pub async fn seal(&self, value: impl Into<Sensitive>) -> Result<Sealed> {
        let value = value.into();
        self.inner.seal(&value).await
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.inner.clock)
    }

    pub(crate) fn keys_at_hand(&self) -> Arc<Keyring> {
        self.inner.ring()
    }

    /// Looks for a key that a notification names. Whether it is there now.
    pub(crate) async fn look_for_key(&self, serial: &KeyId) -> Result<bool> {
        self.inner.look_for(serial, self.inner.deadline()?).await
    }

    fn begin(&self, call: CallBuilder) -> Chain {
        Chain::new(Arc::clone(&self.inner), call)
    }
}

impl Opener for Client {
    /// Opens with the caller's key, if it is at hand.
    fn open(&self, sealed: &Sealed) -> Result<Sensitive, OpenError> {
        self.inner.identity.open(sealed)
    }
}

impl Index<&'static str> for Client {
    type Output = Chain;

    /// [`chain`](Self::chain) in brackets. Each path is kept for as long as the
    /// client lives, so it is a constant of the program.
    fn index(&self, path: &'static str) -> &Chain {
        match self.chains.get(path) {
            Some(chain) => chain,
            None => self.chains.insert(path, Box::new(self.chain(path))),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Inner {
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) async fn sign(self: &Arc<Self>, call: &Call) -> Result<SignedRequest> {
        let ring = self.ready(self.deadline()?).await?;
        let serial = ring.preferred(self.clock.now()).map(PlatformKey::id);
        self.prepare(call, self.hosts.base(Host::Main), serial)
            .await
    }

    pub(crate) async fn sealing_key(self: &Arc<Self>, deadline: Instant) -> Result<PlatformKey> {
        let ring = self.ready(deadline).await?;
        let key = ring.preferred(self.clock.now()).cloned();
        key.ok_or_else(|| Error::new(ErrorKind::PlatformKeys, "no WeChat Pay key is in force"))
    }

    pub(crate) async fn seal(self: &Arc<Self>, value: &Sensitive) -> Result<Sealed> {
        let key = self.sealing_key(self.deadline()?).await?;
        key.key().seal(value).map_err(|source| {
            let field = "the value".to_owned();
            BuildError::Seal { field, source }.into()
        })
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("identity", &self.identity)
            .field("hosts", &self.hosts)
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}
#[cfg(test)]
mod tests {
    use crate::testing::{Fake, client, unsigned};

    #[test]
    fn a_calls_future_is_small() {
        // It is moved about, and what is in it is cold after each signature.
        let client = client(&Fake::new(|_, _| unsigned(200, "")));
        let size = size_of_val(&client.chain("v3/x").get());
        assert!(size < 2048, "{size}");
    }
}
