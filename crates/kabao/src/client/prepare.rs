//! From a call to a signed request.

use std::fmt::{self, Write as _};

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
#[derive(Clone)]
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

impl fmt::Debug for SignedRequest {
    /// Address and body hold openids and phone numbers, so neither is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest")
            .field("method", self.request.method())
            .field("host", &self.request.uri().host())
            .field("body_bytes", &self.request.body().len())
            .finish_non_exhaustive()
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
        // Some 600 characters; writing to a String cannot fail.
        let mut text = String::with_capacity(640);
        let _ = write!(text, "{authorization}");
        let mut authorization = header(call, "Authorization", &text)?;
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
            .ok()
            .filter(|uri| uri.path_and_query().is_some_and(|sent| *sent == *target))
            .ok_or_else(|| {
                let text = "path and query cannot be sent as they were signed; percent-encode \
                            them, `#` too, or give the values with `param` and `query`";
                Error::request(call, text)
            })?;
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
    ascii_header(value).ok_or_else(|| {
        let text = format!("header {name}: only visible ASCII characters can be sent");
        Error::request(call, text)
    })
}

/// The HTTP library would take other bytes too, which servers read differently.
pub(super) fn ascii_header(value: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(value)
        .ok()
        .filter(|_| value.is_ascii())
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use kabao_core::call::Method;

    use crate::{
        Client, ErrorKind,
        testing::{By, Fake, PUBLIC_KEY_ID, builder, client, is_signed, keys, merchant, signed},
    };

    #[tokio::test]
    async fn what_is_signed_is_what_goes_out() {
        let fake = Fake::new(|_, _| signed(By::PublicKey, 200, "{}"));
        let client = client(&fake);
        let chain = client
            .chain("v3/测试/{code}/_b_")
            .param("code", "a/b%2F 张三")
            .param("b", "x")
            .query([("name", "张 三"), ("plus", "1+1")]);
        chain.get().await.unwrap();
        chain.json([("k", "值")]).put().await.unwrap();
        let seen = fake.seen();
        assert_eq!(
            seen[0].uri().to_string(),
            "https://api.mch.weixin.qq.com/v3/%E6%B5%8B%E8%AF%95/a%2Fb%252F%20%E5%BC%A0%E4%B8%89/x\
             ?name=%E5%BC%A0%20%E4%B8%89&plus=1%2B1",
        );
        assert_eq!(seen[1].body().as_ref(), r#"[["k","值"]]"#.as_bytes());
        assert_eq!(seen[1].headers()["content-type"], "application/json");
        for request in &seen {
            assert!(is_signed(request));
            assert!(request.headers()["authorization"].is_sensitive());
            assert_eq!(request.headers()["wechatpay-serial"], PUBLIC_KEY_ID);
            assert_eq!(request.headers()["accept"], "application/json");
            assert!(
                request.headers()["user-agent"]
                    .to_str()
                    .unwrap()
                    .starts_with("kabao/")
            );
        }
    }

    #[tokio::test]
    async fn a_call_made_by_hand_goes_out_as_it_is_signed_or_not_at_all() {
        let client = client(&Fake::new(|_, _| signed(By::PublicKey, 200, "{}")));
        let mut call = client.chain("v3/x").call(Method::Get).unwrap();
        for reference in ["v3/x?openid=obLatj#y", "v3/x?openid=obLatj y"] {
            call.reference = reference.into();
            let error = client.send(&call).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Request);
            assert!(error.to_string().contains("percent-encode"), "{error}");
            assert!(!format!("{error:?}").contains("obLatj"), "{error:?}");
        }
        for reference in ["/", "v3/x?", "v3//x?a=/?"] {
            call.reference = reference.into();
            client.send(&call).await.unwrap();
        }
    }

    #[tokio::test]
    async fn the_callers_headers_count() {
        let fake = Fake::new(|_, _| signed(By::PublicKey, 200, "{}"));
        let client = builder(&fake)
            .user_agent("shop/1")
            .accept_language("en")
            .build()
            .unwrap();
        let chain = client
            .chain("v3/x")
            .header("Wechatpay-Serial", "4A")
            .header("accept", "*/*");
        chain.get().await.unwrap();
        let seen = fake.seen();
        let headers = seen[0].headers();
        assert_eq!(headers["wechatpay-serial"], "4A");
        assert_eq!(headers["accept"], "*/*");
        assert_eq!(headers["user-agent"], "shop/1");
        assert_eq!(headers["accept-language"], "en");

        for (name, value) in [("X-Name", "张三"), ("a b", "c"), ("authorization", "mine")] {
            let error = chain.header(name, value).get().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Request);
            assert!(error.to_string().contains(name), "{error}");
            assert!(!error.may_have_taken_effect());
        }
        assert_eq!(fake.count(), 1);
    }

    #[tokio::test]
    async fn without_a_public_key_the_newest_certificate_is_asked_for() {
        let fake = Fake::new(|_, _| signed(By::Certificate(0), 200, "{}"));
        let [older, newer] = &keys().certified;
        let client = Client::builder(merchant())
            .platform_certificate(&newer.pem)
            .platform_certificate(&older.pem)
            .transport(fake.clone());
        let answer = client.build().unwrap().chain("v3/x").get().await.unwrap();
        assert_eq!(
            fake.seen()[0].headers()["wechatpay-serial"],
            newer.serial_no
        );
        assert_eq!(answer.verified_by().as_str(), older.serial_no);
    }

    #[tokio::test]
    async fn a_call_can_be_signed_and_looked_at() {
        let fake = Fake::new(|_, _| signed(By::PublicKey, 200, "{}"));
        let client = client(&fake);
        let call = client.chain("v3/x").json([1]).call(Method::Post).unwrap();
        let signed = client.sign(&call).await.unwrap();
        assert!(is_signed(signed.request()));
        assert!(signed.message().starts_with(b"POST\n/v3/x\n"));
        assert!(signed.message().ends_with(b"\n[1]\n"));
        assert_eq!(
            format!("{signed:?}"),
            r#"SignedRequest { method: POST, host: Some("api.mch.weixin.qq.com"), body_bytes: 3, .. }"#,
        );
        assert_eq!(fake.count(), 0);
    }
}
