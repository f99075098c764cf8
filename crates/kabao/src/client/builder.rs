use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

use kabao_core::{ApiV3Key, keyring::Keyring, secret::ApiV3KeyError, target::BaseUrl};

use super::{Client, FixedHeaders, Host, Hosts, Inner, Pace, RetryPolicy, prepare::ascii_header};
use crate::{
    auth::{Credentials, Identity, PlatformKeys, keyring},
    clock::{Clock, SystemClock},
    error::{Error, ErrorKind, Result},
    transport::{HyperTransport, Settings, Transport},
};

/// Collects the settings of a [`Client`]. Only [`build`](Self::build) fails, and
/// names the setting that is wrong.
///
/// At least one of [`wechatpay_public_key`](Self::wechatpay_public_key),
/// [`platform_certificate`](Self::platform_certificate) and
/// [`auto_certificates`](Self::auto_certificates) is needed, since every answer
/// is verified; they go together.
#[must_use = "nothing happens before `build()`"]
pub struct ClientBuilder {
    credentials: Credentials,
    public_keys: Vec<(String, Vec<u8>)>,
    certificates: Vec<Vec<u8>>,
    api_v3_key: Option<Result<ApiV3Key, ApiV3KeyError>>,
    base_url: Option<String>,
    backup_base_url: Option<String>,
    timeout: Duration,
    connect_timeout: Duration,
    retry: RetryPolicy,
    rate_limit: Option<u32>,
    user_agent: Option<String>,
    accept_language: Option<String>,
    roots: Vec<Vec<u8>>,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
}

impl ClientBuilder {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            public_keys: Vec::new(),
            certificates: Vec::new(),
            api_v3_key: None,
            base_url: None,
            backup_base_url: None,
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            retry: RetryPolicy::default(),
            rate_limit: None,
            user_agent: None,
            accept_language: None,
            roots: Vec::new(),
            transport: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// WeChat Pay's public key (`pub_key.pem`) with its id, `PUB_KEY_ID_…`, both
    /// from the merchant console. For a brand, the brand's own.
    pub fn wechatpay_public_key(mut self, id: impl Into<String>, pem: impl AsRef<[u8]>) -> Self {
        self.public_keys.push((id.into(), pem.as_ref().to_vec()));
        self
    }

    /// A platform certificate that was downloaded before. Several may be given,
    /// as during a rotation.
    pub fn platform_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.certificates.push(pem.as_ref().to_vec());
        self
    }

    /// Downloads the platform certificates with the APIv3 key (a text of 32
    /// characters, or an [`ApiV3Key`]): before the first call if there is no
    /// other key, when an answer names an unknown one, and every 12 hours.
    pub fn auto_certificates(
        mut self,
        api_v3_key: impl TryInto<ApiV3Key, Error: Into<ApiV3KeyError>>,
    ) -> Self {
        self.api_v3_key = Some(api_v3_key.try_into().map_err(Into::into));
        self
    }

    /// Where to call instead of `https://api.mch.weixin.qq.com/`. A base with a
    /// path ends in a slash.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// A second host to turn to when the network to the first fails (never on an
    /// error answer), such as `https://api2.mch.weixin.qq.com/`. None by
    /// default.
    pub fn backup_base_url(mut self, url: impl Into<String>) -> Self {
        self.backup_base_url = Some(url.into());
        self
    }

    /// How long a call may take in all, retries and downloads of keys included;
    /// 30 s by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long making a connection may take; 5 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How often to try; see [`RetryPolicy`].
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// At most so many requests a second, evenly spread; calls wait for their
    /// turn. Unlimited by default.
    pub fn rate_limit(mut self, per_second: u32) -> Self {
        self.rate_limit = Some(per_second);
        self
    }

    /// Replaces the header `User-Agent`.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// The language of error messages: `zh-CN` (default), `zh-HK`, `zh-TW`,
    /// `en`.
    pub fn accept_language(mut self, language: impl Into<String>) -> Self {
        self.accept_language = Some(language.into());
        self
    }

    /// A further TLS authority (PEM), beside those of the system: that of a
    /// sandbox or of a company's proxy.
    pub fn root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.roots.push(pem.as_ref().to_vec());
        self
    }

    /// Replaces what carries the requests. Connect timeout and root certificates
    /// are then its own affair.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Replaces the clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Checks everything and makes the client. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] names the setting that is missing or wrong.
    pub fn build(self) -> Result<Client> {
        self.build_over(|transport| transport)
    }

    /// Builds with another transport around the chosen one.
    pub(crate) fn build_over(
        self,
        wrap: impl FnOnce(Arc<dyn Transport>) -> Arc<dyn Transport>,
    ) -> Result<Client> {
        let hosts = self.hosts()?;
        let fixed = self.fixed_headers()?;
        let pace = self.pace()?;
        let transport = self.carrier(&hosts)?;
        let identity = self.credentials.check()?;
        let configured = keyring(
            &self.public_keys,
            &self.certificates,
            Some(&identity.serial_no),
        )?;
        let api_v3_key = self
            .api_v3_key
            .transpose()
            .map_err(|error| Error::setting("auto_certificates", error))?;
        check_keys(&identity, &configured, api_v3_key.is_some())?;
        Ok(Client::new(Inner {
            identity,
            keys: PlatformKeys::new(configured, api_v3_key),
            hosts,
            fixed,
            transport: wrap(transport),
            clock: self.clock,
            timeout: self.timeout,
            retry: self.retry,
            pace,
        }))
    }

    fn hosts(&self) -> Result<Hosts> {
        let parse = |name, url: &str| {
            url.parse::<BaseUrl>()
                .map_err(|error| Error::setting(name, error))
        };
        let main = self.base_url.as_deref().unwrap_or(BaseUrl::PRODUCTION);
        let main = parse("base_url", main)?;
        let backup = self
            .backup_base_url
            .as_deref()
            .map(|url| parse("backup_base_url", url))
            .transpose()?;
        Ok(Hosts::new(main, backup))
    }

    fn fixed_headers(&self) -> Result<FixedHeaders> {
        let header = |name: &str, value: &str| {
            ascii_header(value).ok_or_else(|| {
                let text = format!("{name}: `{value}` has characters that no header can have");
                Error::new(ErrorKind::Config, text)
            })
        };
        let user_agent = self.user_agent.as_deref().unwrap_or(USER_AGENT);
        if user_agent.is_empty() {
            let text = "user_agent: empty; WeChat Pay refuses requests without one";
            return Err(Error::new(ErrorKind::Config, text));
        }
        Ok(FixedHeaders {
            user_agent: header("user_agent", user_agent)?,
            accept_language: self
                .accept_language
                .as_deref()
                .map(|language| header("accept_language", language))
                .transpose()?,
        })
    }

    fn pace(&self) -> Result<Option<Pace>> {
        let Some(per_second) = self.rate_limit else {
            return Ok(None);
        };
        match NonZeroU32::new(per_second) {
            Some(per_second) => Ok(Some(Pace::new(per_second))),
            None => {
                let text = "rate_limit: 0 requests a second would never call";
                Err(Error::new(ErrorKind::Config, text))
            }
        }
    }

    fn carrier(&self, hosts: &Hosts) -> Result<Arc<dyn Transport>> {
        if let Some(transport) = &self.transport {
            return Ok(Arc::clone(transport));
        }
        let mut settings = Settings::new(self.connect_timeout);
        for pem in &self.roots {
            settings
                .add_roots(pem)
                .map_err(|error| Error::setting("root_certificate", error))?;
        }
        let transport = HyperTransport::new(settings);
        // Both are set up at once, so that mistakes show early.
        for (name, host) in [("base_url", Host::Main), ("backup_base_url", Host::Backup)] {
            transport
                .prepare(hosts.base(host).origin())
                .map_err(|error| Error::setting(name, error))?;
        }
        Ok(Arc::new(transport))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("credentials", &self.credentials)
            // Parsed, it shows no user name and no password.
            .field(
                "base_url",
                &self.base_url.as_deref().map(str::parse::<BaseUrl>),
            )
            .finish_non_exhaustive()
    }
}

fn check_keys(identity: &Identity, ring: &Keyring, downloads: bool) -> Result<()> {
    let has_public_key = ring.iter().any(|key| key.id().is_public_key());
    let has_certificates = downloads || ring.iter().any(|key| !key.id().is_public_key());
    let text = match (identity.is_brand(), has_public_key, has_certificates) {
        (true, _, true) => {
            "platform_certificate, auto_certificates: a brand has none, only its public key; \
             leave them out and give wechatpay_public_key"
        }
        (true, false, false) => {
            "wechatpay_public_key is missing: a brand's answers are verified with it"
        }
        (false, false, false) => {
            "no WeChat Pay key: give wechatpay_public_key, platform_certificate or \
             auto_certificates, since every answer is verified"
        }
        _ => return Ok(()),
    };
    Err(Error::new(ErrorKind::Config, text))
}

const USER_AGENT: &str = concat!("kabao/", env!("CARGO_PKG_VERSION"), " (Rust)");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::{
        Brand, Merchant,
        testing::{API_V3_KEY, PUBLIC_KEY_ID, SERIAL_NO, keys, merchant},
    };

    fn public_pem() -> String {
        keys().platform.public_key().to_spki_pem()
    }

    fn with_key(credentials: impl Into<Credentials>) -> ClientBuilder {
        Client::builder(credentials).wechatpay_public_key(PUBLIC_KEY_ID, public_pem())
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let good = || with_key(merchant());
        let certified = &keys().certified[0];
        let own = |serial: &str| {
            Merchant::new("1900000001", serial, certified.key.clone()).certificate(&certified.pem)
        };
        let brand = || Brand::new("1004", SERIAL_NO, keys().merchant.clone());
        let private_pem = keys().merchant.to_pkcs8_pem().unwrap();
        let cases = [
            (
                Client::builder(merchant()),
                "no WeChat Pay key: give wechatpay_public_key",
            ),
            (Client::builder(brand()), "wechatpay_public_key is missing"),
            (
                with_key(brand()).auto_certificates(API_V3_KEY),
                "a brand has none",
            ),
            (
                with_key(brand()).platform_certificate(&certified.pem),
                "a brand has none",
            ),
            (
                good().wechatpay_public_key("4A4A", public_pem()),
                "begins with PUB_KEY_ID_",
            ),
            (
                good().wechatpay_public_key(PUBLIC_KEY_ID, "no pem"),
                "wechatpay_public_key: no PEM",
            ),
            (
                good().wechatpay_public_key(PUBLIC_KEY_ID, private_pem.as_bytes()),
                "wechatpay_public_key: this is a private key",
            ),
            (
                good().platform_certificate("x"),
                "platform_certificate: no certificate",
            ),
            (
                with_key(own(&certified.serial_no)).platform_certificate(&certified.pem),
                "the caller's own certificate",
            ),
            (
                good().auto_certificates("short"),
                "auto_certificates: an APIv3 key has exactly 32",
            ),
            (
                good().base_url("api.mch.weixin.qq.com"),
                "base_url: `api.mch.weixin.qq.com` is not",
            ),
            (good().backup_base_url("ftp://x"), "backup_base_url: "),
            (good().base_url("http://host:99999"), "base_url: "),
            (good().base_url("http://主机/"), "base_url: `http://主机`"),
            (
                good().backup_base_url("http://host:99999"),
                "backup_base_url: ",
            ),
            (good().user_agent("商店"), "user_agent: "),
            (good().user_agent(""), "user_agent: empty"),
            (good().accept_language("a\nb"), "accept_language: "),
            (good().rate_limit(0), "rate_limit: 0"),
            (
                good().root_certificate("x"),
                "root_certificate: no certificate",
            ),
            (
                with_key(Merchant::new("", SERIAL_NO, keys().merchant.clone())),
                "mchid: ``",
            ),
            (
                with_key(Brand::new("1\"4", SERIAL_NO, keys().merchant.clone())),
                "brand_id: ",
            ),
            (
                with_key(Merchant::new("1", "4A 4B", keys().merchant.clone())),
                "serial_no: ",
            ),
            (
                with_key(own(SERIAL_NO)),
                "is not the certificate's, which is 4A4A",
            ),
            (
                with_key(
                    Merchant::new("1", &certified.serial_no, keys().merchant.clone())
                        .certificate(&certified.pem),
                ),
                "the private key does not belong to certificate 4A4A",
            ),
            (
                with_key(merchant().certificate(public_pem())),
                "certificate: no certificate",
            ),
        ];
        for (builder, words) in cases {
            let error = builder.build().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(words), "{error}");
            assert!(!error.to_string().contains("short"), "{error}");
        }
    }

    #[test]
    fn good_settings_make_a_client_that_shows_no_secret() {
        let certified = &keys().certified[0];
        let own = Merchant::new(
            "1900000001",
            certified.serial_no.to_lowercase(),
            certified.key.clone(),
        )
        .certificate(&certified.pem);
        let builder = with_key(own)
            .platform_certificate(&keys().certified[1].pem)
            .auto_certificates(API_V3_KEY.to_owned())
            .root_certificate(&certified.pem)
            .rate_limit(50);
        assert!(!format!("{builder:?}").contains(API_V3_KEY));
        let client = builder.build().unwrap();
        assert!(!format!("{client:?}").contains(API_V3_KEY));
        let builder = with_key(merchant()).base_url("https://user:geheim@host/");
        assert!(!format!("{builder:?}").contains("geheim"));

        let key = ApiV3Key::new(API_V3_KEY).unwrap();
        Client::builder(merchant())
            .auto_certificates(key)
            .build()
            .unwrap();
    }

    #[test]
    fn everything_can_be_shared_between_threads() {
        fn shared<T: Clone + fmt::Debug + Send + Sync + 'static>() {}
        shared::<Client>();
        shared::<crate::Chain>();
        shared::<crate::Error>();
        shared::<crate::Answer>();
        shared::<crate::card_member::CardMember>();
        shared::<crate::card_member::UserCards>();
        fn sendable<T: Send>(_: &T) {}
        let client = with_key(merchant()).build().unwrap();
        let chain = client.chain("v3/x");
        sendable(&chain.get());
        let (cards, key) = (
            client.card_member().user_cards(),
            crate::card_member::UserCardKey::new("1", "2", "3"),
        );
        sendable(&cards.get(&key));
        sendable(&client.seal("x"));
    }
}
