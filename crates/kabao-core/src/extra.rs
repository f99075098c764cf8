//! Members of the wire that this version does not know.

use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error},
};
use serde_json::{Map, Value};

/// Unknown members by name, kept as they came. `Debug` shows the names only:
/// what is unknown may be personal.
///
/// ```
/// use kabao_core::extra::Extra;
///
/// let extra: Extra = serde_json::from_str(r#"{"points": 7}"#)?;
/// assert_eq!(extra["points"], 7);
/// assert_eq!(format!("{extra:?}"), r#"Extra(["points"])"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Extra(Map<String, Value>);

impl Extra {
    /// Takes out what older pages call by another name. (`serde`'s `alias` would
    /// refuse an answer that has both.)
    pub(crate) fn take<T: DeserializeOwned, E: Error>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, E> {
        let value = self.0.shift_remove(name);
        value
            .map(serde_json::from_value)
            .transpose()
            .map_err(E::custom)
    }
}

impl Deref for Extra {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Extra {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.0.keys().collect();
        f.debug_tuple("Extra").field(&names).finish()
    }
}

/// `Default` for a member whose type has none of its own.
pub(crate) fn none<T>() -> Option<T> {
    None
}

/// Null means the same as absent.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
