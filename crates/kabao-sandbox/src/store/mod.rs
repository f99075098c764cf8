//! What the sandbox remembers.
//!
//! A change is one rule in one transaction: the caller says which rows it needs
//! ([`Needs`]), the store loads them ([`Workspace`]), the rule decides, and the
//! store saves what changed together with the notifications that are owed; on a
//! lost race all of it is done again. Every backend keeps its own SQL and passes
//! the same suite ([`contract`]). Personal data and secrets arrive in plaintext
//! and rest sealed ([`Vault`]).
//!
//! [`Vault`]: crate::vault::Vault

mod address;
pub mod contract;
mod convenience;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod document;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod failure;
mod key_book;
mod lists;
mod outbox;
#[cfg(feature = "postgres")]
mod postgres;
mod shared;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod snapshot;
#[cfg(feature = "sqlite")]
mod sqlite;
mod workspace;

use std::{fmt, path::PathBuf};

use async_trait::async_trait;
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::{
    domain::{Activity, CardTemplate, UserCard},
    limits::RateLimits,
    refusal::Refusal,
    vault::Vault,
};

pub use crate::clock::Speed;
pub use crate::limits::Taken;
pub(crate) use address::{Uri, on_a_server};
pub use address::{inspect, open};
pub use convenience::UserCardRule;
pub use key_book::{KeyBook, KeyRule, KeySettings};
pub use lists::{ActivitiesOf, CardTemplatesOf, Page, UserCardsOf, Window};
pub use outbox::{Attempt, Outbox, Owed, OwedState, Then};
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
pub use shared::{Calls, FaultRule, OrderedFault, Shared, SignedRequest};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
pub use workspace::{Kept, Needs, Record, Rule, Workspace};

#[cfg(any(feature = "sqlite", feature = "postgres"))]
use failure::Failure;

/// The sandbox's memory.
#[async_trait]
pub trait Store: Outbox + Shared + fmt::Debug + Send + Sync {
    /// Reads what is needed, at one moment.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn load(&self, needs: &Needs) -> Result<Workspace, StoreError>;

    /// Lets a rule decide over what it needs, and saves what it wrote, in one
    /// transaction. The inner error is the rule's refusal, which leaves no
    /// trace. `decide`, which every `dyn Store` has, is the same for rules that give something
    /// back.
    ///
    /// # Errors
    /// [`StoreError`]; whether it was applied is then unknown.
    async fn apply(&self, needs: Needs, rule: Rule) -> Result<Result<(), Refusal>, StoreError>;

    /// Lists templates.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn card_templates(
        &self,
        of: &CardTemplatesOf,
        window: Window,
    ) -> Result<Page<CardTemplate>, StoreError>;

    /// Lists a user's cards.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn user_cards(
        &self,
        of: &UserCardsOf,
        window: Window,
    ) -> Result<Page<UserCard>, StoreError>;

    /// Lists activities.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn activities(
        &self,
        of: &ActivitiesOf,
        window: Window,
    ) -> Result<Page<Activity>, StoreError>;

    /// Where the sandbox's clock stands.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn clock(&self) -> Result<ClockSetting, StoreError>;

    /// Sets the sandbox's clock, unless it no longer stands as it was read: of two
    /// who change it at once, one is to begin anew. Gives whether it was set.
    ///
    /// # Errors
    /// [`StoreError`]; whether it was set is then unknown.
    async fn set_clock(&self, from: ClockSetting, to: ClockSetting) -> Result<bool, StoreError>;

    /// Forgets everything but the keys, notifications that are owed, faults that
    /// are ordered and the clock's setting included, and puts `contents` in
    /// place, in one transaction. Limits that were set stay, and nothing of them is used up.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn reset(&self, contents: &Contents) -> Result<(), StoreError>;

    /// How many bytes there are of documents, and of what is sealed: a snapshot has
    /// more.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn stored_bytes(&self) -> Result<u64, StoreError>;

    /// Reads all there is into memory, at one moment, in no particular order but
    /// that of the keys. It takes a while and keeps nobody waiting;
    /// [`stored_bytes`](Self::stored_bytes) tells beforehand how much it is.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn everything(&self) -> Result<Everything, StoreError>;

    /// Puts this in place of all there is, keys included, and counts the change
    /// of the key book, in one transaction.
    ///
    /// # Errors
    /// [`StoreError`]; whether it was done is then unknown.
    async fn restore(&self, everything: &Everything) -> Result<(), StoreError>;

    /// What seals that which rests here.
    fn vault(&self) -> &Vault;

    /// Puts this in, unless there are keys already, in one transaction: of two
    /// processes that start at once, one wins and both then read the same. Gives
    /// whether it was taken.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn initialise(&self, everything: &Everything) -> Result<bool, StoreError>;

    /// Every key and how they are used, at one moment.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn key_book(&self) -> Result<KeyBook, StoreError>;

    /// What other processes may have changed, at one moment. It is small, for it
    /// is looked at often.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn watched(&self) -> Result<Watched, StoreError>;

    /// Lets a rule change the key book, and counts the change, in one
    /// transaction. The inner error is the rule's refusal, which leaves no
    /// trace.
    ///
    /// # Errors
    /// [`StoreError`]; whether it was applied is then unknown.
    async fn change_keys(&self, rule: KeyRule) -> Result<Result<(), Refusal>, StoreError>;

    /// Which merchants may manage which brands, as `(mchid, brand_id)`, by brand
    /// and then by merchant.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn grants(&self) -> Result<Vec<(String, String)>, StoreError>;

    /// Lets a merchant manage a brand's members, or no longer.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn set_grant(&self, mchid: &str, brand_id: &str, granted: bool)
    -> Result<(), StoreError>;
}

/// What nearly every request has to know first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Standing {
    /// Whether the brand lets the merchant that was named manage its members;
    /// true if none was.
    pub served: bool,
    /// Where the sandbox's clock stands.
    pub clock: ClockSetting,
}

/// What every process on a store goes by, and any may change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Watched {
    /// How often the key book was changed: whether it still is as it was read.
    pub key_version: u64,
    /// The limits that were set while a sandbox ran; `None` if each goes by its
    /// own.
    pub rate_limits: Option<RateLimits>,
    /// Where the sandbox's clock stands.
    pub clock: ClockSetting,
    /// The faults that are ordered, in the order in which they were.
    pub faults: Vec<OrderedFault>,
}

/// All that a store holds.
#[derive(Debug, Clone, Default)]
pub struct Everything {
    /// What a reset would forget.
    pub contents: Contents,
    /// What it would not.
    pub key_book: KeyBook,
}

/// What a store holds besides keys.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Which merchant may manage which brand: `(mchid, brand_id)`.
    pub grants: Vec<(String, String)>,
    /// Templates.
    pub card_templates: Vec<CardTemplate>,
    /// Users' cards.
    pub user_cards: Vec<UserCard>,
    /// Activities.
    pub activities: Vec<Activity>,
    /// Records, with their brand.
    pub records: Vec<(String, Record)>,
    /// Notifications, those that are at rest included.
    pub notifications: Vec<Owed>,
    /// Where the clock stands.
    pub clock: ClockSetting,
}

/// How business time runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockSetting {
    /// Real time, shifted.
    Running {
        /// Milliseconds ahead of real time.
        offset_ms: i64,
    },
    /// Faster or slower than real time.
    Sped {
        /// How fast.
        speed: Speed,
        /// Since this instant of real time,
        since: Timestamp,
        /// at which it showed this one.
        at: Timestamp,
    },
    /// Stands still.
    Frozen {
        /// At this instant.
        at: Timestamp,
        /// How fast it goes on, once it does.
        speed: Speed,
    },
}

impl Default for ClockSetting {
    fn default() -> Self {
        Self::Running { offset_ms: 0 }
    }
}

/// One key with its owner and name.
#[derive(Clone)]
pub struct StoredKey {
    /// A mchid, a brand id, or `platform`.
    pub owner: String,
    /// What it is for.
    pub purpose: KeyPurpose,
    /// Certificate serial or public key id; for other secrets the purpose's
    /// name.
    pub id: String,
    /// PEM, if the key is certified.
    pub certificate_pem: Option<String>,
    /// PKCS#8 PEM of a private key, or the text of a secret. Empty if the caller
    /// alone has the private key.
    pub secret: Zeroizing<String>,
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "StoredKey({} {:?} {})",
            self.owner, self.purpose, self.id
        )
    }
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyPurpose {
    /// A merchant's API certificate and private key.
    MerchantApi,
    /// A merchant's APIv3 key.
    MerchantApiV3,
    /// A brand's API certificate and private key.
    BrandApi,
    /// A brand's API key.
    BrandApiKey,
    /// A platform certificate and its private key.
    PlatformCertificate,
    /// A WeChat Pay public key for merchants; the owner is the mchid.
    WechatpayPublicKey,
    /// A WeChat Pay public key for a brand; the owner is the brand id.
    BrandPublicKey,
    /// The local authority behind `--tls`.
    TlsAuthority,
}

impl KeyPurpose {
    /// Every purpose.
    pub const ALL: [Self; 8] = [
        Self::MerchantApi,
        Self::MerchantApiV3,
        Self::BrandApi,
        Self::BrandApiKey,
        Self::PlatformCertificate,
        Self::WechatpayPublicKey,
        Self::BrandPublicKey,
        Self::TlsAuthority,
    ];

    /// The name in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MerchantApi => "merchant_api",
            Self::MerchantApiV3 => "merchant_apiv3",
            Self::BrandApi => "brand_api",
            Self::BrandApiKey => "brand_api_key",
            Self::PlatformCertificate => "platform_certificate",
            Self::WechatpayPublicKey => "wechatpay_public_key",
            Self::BrandPublicKey => "brand_public_key",
            Self::TlsAuthority => "tls_authority",
        }
    }

    /// The purpose of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|purpose| purpose.as_str() == name)
    }
}

/// The store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The address of the store is not one that is understood.
    #[error("`{uri}` is not a store: {issue}")]
    Uri {
        /// The address, without a password.
        uri: String,
        /// What is wrong, and what would be right.
        issue: String,
    },
    /// What is there is not a store of this program, or damaged. Nothing was
    /// changed.
    #[error("{} is not a usable sandbox store: {issue}; nothing was changed", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what can be done.
        issue: String,
    },
    /// The database on a server cannot be used: it is not reached, lets nobody in,
    /// or is another program's. Nothing was changed.
    #[error("{server} cannot be used: {issue}")]
    Server {
        /// Its address, without a password.
        server: String,
        /// What is wrong, and what can be done.
        issue: String,
    },
    /// The database does not answer for the moment, or its disk is full. Trying
    /// again later helps.
    #[error("the database cannot be used at the moment: {context}")]
    Unavailable {
        /// While doing what.
        context: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store was made with another master key.
    #[error("{0}")]
    MasterKey(String),
    /// The backend failed.
    #[error("the store failed: {context}")]
    Backend {
        /// While doing what.
        context: String,
        /// The backend's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
