use serde::{Deserialize, Serialize};

use crate::extra::{Extra, null_as_default};

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows; absent as well as empty means none.
    #[serde(
        default = "Vec::new",
        deserialize_with = "null_as_default",
        bound(deserialize = "T: Deserialize<'de>")
    )]
    pub data: Vec<T>,
    /// How many there are in all.
    pub total_count: u64,
    /// The row that the page begins with.
    pub offset: u64,
    /// How many rows were asked for.
    pub limit: u64,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl<T> Page<T> {
    /// The most rows that a page may have.
    pub const MAX_LIMIT: u64 = 20;

    /// The same page with its rows in another form.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            data: self.data.into_iter().map(change).collect(),
            total_count: self.total_count,
            offset: self.offset,
            limit: self.limit,
            extra: self.extra,
        }
    }
}
