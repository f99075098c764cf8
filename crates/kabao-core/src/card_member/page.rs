use serde::{Deserialize, Serialize};

use crate::{
    extra::{Extra, null_as_default},
    field::FieldError,
    operation::Operation,
};

/// A list: the operation that reads one page of it.
pub trait Listing: Operation<Output = Page<<Self as Listing>::Row>> {
    /// What it is a list of.
    type Row;

    /// How many rows the page passes over: where to read on.
    fn offset_mut(&mut self) -> &mut u64;
}

/// Makes an operation with `offset` and `limit` a [`Listing`], and gives it
/// setters for both.
macro_rules! listing {
    ($list:ident, $row:ty) => {
        impl $list {
            /// Passes over so many rows.
            #[must_use]
            pub fn offset(mut self, offset: u64) -> Self {
                self.offset = offset;
                self
            }

            /// Gives at most so many rows a page, 1 to 20.
            #[must_use]
            pub fn limit(mut self, limit: u64) -> Self {
                self.limit = limit;
                self
            }
        }

        impl Listing for $list {
            type Row = $row;

            fn offset_mut(&mut self) -> &mut u64 {
                &mut self.offset
            }
        }
    };
}

pub(super) use listing;

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

    /// Whether so many rows may be asked for.
    pub(super) fn check_limit(limit: u64) -> Result<(), FieldError> {
        if (1..=Self::MAX_LIMIT).contains(&limit) {
            return Ok(());
        }
        let issue = format!("a page has 1 to {} rows", Self::MAX_LIMIT);
        Err(FieldError::new("limit", limit.to_string(), issue))
    }

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
