//! `--tls`: a certificate of the sandbox's own authority, for the names under
//! which a test finds the server.

use std::{sync::Arc, time::Duration};

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};
use rustls::{ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::PrivatePkcs8KeyDer;

use crate::{
    clock::real_now,
    keys::{Authority, IssueError, put_in_force},
};

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
    let now = real_now();
    put_in_force(&mut params, now - DAY, now + 396 * DAY);
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

#[cfg(test)]
mod tests {
    use kabao_core::PrivateKey;
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};
    use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};

    use super::*;

    #[test]
    fn a_client_that_trusts_the_authority_connects_under_every_name() {
        let key = PrivateKey::generate().expect("a key");
        let authority = Authority::new(key, real_now()).expect("an authority");
        let server = Arc::new(server_config(&authority).expect("settings"));
        let ca = CertificateDer::from_pem_slice(authority.certificate_pem().as_bytes());
        let mut roots = RootCertStore::empty();
        roots.add(ca.expect("PEM")).expect("an authority");
        let client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Arc::new(client);
        let connects = |name: &str| {
            let name = ServerName::try_from(name.to_owned()).expect("a name");
            let mut client = ClientConnection::new(Arc::clone(&client), name).expect("a client");
            let mut server = ServerConnection::new(Arc::clone(&server)).expect("a server");
            while client.is_handshaking() {
                let mut flight = Vec::new();
                client.write_tls(&mut flight).expect("memory");
                server.read_tls(&mut &*flight).expect("memory");
                server.process_new_packets()?;
                flight.clear();
                server.write_tls(&mut flight).expect("memory");
                client.read_tls(&mut &*flight).expect("memory");
                client.process_new_packets()?;
            }
            Ok::<_, rustls::Error>(())
        };
        for name in NAMES {
            connects(name).expect(name);
        }
        connects("example.com").expect_err("another name");
    }
}
