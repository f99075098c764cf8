//! A fault as it is ordered and shown: one flat object.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{Fault, Kind, On, Selector};
use crate::random;

/// The older name of a probe on notifications.
const PROBE_NOTIFICATION: &str = "probe_notification";

/// The members of a [`Selector`]; the others are the kind's.
const SELECTOR: [&str; 8] = [
    "method",
    "path",
    "caller",
    "operation",
    "probability",
    "seed",
    "skip",
    "count",
];

impl Fault {
    /// Reads an order. What is wrong with it is said in words that begin with
    /// the member.
    pub(crate) fn from_json(order: Value) -> Result<Self, String> {
        let Value::Object(mut members) = order else {
            return Err(r#"a fault is an object such as {"kind": "bad_signature"}"#.into());
        };
        let kind = match members.remove("kind") {
            Some(Value::String(kind)) => kind,
            Some(other) => return Err(format!("kind: {other} is no name")),
            None => return Err("kind: missing, such as bad_signature".into()),
        };
        let on = members.remove("on");
        let mut selector = Map::new();
        for name in SELECTOR {
            selector.extend(members.remove_entry(name));
        }
        let on: Option<On> = read("on", 0, on.unwrap_or_default())?;
        let (kind, on) = match (&*kind, on) {
            (PROBE_NOTIFICATION, None | Some(On::Notification)) => {
                ("probe", Some(On::Notification))
            }
            (PROBE_NOTIFICATION, Some(On::Answer)) => {
                return Err("on: probe_notification befalls notifications".into());
            }
            (kind, on) => (kind, on),
        };
        let kind: Kind = read("kind", 1, json!({ kind: members }))?;
        let mut fault = Self {
            on: on.unwrap_or_else(|| kind.on()),
            kind,
            selector: read("", 0, Value::Object(selector))?,
        };
        fault.kind.check(fault.on)?;
        fault.selector.check(fault.on)?;
        if fault.kind.is_skew() && on.is_some() {
            return Err("on: a clock is off for answers and notifications alike".into());
        }
        if fault.kind.is_skew() && fault.selector.caller.is_some() {
            return Err("caller: the clock is read before the caller is known".into());
        }
        let is_random = fault.kind.is_random() || fault.selector.probability.is_some();
        match (is_random, fault.selector.seed) {
            (false, Some(_)) => Err("seed: goes with probability or sigma".into()),
            (true, None) => {
                // Shown, so that what it did can be repeated.
                fault.selector.seed = Some(random::seed());
                Ok(fault)
            }
            _ => Ok(fault),
        }
    }

    /// Shows it as it could be ordered again.
    pub(crate) fn to_json(&self) -> Value {
        let mut shown = Map::new();
        shown.insert("kind".into(), self.kind.name().into());
        if self.on != On::default() {
            shown.extend(members(json!({"on": self.on})));
        }
        // `{"the kind's name": {its members}}`.
        let named = members(json!(self.kind)).into_iter();
        shown.extend(named.flat_map(|(_, own)| members(own)));
        shown.extend(members(json!(self.selector)));
        Value::Object(shown)
    }
}

impl Selector {
    /// What makes no sense, the member first.
    fn check(&self, on: On) -> Result<(), String> {
        const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
        if self.count == Some(0) {
            return Err("count: 0 answers would be befallen; leave it out for all".into());
        }
        if let Some(path) = &self.path
            && !path.starts_with('/')
        {
            return Err(format!("path: `{path}` does not begin with /"));
        }
        if let Some(method) = &self.method
            && !METHODS
                .iter()
                .any(|known| known.eq_ignore_ascii_case(method))
        {
            return Err(format!(
                "method: `{method}` is none of {}",
                METHODS.join(", ")
            ));
        }
        if let Some(probability) = self.probability
            && !(0.0..=1.0).contains(&probability)
        {
            return Err(format!("probability: {probability} is not between 0 and 1"));
        }
        match (on, self) {
            (
                On::Notification,
                Self {
                    operation: Some(_), ..
                },
            ) => Err("operation: a notification has none".into()),
            (
                On::Notification,
                Self {
                    method: Some(_), ..
                },
            ) => Err("method: a notification is always posted".into()),
            _ => Ok(()),
        }
    }
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Reads a part of an order whose members stand so deep; `whole` is to blame if
/// none of them is.
fn read<T: DeserializeOwned>(whole: &str, depth: usize, value: Value) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let member = error.path().iter().nth(depth).map(ToString::to_string);
        let issue = error.into_inner();
        match (member.as_deref(), whole) {
            (Some("?") | None, "") => issue.to_string(),
            (Some("?") | None, whole) => format!("{whole}: {issue}"),
            (Some(member), _) => format!("{member}: {issue}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ordered_is_shown() {
        for order in [
            json!({"kind": "bad_signature", "count": 3}),
            json!({"kind": "status", "status": 429, "signed": true, "retry_after": 2}),
            json!({"kind": "status", "status": 503, "code": "X", "message": "y", "signed": false}),
            json!({"kind": "delay", "ms": 5, "method": "GET", "path": "/v3/", "skip": 2}),
            json!({"kind": "delay", "median_ms": 50, "sigma": 0.5, "seed": 1}),
            json!({"kind": "reset", "at": "body", "caller": "1004"}),
            json!({"kind": "lost_answer", "ms": 5, "operation": "get_user_card"}),
            json!({"kind": "stale_signature", "on": "notification", "seconds": -400}),
            json!({"kind": "delay", "on": "notification", "ms": 10_000}),
            json!({"kind": "duplicate", "on": "notification"}),
            json!({"kind": "error_envelope", "code": "X", "message": "y"}),
            json!({"kind": "html", "status": 504, "probability": 0.5, "seed": 1}),
            json!({"kind": "clock_skew", "seconds": 400}),
        ] {
            let fault = Fault::from_json(order.clone()).expect("a fault");
            assert_eq!(fault.to_json(), order);
        }
    }

    #[test]
    fn what_is_left_out_has_a_default_and_chance_a_seed() {
        let shown = |order| Fault::from_json(order).expect("a fault").to_json();
        assert_eq!(
            shown(json!({"kind": "probe_notification", "count": 1})),
            json!({"kind": "probe", "on": "notification", "count": 1})
        );
        assert_eq!(
            shown(json!({"kind": "bad_ciphertext"})),
            json!({"kind": "bad_ciphertext", "on": "notification"})
        );
        assert_eq!(
            shown(json!({"kind": "reset"})),
            json!({"kind": "reset", "at": "before"})
        );
        assert_eq!(
            shown(json!({"kind": "html"})),
            json!({"kind": "html", "status": 502})
        );
        let half = shown(json!({"kind": "probe", "probability": 0.5}));
        assert!(half["seed"].is_u64(), "{half}");
    }

    #[test]
    fn what_is_wrong_is_named_first() {
        for (order, begins) in [
            (json!([]), "a fault is an object"),
            (json!({}), "kind: missing"),
            (json!({"kind": 1}), "kind: 1"),
            (
                json!({"kind": "earthquake"}),
                "kind: unknown variant `earthquake`",
            ),
            (
                json!({"kind": "probe", "cuont": 1}),
                "cuont: unknown field `cuont`",
            ),
            (
                json!({"kind": "probe", "status": 500}),
                "status: unknown field",
            ),
            (json!({"kind": "status"}), "kind: missing field `status`"),
            (
                json!({"kind": "status", "status": "x"}),
                "status: invalid type",
            ),
            (json!({"kind": "status", "status": 100}), "status: 100"),
            (
                json!({"kind": "status", "status": 204, "code": "X"}),
                "code: 204",
            ),
            (
                json!({"kind": "status", "status": 304, "message": "x"}),
                "message: 304",
            ),
            (json!({"kind": "delay"}), "ms: missing"),
            (json!({"kind": "delay", "ms": -1}), "ms: invalid value"),
            (json!({"kind": "delay", "ms": 600_001}), "ms: 600001"),
            (
                json!({"kind": "delay", "ms": 1, "median_ms": 1}),
                "ms: give it or",
            ),
            (json!({"kind": "delay", "ms": 1, "sigma": 1}), "sigma: "),
            (json!({"kind": "delay", "median_ms": 1}), "sigma: "),
            (
                json!({"kind": "delay", "median_ms": 1, "sigma": 9}),
                "sigma: 9",
            ),
            (
                json!({"kind": "reset", "at": "noon"}),
                "at: unknown variant",
            ),
            (json!({"kind": "html", "status": 404}), "status: 404"),
            (json!({"kind": "clock_skew", "seconds": 0}), "seconds: 0"),
            (
                json!({"kind": "clock_skew", "seconds": i64::MAX}),
                "seconds: 9",
            ),
            (
                json!({"kind": "clock_skew", "seconds": 1, "on": "answer"}),
                "on: a clock",
            ),
            (
                json!({"kind": "clock_skew", "seconds": 1, "caller": "1"}),
                "caller: the clock",
            ),
            (
                json!({"kind": "html", "on": "notification"}),
                "on: html befalls answers",
            ),
            (
                json!({"kind": "duplicate", "on": "answer"}),
                "on: duplicate befalls notifications",
            ),
            (
                json!({"kind": "reset", "at": "body", "on": "notification"}),
                "at: a notification",
            ),
            (
                json!({"kind": "lost_answer", "ms": 1, "on": "notification"}),
                "ms: the receiver's answer",
            ),
            (
                json!({"kind": "delay", "ms": 10_001, "on": "notification"}),
                "ms: 10001",
            ),
            (
                json!({"kind": "probe", "on": "sundays"}),
                "on: unknown variant",
            ),
            (
                json!({"kind": "probe_notification", "on": "answer"}),
                "on: probe_notification",
            ),
            (json!({"kind": "probe", "count": 0}), "count: 0"),
            (
                json!({"kind": "probe", "count": "x"}),
                "count: invalid type",
            ),
            (
                json!({"kind": "probe", "probability": 1.5}),
                "probability: 1.5",
            ),
            (json!({"kind": "probe", "seed": 1}), "seed: goes with"),
            (json!({"kind": "probe", "path": "v3"}), "path: `v3`"),
            (
                json!({"kind": "probe", "method": "FETCH"}),
                "method: `FETCH`",
            ),
            (
                json!({"kind": "probe", "on": "notification", "operation": "x"}),
                "operation: a notification",
            ),
            (
                json!({"kind": "probe", "on": "notification", "method": "GET"}),
                "method: a notification",
            ),
            (
                json!({"kind": "duplicate", "method": "POST"}),
                "method: a notification",
            ),
            (
                json!({"kind": "delay", "median_ms": 10_001, "sigma": 1, "on": "notification"}),
                "median_ms: 10001",
            ),
        ] {
            let issue = Fault::from_json(order.clone()).expect_err("refused");
            assert!(issue.starts_with(begins), "{order}: {issue}");
        }
    }
}
