//! The certificate download, checked with what it brings.

use http::StatusCode;
use kabao_core::{
    answer::VerifyError,
    call::{Call, Method},
    certificate_list::{CertificateList, PATH},
    keyring::{KeyId, PlatformKey},
    message::Signed,
};
use tokio::time::Instant;

use super::{
    Inner,
    accept::{refusal, verify},
    send::{Ask, within},
};
use crate::error::{Error, ErrorKind, Failure, Result};

const LIMIT: usize = 1 << 20;

/// What one download gave.
enum Download {
    /// Certificates under a signature that one of them, or a known key, made.
    Verified(Vec<PlatformKey>),
    /// Certificates under a signature by a key that is not among them.
    SignedByAnother(Vec<PlatformKey>, VerifyError),
    /// 404: the merchant has only the public key.
    None,
}

impl Inner {
    /// Downloads the certificates, once for all who wait.
    pub(super) async fn refresh_keys(&self, deadline: Instant) -> Result<()> {
        let download = async {
            let keys = self.download_certificates(deadline).await?;
            tracing::debug!(target: "kabao", certificates = keys.len(), "keys refreshed");
            Ok(keys)
        };
        let refresh = self.keys.refresh(self.clock.now(), download);
        within(deadline, &call()?, false, refresh).await?
    }

    /// Looks for a key that an answer names. Whether it is there now.
    pub(super) async fn look_for(&self, serial: &KeyId, deadline: Instant) -> Result<bool> {
        let now = self.clock.now();
        if !self.keys.may_look_for(serial, now) {
            return Ok(false);
        }
        if !self.keys.knows(serial) {
            self.refresh_keys(deadline).await?;
        }
        let found = self.keys.knows(serial);
        if !found {
            self.keys.looked_in_vain(now);
        }
        Ok(found)
    }

    /// The server may sign the first answer with its public key, which a client
    /// that is only now looking for keys cannot check. What opens with the APIv3
    /// key is genuine, so the second request asks for one of those certificates.
    async fn download_certificates(&self, deadline: Instant) -> Result<Vec<PlatformKey>> {
        let keys = match self.download_once(Ask::None, deadline).await? {
            Download::Verified(keys) => return Ok(keys),
            Download::None => return Ok(Vec::new()),
            Download::SignedByAnother(keys, _) => keys,
        };
        let ring = self.keys.with(&keys);
        let Some(best) = ring.preferred(self.clock.now()) else {
            return Ok(Vec::new());
        };
        match self.download_once(Ask::Key(best.id()), deadline).await? {
            Download::Verified(keys) => Ok(keys),
            Download::None => Ok(Vec::new()),
            Download::SignedByAnother(_, error) => Err(distrusted(&call()?, error)),
        }
    }

    async fn download_once(&self, ask: Ask<'_>, deadline: Instant) -> Result<Download> {
        let Some(api_v3_key) = self.keys.api_v3_key() else {
            return Ok(Download::None);
        };
        let call = call()?;
        let received = self.exchange(&call, ask, LIMIT, deadline).await?;
        let response = &received.response;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(Download::None),
            _ => return Err(refusal(&call, &received, is_signed(response))),
        }
        let list: CertificateList = serde_json::from_slice(response.body()).map_err(|error| {
            let text = format!("the answer is not a list of certificates: {error}");
            Failure::new(ErrorKind::PlatformKeys, text)
                .because(error)
                .on(&call)
        })?;
        let keys = list
            .open(api_v3_key)
            .map_err(|error| {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                let text = format!("{error}: {}", cause.unwrap_or_default());
                Failure::new(ErrorKind::PlatformKeys, text)
                    .because(error)
                    .on(&call)
            })?
            .iter()
            .map(PlatformKey::certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| {
                Failure::new(ErrorKind::PlatformKeys, error.to_string())
                    .because(error)
                    .on(&call)
            })?;
        let ring = self.keys.with(&keys);
        match verify(response, Signed::Body, &ring, self.now()) {
            Ok(_) => Ok(Download::Verified(keys)),
            Err(error @ VerifyError::UnknownSerial { .. }) => {
                Ok(Download::SignedByAnother(keys, error))
            }
            Err(error) => Err(distrusted(&call, error)),
        }
    }
}

fn is_signed<B>(response: &http::Response<B>) -> bool {
    response
        .headers()
        .contains_key(kabao_core::answer::header::SIGNATURE)
}

fn distrusted(call: &Call, error: VerifyError) -> Error {
    let text = format!("the certificates cannot be believed: {error}");
    Failure::new(ErrorKind::Verification, text)
        .because(error)
        .on(call)
        .into()
}

fn call() -> Result<Call> {
    Ok(Call::to(PATH).build(Method::Get)?)
}
