//! From a request that was let in to a reply: parse, ask the domain, answer.

pub(crate) mod activities;
pub(crate) mod cards;
pub(crate) mod certificates;
pub(crate) mod imports;
pub(crate) mod pictures;
pub(crate) mod points;
pub(crate) mod security;
pub(crate) mod tokens;
pub(crate) mod user_cards;
pub(crate) mod user_feeds;

mod form;
mod members;
mod sealing;

use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;
use kabao_core::{UserCardKey, signature::Scheme};
use serde::Serialize;

use crate::{
    app::{App, failed},
    authenticate::Admitted,
    clock::{business_time, real_now},
    domain::RequestNumber,
    gate::Received,
    operations::PathParams,
    refusal::Refusal,
    store::{Needs, Window, Workspace},
};
use members::Members;

/// A request in the hands of an operation.
pub(crate) struct Context<'a> {
    pub(crate) app: &'a App,
    pub(crate) admitted: &'a Admitted,
    pub(crate) request: &'a Received,
    /// Path, query and body members, each with its place.
    pub(crate) members: Members,
}

/// What goes back, before it is signed.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn ok<T: Serialize>(value: &T) -> Self {
        Self::json(StatusCode::OK, value)
    }

    /// A page of a list.
    pub(crate) fn page<T: Serialize>(data: Vec<T>, total_count: u64, window: Window) -> Self {
        #[derive(Serialize)]
        struct Page<T> {
            data: Vec<T>,
            total_count: u64,
            offset: u64,
            limit: u64,
        }
        Self::ok(&Page {
            data,
            total_count,
            offset: window.offset,
            limit: window.limit,
        })
    }

    pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Self {
        // A card with its sealed values fits, so that nothing is moved meanwhile.
        let mut body = Vec::with_capacity(2048);
        // Wire types have text keys only, so writing them cannot fail.
        let _ = serde_json::to_writer(&mut body, value);
        Self {
            status,
            body: body.into(),
        }
    }
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        app: &'a App,
        admitted: &'a Admitted,
        request: &'a Received,
        params: PathParams,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            app,
            admitted,
            request,
            members: Members::read(request, params)?,
        })
    }

    /// The brand that the request is about: a service provider names it, a
    /// brand is it.
    pub(crate) fn brand_id(&self) -> Result<String, Refusal> {
        self.short_brand_id(32)
    }

    /// The same, where fewer characters are documented than the usual 32.
    pub(crate) fn short_brand_id(&self, limit: usize) -> Result<String, Refusal> {
        match self.admitted.caller.scheme {
            Scheme::WechatpayBrandSha256Rsa2048 => {
                let own = self.admitted.caller.identity.clone();
                match self.members.placed_text("brand_id")? {
                    Some((place, given)) if given != own => {
                        Err(place.blame("brand_id", given, "品牌只能操作自己的会员卡"))
                    }
                    _ => Ok(own),
                }
            }
            _ => self.members.text("brand_id", limit),
        }
    }

    /// What time it is in the sandbox, and 403 unless the caller may manage the
    /// brand's members.
    pub(crate) async fn authorise(&self, brand_id: &str) -> Result<Timestamp, Refusal> {
        let (_, now) = self.load(Needs::of(brand_id)).await?;
        Ok(now)
    }

    /// Which card the request is about: code, template and user.
    pub(crate) fn key(&self) -> Result<UserCardKey, Refusal> {
        let members = &self.members;
        Ok(UserCardKey {
            user_card_code: members.user_card_code()?,
            card_id: members.text("card_id", 32)?,
            openid: members.text("openid", 128)?,
        })
    }

    /// The request's number, with what the request says.
    pub(crate) fn request_number(
        &self,
        operation: &str,
        number: &str,
        content: &impl Serialize,
    ) -> RequestNumber {
        let caller = &self.admitted.caller;
        let caller = format!("{} {}", caller.scheme.identity_item(), caller.identity);
        RequestNumber::new(&caller, operation, number, content)
    }

    /// Reads what is needed, with what [`authorise`](Self::authorise) tells, at
    /// one moment.
    pub(crate) async fn load(&self, needs: Needs) -> Result<(Workspace, Timestamp), Refusal> {
        let found = self.app.store.load(&needs.by(self.mchid())).await;
        let found = found.map_err(|error| failed(&error))?;
        let now = authorised(&found, real_now())?;
        Ok((found, now))
    }

    /// Lets a rule decide, in one transaction, if the caller may manage the
    /// brand's members. The rule is told what time it is in the sandbox.
    pub(crate) async fn decide<T: Send + 'static>(
        &self,
        needs: Needs,
        rule: impl Fn(&mut Workspace, Timestamp) -> Result<T, Refusal> + Send + Sync + 'static,
    ) -> Result<T, Refusal> {
        let real = real_now();
        let rule = move |workspace: &mut Workspace| {
            let now = authorised(workspace, real)?;
            rule(workspace, now)
        };
        let decided = self.app.store.decide(needs.by(self.mchid()), rule).await;
        decided.map_err(|error| failed(&error))?
    }

    /// The caller, unless it is a brand, which needs nobody's leave.
    pub(crate) fn mchid(&self) -> Option<&str> {
        let caller = &self.admitted.caller;
        (caller.scheme != Scheme::WechatpayBrandSha256Rsa2048).then_some(&*caller.identity)
    }
}

/// What time it is in the sandbox, for who may manage the brand's members.
fn authorised(workspace: &Workspace, real: Timestamp) -> Result<Timestamp, Refusal> {
    let standing = workspace.standing();
    match standing.served {
        true => Ok(business_time(standing.clock, real)),
        false => {
            let brand_id = workspace.brand_id();
            let issue = format!("商户未获品牌{brand_id}授权会员卡产品权限");
            Err(Refusal::no_auth(issue))
        }
    }
}
