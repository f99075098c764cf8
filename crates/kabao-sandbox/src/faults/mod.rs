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
mod kind;
mod order;
mod post;
mod signing;
mod strike;

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use serde::{Deserialize, Serialize};

use chance::Chance;

pub(crate) use departure::Departure;
pub(crate) use kind::{Kind, Part};
pub(crate) use post::posted_body;
pub(crate) use signing::signature_headers;
use strike::Struck;
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

/// A fault on duty.
#[derive(Debug)]
struct Armed {
    fault: Fault,
    chance: Chance,
}

impl Armed {
    /// Whether one that is selected is befallen; counts it.
    fn falls(&mut self) -> Option<Struck> {
        let Selector {
            probability,
            skip,
            count,
            ..
        } = &mut self.fault.selector;
        if let Some(left) = skip.as_mut().filter(|left| **left > 0) {
            *left -= 1;
            return None;
        }
        if probability.is_some_and(|probability| self.chance.number() >= probability) {
            return None;
        }
        if let Some(left) = count {
            *left = left.checked_sub(1)?;
        }
        Some(Struck::new(&self.fault, &mut self.chance))
    }

    fn is_spent(&self) -> bool {
        self.fault.selector.count == Some(0)
    }
}

/// The faults that are armed, in the order of arming.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    armed: Mutex<Vec<Armed>>,
    /// Whether there are any, which nearly every request finds there are not.
    any: AtomicBool,
}

impl Faults {
    /// Arms a fault.
    pub(crate) fn arm(&self, fault: Fault) {
        let chance = Chance::new(fault.selector.seed.unwrap_or_default());
        let mut armed = self.lock();
        armed.push(Armed { fault, chance });
        self.any.store(true, Ordering::Release);
    }

    /// What is armed, counted down to what is left.
    pub(crate) fn armed(&self) -> Vec<Fault> {
        self.lock()
            .iter()
            .map(|armed| armed.fault.clone())
            .collect()
    }

    /// Disarms all.
    pub(crate) fn clear(&self) {
        let mut armed = self.lock();
        armed.clear();
        self.any.store(false, Ordering::Release);
    }

    /// What befalls this one, its clock aside.
    pub(crate) fn strike(&self, occasion: &Occasion<'_>) -> Strike {
        self.meet(occasion, &[Part::Content, Part::Way, Part::Signature])
    }

    /// How far the clock is off for this one.
    pub(crate) fn skew(&self, occasion: &Occasion<'_>) -> Strike {
        self.meet(occasion, &[Part::Clock])
    }

    /// The first fault of each of these parts.
    fn meet(&self, occasion: &Occasion<'_>, parts: &[Part]) -> Strike {
        if !self.any.load(Ordering::Acquire) {
            return Strike::default();
        }
        let mut armed = self.lock();
        let mut strike = Strike::default();
        for part in parts {
            if *part == Part::Signature && !strike.shows_signature() {
                continue;
            }
            let first = armed
                .iter_mut()
                .filter(|armed| armed.fault.kind.part() == *part && armed.fault.selects(occasion))
                .find_map(Armed::falls);
            strike.faults.extend(first);
        }
        armed.retain(|armed| !armed.is_spent());
        self.any.store(!armed.is_empty(), Ordering::Release);
        strike
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn armed(order: Value) -> Faults {
        let faults = Faults::default();
        faults.arm(Fault::from_json(order).expect("a fault"));
        faults
    }

    fn hits(faults: &Faults, method: &str, path: &str) -> bool {
        let occasion = Occasion::request(method, path, Some("get_user_card")).by("1900000001");
        !faults.strike(&occasion).noted().is_empty()
    }

    #[test]
    fn strikes_as_often_as_asked_and_only_where_asked() {
        let faults = armed(json!({
            "kind": "bad_signature", "count": 2, "skip": 1, "method": "get", "path": "/v3/",
            "caller": "1900000001", "operation": "get_user_card",
        }));
        assert!(!hits(&faults, "POST", "/v3/x"));
        assert!(!hits(&faults, "GET", "/brand/x"));
        let elsewhere = Occasion::request("GET", "/v3/x", Some("list_cards"));
        for other in [
            elsewhere.by("1900000001"),
            Occasion::request("GET", "/v3/x", Some("get_user_card")).by("1004"),
            Occasion::notification("/v3/x", "1900000001"),
        ] {
            assert!(faults.strike(&other).noted().is_empty(), "{other:?}");
        }
        let struck = [0; 4].map(|_| hits(&faults, "GET", "/v3/x"));
        assert_eq!(struck, [false, true, true, false]);
        assert!(faults.armed().is_empty());
    }

    #[test]
    fn of_each_part_the_first_that_is_armed_strikes() {
        let faults = armed(json!({"kind": "probe", "count": 1}));
        for order in [
            json!({"kind": "missing_signature"}),
            json!({"kind": "delay", "ms": 1, "count": 2}),
            json!({"kind": "lost_answer"}),
            json!({"kind": "error_envelope", "count": 1}),
        ] {
            faults.arm(Fault::from_json(order).expect("a fault"));
        }
        let occasion = Occasion::request("GET", "/v3/x", None);
        let names = || {
            let noted = faults.strike(&occasion).noted().into_iter();
            noted.map(|noted| noted.kind).collect::<Vec<_>>()
        };
        assert_eq!(names(), ["error_envelope", "delay", "probe"]);
        assert_eq!(names(), ["delay", "missing_signature"]);
        // Of what does not arrive nobody sees the signature.
        assert_eq!(names(), ["lost_answer"]);
        faults.clear();
        assert!(names().is_empty());
    }

    #[test]
    fn what_has_no_signature_uses_up_no_fault_of_signatures() {
        let faults = armed(json!({"kind": "bad_signature", "count": 1}));
        let order = json!({"kind": "html", "count": 1});
        faults.arm(Fault::from_json(order).expect("a fault"));
        let occasion = Occasion::request("GET", "/v3/x", None);
        let kind = || {
            faults
                .strike(&occasion)
                .noted()
                .pop()
                .map(|noted| noted.kind)
        };
        assert_eq!(
            [kind(), kind(), kind()],
            [Some("html"), Some("bad_signature"), None]
        );
    }

    #[test]
    fn a_seed_befalls_the_same_ones_again() {
        let run = |seed: u64| {
            let order = json!({"kind": "probe", "probability": 0.3, "seed": seed});
            let faults = armed(order);
            (0..200)
                .map(|_| hits(&faults, "GET", "/v3/x"))
                .collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let struck = run(7).into_iter().filter(|struck| *struck).count();
        assert!((40..=80).contains(&struck), "{struck} of 200");
        let never = armed(json!({"kind": "probe", "probability": 0.0}));
        let always = armed(json!({"kind": "probe", "probability": 1.0}));
        for _ in 0..200 {
            assert!(!hits(&never, "GET", "/v3/x") && hits(&always, "GET", "/v3/x"));
        }
    }

    #[test]
    fn a_clock_is_off_for_requests_and_notifications_alike() {
        let faults = armed(json!({"kind": "clock_skew", "seconds": -90}));
        for occasion in [
            Occasion::request("GET", "/v3/x", None),
            Occasion::notification("/notify", "1004"),
        ] {
            assert_eq!(faults.skew(&occasion).seconds(), -90);
            assert!(faults.strike(&occasion).noted().is_empty());
        }
    }
}
