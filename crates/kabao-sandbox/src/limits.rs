//! Rate limits per operation and caller.

mod allowance;
mod leases;
mod limiter;

use std::{collections::BTreeMap, num::NonZeroU32};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

use crate::{keys::CallerKind, operations};

#[cfg(feature = "sqlite")]
pub(crate) use allowance::Allowance;
pub use allowance::Taken;
#[cfg(feature = "postgres")]
pub(crate) use allowance::{SECOND_US, shares};
pub(crate) use limiter::{Counted, Limiter};

/// Which rate limits a sandbox keeps.
///
/// In JSON `"documented"`, `"off"`, or a [`LimitTable`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RateLimits {
    /// Those of the documentation: 5 a second for most operations.
    #[default]
    Documented,
    /// None.
    Off,
    /// Others.
    Table(LimitTable),
}

/// Rates of one's own. In TOML:
///
/// ```toml
/// default = 20                # calls a second, where nothing else is said;
///                             # without it, what is documented
/// [operations]
/// get_user_card = 100
/// sync_user_points = { merchant = 5, brand = 10 }
/// ```
///
/// Operations have the names that the journal gives them. A rate of 0 is not
/// taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct LimitTable {
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<PerSecond>,
    operations: BTreeMap<String, PerSecond>,
}

/// How often, for both kinds of callers or for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum PerSecond {
    Both(NonZeroU32),
    Each(Each),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Each {
    #[serde(deserialize_with = "rate", skip_serializing_if = "Option::is_none")]
    merchant: Option<NonZeroU32>,
    #[serde(deserialize_with = "rate", skip_serializing_if = "Option::is_none")]
    brand: Option<NonZeroU32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    default: Option<PerSecond>,
    #[serde(default)]
    operations: BTreeMap<String, PerSecond>,
}

impl TryFrom<Unchecked> for LimitTable {
    type Error = String;

    fn try_from(table: Unchecked) -> Result<Self, String> {
        let mut known: BTreeMap<&str, Vec<CallerKind>> = BTreeMap::new();
        for (id, kind, _) in operations::rates() {
            known.entry(id).or_default().push(kind);
        }
        if let Some(default) = &table.default {
            let all = [CallerKind::Merchant, CallerKind::Brand];
            default
                .check(&all)
                .map_err(|issue| format!("default: {issue}"))?;
        }
        for (id, rate) in &table.operations {
            let Some(callers) = known.get(&**id) else {
                let known: Vec<_> = known.into_keys().collect();
                let known = known.join(", ");
                return Err(format!("there is no operation `{id}`; there are {known}"));
            };
            let checked = rate.check(callers);
            checked.map_err(|issue| format!("operations.{id}: {issue}"))?;
        }
        Ok(table.unchecked())
    }
}

impl<'de> Deserialize<'de> for LimitTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table: Result<Unchecked, _> = serde_path_to_error::deserialize(deserializer);
        let table = table.map_err(D::Error::custom)?;
        table.try_into().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for PerSecond {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            each @ Value::Object(_) => serde_path_to_error::deserialize(each).map(Self::Each),
            both => return of_number(&both).map(Self::Both).map_err(D::Error::custom),
        }
        .map_err(D::Error::custom)
    }
}

fn rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    let rate = of_number(&Value::deserialize(deserializer)?);
    rate.map(Some).map_err(D::Error::custom)
}

fn of_number(value: &Value) -> Result<NonZeroU32, String> {
    let rate = value.as_u64().and_then(|rate| u32::try_from(rate).ok());
    rate.and_then(NonZeroU32::new).ok_or_else(|| {
        format!(
            "{value} is not a rate, which is a whole number from 1 to {}, or {{ merchant = …, \
             brand = … }} of such",
            u32::MAX
        )
    })
}

impl PerSecond {
    /// Whether it is a rate of somebody, and of nobody but those who call.
    fn check(&self, callers: &[CallerKind]) -> Result<(), String> {
        let Self::Each(Each { merchant, brand }) = self else {
            return Ok(());
        };
        let rates = [(CallerKind::Merchant, merchant), (CallerKind::Brand, brand)];
        let mut given = rates.iter().filter(|(_, rate)| rate.is_some()).peekable();
        if given.peek().is_none() {
            return Err("neither merchant nor brand has a rate".to_owned());
        }
        match given.find(|(kind, _)| !callers.contains(kind)) {
            Some((kind, _)) => Err(format!("{0}: a {0} does not call it", kind.name())),
            None => Ok(()),
        }
    }
}

impl Unchecked {
    fn unchecked(self) -> LimitTable {
        LimitTable {
            default: self.default,
            operations: self.operations,
        }
    }
}

impl LimitTable {
    fn per_second(&self, operation: &str, kind: CallerKind) -> Option<NonZeroU32> {
        let named = self.operations.get(operation);
        let of_kind = |rate: &PerSecond| match (rate, kind) {
            (PerSecond::Both(rate), _) => Some(*rate),
            (PerSecond::Each(each), CallerKind::Merchant) => each.merchant,
            (PerSecond::Each(each), CallerKind::Brand) => each.brand,
        };
        named
            .and_then(of_kind)
            .or_else(|| self.default.as_ref().and_then(of_kind))
    }
}

impl RateLimits {
    /// Limits as a store keeps them. A newer version may have put them there, and
    /// named operations that this one does not have: those are for others.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn from_stored(text: &str) -> Result<Self, serde_json::Error> {
        match serde_json::from_str(text)? {
            table @ Value::Object(_) => Ok(Self::Table(Unchecked::deserialize(table)?.unchecked())),
            other => Self::deserialize(other),
        }
    }

    /// How often a caller of that kind may; `None` if there is no limit.
    pub(crate) fn per_second(
        &self,
        operation: &str,
        kind: CallerKind,
        documented: NonZeroU32,
    ) -> Option<NonZeroU32> {
        match self {
            Self::Documented => Some(documented),
            Self::Off => None,
            Self::Table(table) => Some(table.per_second(operation, kind).unwrap_or(documented)),
        }
    }
}

impl Serialize for RateLimits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Documented => serializer.serialize_str("documented"),
            Self::Off => serializer.serialize_str("off"),
            Self::Table(table) => table.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for RateLimits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(name) if name == "documented" => Ok(Self::Documented),
            Value::String(name) if name == "off" => Ok(Self::Off),
            table @ Value::Object(_) => LimitTable::deserialize(table)
                .map(Self::Table)
                .map_err(D::Error::custom),
            other => Err(D::Error::custom(format!(
                "{other} is none of \"documented\", \"off\" and a table of rates"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rate(limits: &RateLimits, operation: &str, kind: CallerKind) -> Option<u32> {
        let documented = NonZeroU32::new(5).expect("not 0");
        let rate = limits.per_second(operation, kind, documented);
        rate.map(NonZeroU32::get)
    }

    #[test]
    fn the_most_particular_rate_counts() {
        let limits: RateLimits = serde_json::from_value(json!({
            "default": {"merchant": 20},
            "operations": {"get_user_card": 100, "sync_user_points": {"brand": 7}},
        }))
        .expect("a table");
        use CallerKind::{Brand, Merchant};
        for (operation, kind, wanted) in [
            ("get_user_card", Merchant, 100),
            ("get_user_card", Brand, 100),
            ("sync_user_points", Brand, 7),
            ("sync_user_points", Merchant, 20),
            ("create_card", Merchant, 20),
            ("create_card", Brand, 5),
        ] {
            assert_eq!(
                rate(&limits, operation, kind),
                Some(wanted),
                "{operation} {kind:?}"
            );
        }
        assert_eq!(rate(&RateLimits::Off, "create_card", Merchant), None);
        assert_eq!(rate(&RateLimits::Documented, "create_card", Brand), Some(5));
    }

    #[test]
    fn what_is_written_reads_back() {
        for text in [
            r#""documented""#,
            r#""off""#,
            r#"{"operations":{}}"#,
            r#"{"default":3,"operations":{"get_card":{"brand":7}}}"#,
        ] {
            let limits: RateLimits = serde_json::from_str(text).expect(text);
            assert_eq!(serde_json::to_string(&limits).expect("JSON"), text);
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            assert_eq!(RateLimits::from_stored(text).expect("stored"), limits);
        }
    }

    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    #[test]
    fn a_newer_version_may_know_more_operations() {
        let text = r#"{"default":3,"operations":{"get_card":7,"of_tomorrow":1}}"#;
        let limits = RateLimits::from_stored(text).expect("limits");
        assert_eq!(rate(&limits, "get_card", CallerKind::Brand), Some(7));
        assert_eq!(rate(&limits, "create_card", CallerKind::Brand), Some(3));
        // From anybody else it is a mistake.
        serde_json::from_str::<RateLimits>(text).expect_err("no such operation");
    }

    #[test]
    fn mistakes_are_named() {
        for (value, wanted) in [
            (json!("of"), "none of"),
            (json!(5), "none of"),
            (json!({"operations": {"get_crad": 1}}), "get_crad"),
            (json!({"operations": {"get_card": 0}}), "from 1"),
            (
                json!({"default": {"merchants": 1}}),
                "default: merchants: unknown field `merchants`",
            ),
            (json!({"default": 0}), "default: 0 is not a rate"),
            (
                json!({"default": {}}),
                "default: neither merchant nor brand",
            ),
            (
                json!({"operations": {"get_card": {"brand": 1.5}}}),
                "operations.get_card: brand: 1.5 is not a rate",
            ),
            (
                json!({"operations": {"get_card": {}}}),
                "operations.get_card: neither",
            ),
            (
                json!({"operations": {"delete_card": {"brand": 1}}}),
                "operations.delete_card: brand: a brand does not call it",
            ),
            (json!({"defualt": 1}), "defualt"),
        ] {
            let error = serde_json::from_value::<RateLimits>(value).expect_err(wanted);
            assert!(error.to_string().contains(wanted), "{error}");
        }
    }
}
