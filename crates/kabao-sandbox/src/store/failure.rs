//! What goes wrong inside a transaction, before it is told as a
//! [`StoreError`](super::StoreError).

use std::{
    any::Any,
    error::Error,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Whatever it was.
pub(super) type Failure = Box<dyn Error + Send + Sync>;

/// Does work that comes from outside, rules above all: a panic is a failure of
/// that work and harms no other.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(text_of(panic.as_ref()).into()))
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    format!("the rule panicked: {}", text.unwrap_or_default())
}
