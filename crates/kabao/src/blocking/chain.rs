use std::{fmt, sync::Arc};

use kabao_core::call::{Body, Call, Method};
use serde::Serialize;

use super::driver::Driver;
use crate::{Answer, Unverified, error::Result};

/// A call under construction; see [`Chain`](crate::Chain).
#[derive(Clone)]
pub struct Chain {
    chain: crate::Chain,
    driver: Arc<Driver>,
}

impl Chain {
    pub(super) fn new(chain: crate::Chain, driver: Arc<Driver>) -> Self {
        Self { chain, driver }
    }

    /// Gives a placeholder of the path its value.
    #[must_use]
    pub fn param(&self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.with(self.chain.param(name, value))
    }

    /// Adds query parameters: anything that serialises to pairs.
    #[must_use]
    pub fn query(&self, query: impl Serialize) -> Self {
        self.with(self.chain.query(query))
    }

    /// Adds a header; given twice, the later one counts.
    #[must_use]
    pub fn header(&self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(self.chain.header(name, value))
    }

    /// Sets the body, serialised once: what is signed is what is sent.
    #[must_use]
    pub fn json(&self, body: impl Serialize) -> Self {
        self.with(self.chain.json(body))
    }

    /// Sets a ready body.
    #[must_use]
    pub fn body(&self, body: Body) -> Self {
        self.with(self.chain.body(body))
    }

    /// Says whether the call may be repeated without harm, and so be retried.
    #[must_use]
    pub fn repeatable(&self, repeatable: bool) -> Self {
        self.with(self.chain.repeatable(repeatable))
    }

    /// Reads.
    ///
    /// # Errors
    /// [`Error`](crate::Error); decide by its kind.
    pub fn get(&self) -> Result<Answer> {
        self.send(Method::Get)
    }

    /// Creates, or runs an action.
    ///
    /// # Errors
    /// [`Error`](crate::Error); decide by its kind.
    pub fn post(&self) -> Result<Answer> {
        self.send(Method::Post)
    }

    /// Replaces.
    ///
    /// # Errors
    /// [`Error`](crate::Error); decide by its kind.
    pub fn put(&self) -> Result<Answer> {
        self.send(Method::Put)
    }

    /// Changes.
    ///
    /// # Errors
    /// [`Error`](crate::Error); decide by its kind.
    pub fn patch(&self) -> Result<Answer> {
        self.send(Method::Patch)
    }

    /// Removes.
    ///
    /// # Errors
    /// [`Error`](crate::Error); decide by its kind.
    pub fn delete(&self) -> Result<Answer> {
        self.send(Method::Delete)
    }

    /// Calls with a method that is known only at run time.
    ///
    /// # Errors
    /// [`Error`](crate::Error); decide by its kind.
    pub fn send(&self, method: Method) -> Result<Answer> {
        self.driver.run(self.chain.send(method))
    }

    /// Fetches a file from one of the few paths whose answers are not signed.
    ///
    /// # Errors
    /// As [`Chain::download`](crate::Chain::download).
    pub fn download(&self) -> Result<Unverified> {
        self.driver.run(self.chain.download())
    }

    /// The call as it would be sent, without host, time and signature.
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request) if it cannot be built.
    pub fn call(&self, method: Method) -> Result<Call> {
        self.chain.call(method)
    }

    fn with(&self, chain: crate::Chain) -> Self {
        Self::new(chain, Arc::clone(&self.driver))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chain.fmt(f)
    }
}
