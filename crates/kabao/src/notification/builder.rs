use std::{fmt, sync::Arc};

use kabao_core::{ApiV3Key, PrivateKey, secret::ApiV3KeyError, sensitive::Opener};

use super::{MemoryReplayStore, Receiver, ReplayStore, receiver::Parts};
use crate::{
    Client,
    auth::keyring,
    clock::{Clock, SystemClock},
    error::{Error, ErrorKind, Result},
};

/// Collects the settings of a [`Receiver`]. Only [`build`](Self::build) fails,
/// and names the setting that is wrong.
///
/// At least one of [`client`](Self::client),
/// [`wechatpay_public_key`](Self::wechatpay_public_key) and
/// [`platform_certificate`](Self::platform_certificate) is needed; they go
/// together, as during a move from certificates to the public key.
#[must_use = "nothing happens before `build()`"]
pub struct ReceiverBuilder {
    api_key: Result<ApiV3Key, ApiV3KeyError>,
    public_keys: Vec<(String, Vec<u8>)>,
    certificates: Vec<Vec<u8>>,
    client: Option<Client>,
    opener: Option<Arc<dyn Opener + Send + Sync>>,
    replays: Option<Arc<dyn ReplayStore>>,
    clock: Arc<dyn Clock>,
}

impl ReceiverBuilder {
    pub(super) fn new(api_key: Result<ApiV3Key, ApiV3KeyError>) -> Self {
        Self {
            api_key,
            public_keys: Vec::new(),
            certificates: Vec::new(),
            client: None,
            opener: None,
            replays: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// WeChat Pay's public key (`pub_key.pem`) with its id, `PUB_KEY_ID_…`. For
    /// a brand, the brand's own.
    pub fn wechatpay_public_key(mut self, id: impl Into<String>, pem: impl AsRef<[u8]>) -> Self {
        self.public_keys.push((id.into(), pem.as_ref().to_vec()));
        self
    }

    /// A platform certificate. Several may be given, as during a rotation.
    pub fn platform_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.certificates.push(pem.as_ref().to_vec());
        self
    }

    /// Shares a client's keys and clock: what it was given and what it
    /// downloads, looking once for a certificate that nobody knows yet. Values
    /// that are sealed once more are opened with the client's private key.
    pub fn client(mut self, client: &Client) -> Self {
        self.clock = client.clock();
        self.client = Some(client.clone());
        self
    }

    /// Opens values that are sealed once more, such as phone numbers; the same
    /// key that signs requests (`apiclient_key.pem`). Without it they stay as
    /// they came.
    pub fn private_key(self, key: PrivateKey) -> Self {
        self.opener(Arc::new(key))
    }

    /// The same, for a key that lives elsewhere.
    pub fn opener(mut self, opener: Arc<dyn Opener + Send + Sync>) -> Self {
        self.opener = Some(opener);
        self
    }

    /// Where to remember what was received. Default: in this process
    /// ([`MemoryReplayStore`]); several processes behind one address share one.
    pub fn replay_store(mut self, store: Arc<dyn ReplayStore>) -> Self {
        self.replays = Some(store);
        self
    }

    /// Replaces the clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Checks everything and makes the receiver.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] names the setting that is missing or wrong.
    pub fn build(self) -> Result<Receiver> {
        let api_key = self
            .api_key
            .map_err(|error| Error::setting("api_v3_key", error))?;
        let ring = keyring(&self.public_keys, &self.certificates, None)?;
        if ring.is_empty() && self.client.is_none() {
            let text = "wechatpay_public_key, platform_certificate, client: one of them is \
                        needed, since every notification is verified";
            return Err(Error::new(ErrorKind::Config, text));
        }
        let own_key = |client: &Client| Arc::new(client.clone()) as Arc<dyn Opener + Send + Sync>;
        Ok(Receiver::new(Parts {
            api_key,
            ring,
            opener: self.opener.or_else(|| self.client.as_ref().map(own_key)),
            client: self.client,
            replays: self
                .replays
                .unwrap_or_else(|| Arc::new(MemoryReplayStore::new())),
            clock: self.clock,
        }))
    }
}

impl fmt::Debug for ReceiverBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiverBuilder")
            .field("client", &self.client)
            .field("replays", &self.replays)
            .finish_non_exhaustive()
    }
}
