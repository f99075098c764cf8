//! `GET /v3/certificates`.

use http::StatusCode;
use kabao_core::{
    certificate_list::{ASSOCIATED_DATA, CertificateList, ListedCertificate},
    field::FieldError,
    resource::EncryptedResource,
    time::Time,
};

use super::{Context, Reply};
use crate::{keys::PlatformSigner, random, refusal::Refusal};

/// The platform certificates, encrypted with the caller's APIv3 key.
pub(crate) async fn list(cx: Context<'_>) -> Result<Reply, Refusal> {
    match cx.members.optional_text("algorithm_type", 8)?.as_deref() {
        None | Some("RSA" | "ALL") => {}
        Some("SM2") => return Err(none()),
        Some(other) => {
            let error = FieldError::new("algorithm_type", other, "应为RSA、SM2或ALL");
            return Err(Refusal::param("query", &error));
        }
    }
    let caller = &cx.admitted.caller;
    let data = caller
        .platform
        .iter()
        .filter_map(|signer| listed(signer, &caller.secret))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| {
            tracing::error!(%error, "a certificate could not be encrypted");
            Refusal::system_error()
        })?;
    if data.is_empty() {
        return Err(none());
    }
    Ok(Reply::ok(&CertificateList { data }))
}

fn listed(
    signer: &PlatformSigner,
    key: &kabao_core::ApiV3Key,
) -> Option<Result<ListedCertificate, kabao_core::resource::ResourceError>> {
    let (pem, certificate) = signer.certificate.as_ref()?;
    let sealed = EncryptedResource::seal(
        key,
        &random::resource_nonce(),
        ASSOCIATED_DATA,
        pem.as_bytes(),
    );
    // A certificate that gives way is said to expire then.
    let expires = signer.retires.unwrap_or(certificate.not_after());
    Some(sealed.map(|encrypt_certificate| ListedCertificate {
        serial_no: signer.id.to_string(),
        effective_time: Time::seconds(certificate.not_before()).to_string(),
        expire_time: Time::seconds(expires).to_string(),
        encrypt_certificate,
    }))
}

fn none() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "RESOURCE_NOT_EXISTS",
        "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥",
    )
}
