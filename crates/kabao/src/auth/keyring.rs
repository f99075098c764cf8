use kabao_core::{
    PublicKey,
    certificate::Certificate,
    keyring::{KeyId, Keyring, PlatformKey},
};

use crate::error::{Error, ErrorKind, Result};

/// The ring of the keys that were given: public keys with their ids, and
/// certificates, none of which may be the caller's own.
pub(crate) fn keyring(
    public_keys: &[(String, Vec<u8>)],
    certificates: &[Vec<u8>],
    own_serial_no: Option<&str>,
) -> Result<Keyring> {
    let public_keys = public_keys.iter().map(|(id, pem)| public_key(id, pem));
    let own = own_serial_no.map(KeyId::new);
    let certificates = certificates
        .iter()
        .map(|pem| certificate(pem, own.as_ref()));
    public_keys.chain(certificates).collect()
}

fn public_key(id: &str, pem: &[u8]) -> Result<PlatformKey> {
    if !KeyId::new(id).is_public_key() {
        let text = format!(
            "wechatpay_public_key: its id begins with PUB_KEY_ID_, `{id}` does not; \
             the merchant console shows it beside the key"
        );
        return Err(Error::new(ErrorKind::Config, text));
    }
    PublicKey::from_pem(pem)
        .map(|key| PlatformKey::public_key(id, key))
        .map_err(|error| Error::setting("wechatpay_public_key", error))
}

fn certificate(pem: &[u8], own: Option<&KeyId>) -> Result<PlatformKey> {
    let certificate = Certificate::from_pem(pem)
        .map_err(|error| Error::setting("platform_certificate", error))?;
    let key = PlatformKey::certificate(&certificate)
        .map_err(|error| Error::setting("platform_certificate", error))?;
    if own == Some(key.id()) {
        let text = "platform_certificate: this is the caller's own certificate; \
                    WeChat Pay's has another serial";
        return Err(Error::new(ErrorKind::Config, text));
    }
    Ok(key)
}
