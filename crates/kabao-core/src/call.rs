//! A request before it is signed.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use serde::Serialize;

use crate::{
    field::FieldError,
    keyring::KeyId,
    query::{QueryError, to_query},
    sensitive::SealError,
    template::{Template, TemplateError},
};

/// An HTTP method of API v3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, or runs an action.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 5] = [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// Upper case, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// The method of that name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|method| method.as_str().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is sent in a request, and which of it is signed.
#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    /// `Content-Type`.
    pub content_type: String,
    /// The bytes sent.
    pub bytes: Bytes,
    /// The bytes signed: the same, except for uploads.
    pub signed: Bytes,
}

impl Body {
    /// A JSON body, sent and signed as it is.
    pub fn json(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            content_type: "application/json".into(),
            signed: bytes.clone(),
            bytes,
        }
    }
}

impl fmt::Debug for Body {
    /// Bodies carry phone numbers, so only the size is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({}, {} bytes)", self.content_type, self.bytes.len())
    }
}

/// A request that lacks only a host, a time and a signature. `Debug` shows the
/// path as declared and no values.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The path as declared, for logs: placeholders instead of values.
    pub template: String,
    /// Path and query, encoded; resolved against the base address when sent.
    pub reference: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body, if any.
    pub body: Option<Body>,
    /// Whether repeating it cannot apply it twice.
    pub repeatable: bool,
}

impl Call {
    /// Begins a call to a declared path (see [`Template`]).
    #[must_use]
    pub fn to(path: &str) -> CallBuilder {
        CallBuilder::new(Template::parse(path))
    }

    /// The value of a header, by any case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&String> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("template", &self.template)
            .field("headers", &headers)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// Collects the parts of a [`Call`]. Mistakes are kept and surface in
/// [`build`](Self::build). `Debug` shows the path as declared and no values.
#[derive(Clone)]
pub struct CallBuilder {
    template: Result<Arc<Template>, BuildError>,
    params: Vec<(String, String)>,
    query: String,
    headers: Vec<(String, String)>,
    body: Option<Body>,
    repeatable: Option<bool>,
}

impl CallBuilder {
    /// Begins with a template, or with why there is none.
    pub fn new(template: Result<Template, TemplateError>) -> Self {
        Self {
            template: template.map(Arc::new).map_err(BuildError::from),
            params: Vec::new(),
            query: String::new(),
            headers: Vec::new(),
            body: None,
            repeatable: None,
        }
    }

    /// Gives a placeholder its value, percent-encoded when sent. Given twice,
    /// the later one counts; one that the path does not have is ignored.
    #[must_use]
    pub fn param(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        let name = name.into();
        self.params.retain(|(known, _)| *known != name);
        self.params.push((name, value.to_string()));
        self
    }

    /// Adds query parameters: anything that serialises to pairs.
    #[must_use]
    pub fn query<Q: Serialize + ?Sized>(mut self, query: &Q) -> Self {
        match to_query(query) {
            Ok(text) => append_query(&mut self.query, &text),
            Err(error) => self.fail(error.into()),
        }
        self
    }

    /// Adds a header. Given twice, the later one counts.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        self.headers.push((name, value.into()));
        self
    }

    /// Names the key that sealed the body's values.
    #[must_use]
    pub fn sealed_with(self, key: &KeyId) -> Self {
        self.header(crate::answer::header::SERIAL, key.as_str())
    }

    /// Serialises the body, once: what is signed is what is sent.
    #[must_use]
    pub fn json<B: Serialize + ?Sized>(mut self, body: &B) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body = Some(Body::json(bytes)),
            Err(error) => self.fail(BuildError::Json {
                reason: error.to_string(),
            }),
        }
        self
    }

    /// Takes a ready body.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = Some(body);
        self
    }

    /// Says whether repeating the call cannot apply it twice. Without it, GET,
    /// PUT and DELETE are repeatable.
    #[must_use]
    pub fn repeatable(mut self, repeatable: bool) -> Self {
        self.repeatable = Some(repeatable);
        self
    }

    /// The path as declared, unless something was wrong so far.
    #[must_use]
    pub fn template(&self) -> Option<&Template> {
        self.template.as_deref().ok()
    }

    /// Finishes the call.
    ///
    /// # Errors
    /// [`BuildError`]: the first thing that was wrong.
    pub fn build(&self, method: Method) -> Result<Call, BuildError> {
        let template = self.template.as_ref().map_err(Clone::clone)?;
        let mut reference = template.expand(|name| {
            self.params
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.as_str())
        })?;
        if !self.query.is_empty() {
            reference.push(if reference.contains('?') { '&' } else { '?' });
            reference.push_str(&self.query);
        }
        Ok(Call {
            method,
            template: template.to_string(),
            reference,
            headers: self.headers.clone(),
            body: self.body.clone(),
            repeatable: self
                .repeatable
                .unwrap_or(matches!(method, Method::Get | Method::Put | Method::Delete)),
        })
    }

    fn fail(&mut self, error: BuildError) {
        if self.template.is_ok() {
            self.template = Err(error);
        }
    }
}

impl fmt::Debug for CallBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let template = self.template.as_ref().map(ToString::to_string);
        f.debug_struct("CallBuilder")
            .field("template", &template)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// A call could not be built. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The path.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The query.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The body.
    #[error("the body cannot be written as JSON: {reason}")]
    Json {
        /// Why.
        reason: String,
    },
    /// A member that the service is known to refuse.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A brand has no such operation, as far as its documentation is known.
    #[error("{operation} is for service providers; no page for brands is known")]
    PartnerOnly {
        /// The operation.
        operation: &'static str,
    },
    /// A sensitive value.
    #[error("{field} cannot be sealed")]
    Seal {
        /// JSON Pointer of the member.
        field: String,
        /// Why.
        source: SealError,
    },
}

fn append_query(query: &mut String, more: &str) {
    if !query.is_empty() && !more.is_empty() {
        query.push('&');
    }
    query.push_str(more);
}
