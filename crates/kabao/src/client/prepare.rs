//! From a call to a signed request.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::{
        ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT,
    },
};
use kabao_core::{
    answer::header::SERIAL,
    authorization::{Authorization, Stamp},
    call::{Call, Method},
    keyring::KeyId,
    message, signature,
    target::BaseUrl,
};

use super::Inner;
use crate::error::{Error, ErrorKind, Failure, Result};

/// A request that is ready to go out, and the message that was signed for it.
#[derive(Debug, Clone)]
pub struct SignedRequest {
    request: http::Request<Bytes>,
    message: Vec<u8>,
}

impl SignedRequest {
    /// Method, address, headers and body as they go out.
    #[must_use]
    pub fn request(&self) -> &http::Request<Bytes> {
        &self.request
    }

    /// The canonical message under the signature. It ends with the body.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    pub(super) fn into_request(self) -> http::Request<Bytes> {
        self.request
    }
}

/// Headers that every request has.
#[derive(Debug)]
pub(crate) struct FixedHeaders {
    pub(crate) user_agent: HeaderValue,
    pub(crate) accept_language: Option<HeaderValue>,
}

impl Inner {
    /// Signs `call` for `base`, now. `serial` names the key that the answer is
    /// to be signed with, unless the call does so itself.
    pub(super) async fn prepare(
        &self,
        call: &Call,
        base: &BaseUrl,
        serial: Option<&KeyId>,
    ) -> Result<SignedRequest> {
        let target = base.target(&call.reference);
        let (body, signed) = match &call.body {
            Some(body) => (body.bytes.clone(), body.signed.as_ref()),
            None => (Bytes::new(), &[][..]),
        };
        let mut headers = self.headers(call, serial)?;
        let stamp = Stamp::new(self.clock.now().as_second(), &random()?);
        let timestamp = stamp.timestamp.to_string();
        let message = message::request(
            call.method.as_str(),
            &target,
            &timestamp,
            &stamp.nonce,
            signed,
        );
        let signature = self.identity.signer.sign(&message).await.map_err(|error| {
            Failure::new(ErrorKind::Signer, error.to_string())
                .because(error)
                .on(call)
        })?;
        let authorization = Authorization {
            scheme: self.identity.scheme,
            identity: self.identity.id.clone(),
            nonce: stamp.nonce,
            timestamp,
            serial_no: self.identity.serial_no.clone(),
            signature: signature::encode(&signature),
        };
        let mut authorization = header(call, "Authorization", &authorization.to_string())?;
        authorization.set_sensitive(true);
        headers.insert(AUTHORIZATION, authorization);
        tracing::debug!(
            target: "kabao",
            serial_no = %self.identity.serial_no,
            scheme = %self.identity.scheme,
            "signed",
        );

        let mut request = http::Request::new(body);
        *request.method_mut() = method(call.method);
        *request.uri_mut() = Uri::try_from(format!("{}{target}", base.origin()))
            .map_err(|error| Error::request(call, format!("`{target}`: {error}")))?;
        *request.headers_mut() = headers;
        Ok(SignedRequest { request, message })
    }

    fn headers(&self, call: &Call, serial: Option<&KeyId>) -> Result<HeaderMap> {
        let mut headers = HeaderMap::with_capacity(8 + call.headers.len());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, self.fixed.user_agent.clone());
        if let Some(language) = &self.fixed.accept_language {
            headers.insert(ACCEPT_LANGUAGE, language.clone());
        }
        if let Some(body) = &call.body {
            headers.insert(
                CONTENT_TYPE,
                header(call, "Content-Type", &body.content_type)?,
            );
        }
        if let Some(serial) = serial {
            headers.insert(SERIAL_NAME, header(call, SERIAL, serial.as_str())?);
        }
        for (name, value) in &call.headers {
            let value = header(call, name, value)?;
            let name = HeaderName::try_from(name.as_str())
                .map_err(|_| Error::request(call, format!("`{name}` is not a header name")))?;
            if [AUTHORIZATION, HOST, CONTENT_LENGTH].contains(&name) {
                let text = format!("header {name} is made by the client and cannot be given");
                return Err(Error::request(call, text));
            }
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

/// Random bytes for a nonce.
pub(super) fn random() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Error::new(ErrorKind::Signer, "the system gives no random bytes"))?;
    Ok(bytes)
}

fn header(call: &Call, name: &str, value: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(value).map_err(|_| {
        let text = format!("header {name}: only visible ASCII characters can be sent");
        Error::request(call, text)
    })
}

fn method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
    }
}

/// [`SERIAL`], as the HTTP library writes names.
const SERIAL_NAME: HeaderName = HeaderName::from_static("wechatpay-serial");
