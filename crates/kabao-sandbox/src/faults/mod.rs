//! Trouble on demand.
//!
//! What is answered, its signature, its way and the clock can each go wrong: of
//! every such [part](Part) a request meets the first fault that was armed, selects
//! it and does not let it off by chance. All but the clock are chosen once the
//! request's signature was accepted, so a 401 stays a 401, and take effect
//! [instead](Strike::instead) of the operation, in the [signature](signing) of
//! the answer, or as the answer [leaves](Departure).

mod chance;
mod departure;
mod duty;
mod kind;
mod order;
mod post;
mod signing;
mod strike;

use serde::{Deserialize, Serialize};

pub(crate) use departure::Departure;
pub(crate) use duty::Faults;
pub(crate) use kind::{Kind, Part};
pub(crate) use post::posted_body;
pub(crate) use signing::signature_headers;
pub(crate) use strike::{Noted, Strike};

/// What goes wrong, for whom, and how often.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    pub(crate) on: On,
    pub(crate) selector: Selector,
}

/// What is befallen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum On {
    /// Answers to requests whose signature was accepted.
    #[default]
    Answer,
    /// Notifications, each time they are posted.
    Notification,
}

/// Which requests or notifications a fault befalls. They are passed over first
/// ([`skip`](Self::skip)), then chance decides, then they are counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Selector {
    /// Only requests with this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    /// Only requests, or notifications, whose path begins like this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// Only requests of, or notifications to, this mchid or brand id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) caller: Option<String>,
    /// Only requests of this operation, as the journal names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) operation: Option<String>,
    /// How likely each is befallen, 0 to 1; without it, each is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) probability: Option<f64>,
    /// Where chance begins: the same seed befalls the same ones again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// How many more to let pass first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) skip: Option<u64>,
    /// How many more to befall; without it, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u64>,
}

/// What a fault may befall.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion<'a> {
    on: On,
    method: &'a str,
    path: &'a str,
    caller: Option<&'a str>,
    operation: Option<&'a str>,
}

impl<'a> Occasion<'a> {
    /// A request that has arrived. Who sent it is not known yet.
    pub(crate) fn request(method: &'a str, path: &'a str, operation: Option<&'a str>) -> Self {
        Self {
            on: On::Answer,
            method,
            path,
            caller: None,
            operation,
        }
    }

    /// The same request, once that is proved.
    pub(crate) fn by(self, caller: &'a str) -> Self {
        Self {
            caller: Some(caller),
            ..self
        }
    }

    /// A notification that is about to be posted.
    pub(crate) fn notification(path: &'a str, receiver: &'a str) -> Self {
        Self {
            on: On::Notification,
            method: "POST",
            path,
            caller: Some(receiver),
            operation: None,
        }
    }
}

impl Fault {
    fn selects(&self, occasion: &Occasion<'_>) -> bool {
        let Selector {
            method,
            path,
            caller,
            operation,
            ..
        } = &self.selector;
        let is = |wanted: &Option<String>, given: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| given == Some(wanted))
        };
        // A clock is off whatever it is read for.
        (self.on == occasion.on || self.kind.is_skew())
            && method
                .as_deref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(occasion.method))
            && path
                .as_deref()
                .is_none_or(|start| occasion.path.starts_with(start))
            && is(caller, occasion.caller)
            && is(operation, occasion.operation)
    }
}
