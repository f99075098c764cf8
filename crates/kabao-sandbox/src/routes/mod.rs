//! From a request that was let in to a reply: parse, ask the domain, answer.

pub(crate) mod cards;
pub(crate) mod certificates;
pub(crate) mod security;
pub(crate) mod user_cards;

mod members;
mod sealing;

use bytes::Bytes;
use http::StatusCode;
use kabao_core::signature::Scheme;
use serde::Serialize;

use crate::{
    app::{App, failed},
    authenticate::Admitted,
    gate::Received,
    operations::PathParams,
    refusal::Refusal,
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

    pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Self {
        // Wire types have text keys only, so writing them cannot fail.
        let body = serde_json::to_vec(value).unwrap_or_default();
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
            _ => self.members.text("brand_id", 32),
        }
    }

    /// 403 unless the caller may manage the brand's members.
    pub(crate) async fn authorise(&self, brand_id: &str) -> Result<(), Refusal> {
        let Some(mchid) = self.mchid() else {
            return Ok(());
        };
        let serves = self.app.store.serves(mchid, brand_id).await;
        match serves.map_err(|error| failed(&error))? {
            true => Ok(()),
            false => Err(not_served(brand_id)),
        }
    }

    /// The caller, unless it is a brand, which needs nobody's leave.
    pub(crate) fn mchid(&self) -> Option<&str> {
        let caller = &self.admitted.caller;
        (caller.scheme != Scheme::WechatpayBrandSha256Rsa2048).then_some(&*caller.identity)
    }
}

pub(crate) fn not_served(brand_id: &str) -> Refusal {
    Refusal::no_auth(format!("商户未获品牌{brand_id}授权会员卡产品权限"))
}
