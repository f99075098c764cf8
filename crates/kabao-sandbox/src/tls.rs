//! `--tls`: a certificate of the sandbox's own authority, for the names under
//! which a test finds the server.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};
use rustls::{ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::PrivatePkcs8KeyDer;

use crate::keys::{Authority, IssueError, put_in_force};

/// What the server can be called. Real hosts are among them, so that a program
/// whose address cannot be changed may be led here by the hosts file.
pub const NAMES: [&str; 5] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "api.mch.weixin.qq.com",
    "api2.mch.weixin.qq.com",
];

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Settings of a TLS server with a certificate made for this run.
///
/// # Errors
/// [`TlsError`].
pub fn server_config(authority: &Authority) -> Result<ServerConfig, TlsError> {
    // A signature of P-256 costs a tenth of RSA's at each handshake.
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(IssueError::from)?;
    let mut params = CertificateParams::new(NAMES.map(str::to_owned)).map_err(IssueError::from)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Clocks differ by minutes, and some clients refuse more than 398 days.
    put_in_force(&mut params, Timestamp::now() - DAY, 397 * DAY);
    let certificate = authority.sign(params, &key)?;
    let chain = vec![certificate.der().clone()];
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key.into())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// TLS could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The certificate could not be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The TLS library refuses the settings.
    #[error("TLS could not be set up")]
    Settings(#[from] rustls::Error),
}
