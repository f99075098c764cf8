//! A client for the resolved caller, and the ids that calls use.

use http::HeaderValue;
use jiff::Timestamp;
use kabao::{Brand, Client, Merchant, card_member::CardMember};
use kabao_sandbox::Sandbox;

use crate::{
    control::{Control, is_production},
    embedded,
    output::{
        printer::{Format, Printer},
        time,
    },
    problem::Problem,
    settings::{Access, Caller, Defaults, Identity, Settings},
};

/// What a command works with.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) identity: Identity,
    /// The host, if it is not production.
    base_url: Option<String>,
    root_certificate: Option<Vec<u8>>,
    control_token: Option<HeaderValue>,
    defaults: Defaults,
    /// Keeps the embedded sandbox alive while calls are made.
    sandbox: Option<Sandbox>,
}

impl Session {
    /// Makes the client, and starts the embedded sandbox if it is to be asked.
    async fn open(profile: Option<&str>, printer: &Printer) -> Result<Self, Problem> {
        let settings = Settings::load(profile)?;
        for warning in &settings.warnings {
            printer.warn(warning);
        }
        let (access, defaults, sandbox) = match settings.caller {
            Caller::Configured(access) => (*access, settings.defaults, None),
            Caller::Embedded { data_dir, sandbox } => {
                let embedded = embedded::start(&data_dir, sandbox, printer).await?;
                let defaults = settings.defaults.or(embedded.sample_ids);
                (embedded.access, defaults, Some(embedded.sandbox))
            }
        };
        Ok(Self {
            client: connect(&access)?,
            identity: access.identity,
            base_url: access.base_url,
            root_certificate: access.root_certificate,
            control_token: access.control_token,
            defaults,
            sandbox,
        })
    }

    /// Opens a session, works with it, and closes it whatever came of the work.
    pub(crate) async fn with<T>(
        profile: Option<&str>,
        printer: &Printer,
        work: impl AsyncFnOnce(&Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let session = Self::open(profile, printer).await?;
        let outcome = work(&session).await;
        session.close().await;
        outcome
    }

    /// The same, and then the time of whoever was asked, if a table is to tell
    /// what is left of something.
    pub(crate) async fn with_now<T>(
        profile: Option<&str>,
        printer: &Printer,
        work: impl AsyncFnOnce(&Self) -> Result<T, Problem>,
    ) -> Result<(T, Option<Timestamp>), Problem> {
        let outcome = Self::with(profile, printer, async |session| {
            let outcome = work(session).await?;
            let now = match printer.format {
                Format::Table => session.now().await,
                Format::Json | Format::Jsonl => None,
            };
            Ok((outcome, now))
        });
        outcome.await
    }

    /// A sandbox has a clock of its own; production has real time.
    async fn now(&self) -> Option<Timestamp> {
        match &self.base_url {
            Some(url) if !is_production(url) => {
                let control = Control::at(url, self.root_certificate.as_deref()).ok()?;
                let control = control.authorised(self.control_token.clone());
                control.now().await
            }
            _ => Some(time::now()),
        }
    }

    /// Stops the embedded sandbox, if there is one.
    async fn close(self) {
        drop(self.client);
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
    }

    /// Whether the sandbox that is called ends with the command.
    pub(crate) fn is_embedded(&self) -> bool {
        self.sandbox.is_some()
    }

    /// The member cards of a brand: another's for a service provider, its own
    /// for a brand.
    pub(crate) fn members(&self, brand_id: Option<&str>) -> CardMember {
        match brand_id {
            Some(brand_id) => self.client.card_member_for(brand_id),
            None => self.client.card_member(),
        }
    }

    /// The member cards for a request that names no brand.
    pub(crate) fn members_of_no_brand(&self) -> CardMember {
        match &self.identity {
            // The client takes an id all the same, and this one is at hand.
            Identity::Merchant(mchid) => self.client.card_member_for(mchid),
            Identity::Brand(_) => self.client.card_member(),
        }
    }

    /// The brand that a service provider calls for; `None` for a brand itself,
    /// whose id is never in the request.
    pub(crate) fn brand_id(&self, flag: Option<String>) -> Result<Option<String>, Problem> {
        match &self.identity {
            Identity::Merchant(_) => self.defaults.brand_id(flag).map(Some),
            Identity::Brand(own) => match flag {
                Some(other) if other != *own => Err(Problem::new(format!(
                    "brand {own} cannot call for brand {other}"
                ))
                .hint("leave --brand-id out, or choose another profile")),
                _ => Ok(None),
            },
        }
    }

    pub(crate) fn card_id(&self, flag: Option<String>) -> Result<String, Problem> {
        self.defaults.card_id(flag)
    }

    pub(crate) fn openid(&self, flag: Option<String>) -> Result<String, Problem> {
        self.defaults.openid(flag)
    }
}

fn connect(access: &Access) -> Result<Client, Problem> {
    let serial_no = &access.serial_no;
    let key = access.private_key.clone();
    let mut builder = match &access.identity {
        Identity::Merchant(mchid) => Client::builder(Merchant::new(mchid, serial_no, key)),
        Identity::Brand(brand_id) => Client::builder(Brand::new(brand_id, serial_no, key)),
    };
    if let Some(public_key) = &access.wechatpay_public_key {
        builder = builder.wechatpay_public_key(&public_key.id, &public_key.pem);
    }
    if let (Some(key), Identity::Merchant(_)) = (&access.apiv3_key, &access.identity) {
        builder = builder.auto_certificates(key.clone());
    }
    if let Some(url) = &access.base_url {
        builder = builder.base_url(url);
    }
    if let Some(pem) = &access.root_certificate {
        builder = builder.root_certificate(pem);
    }
    builder.build().map_err(Problem::from)
}
