//! Certificates in PEM and DER: the same one from both, and a serial as the API
//! writes it.
#![no_main]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kabao_core::certificate::Certificate;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = Certificate::from_pem(bytes);
    let Ok(certificate) = Certificate::from_der(bytes) else {
        return;
    };
    let serial = certificate.serial_no();
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
    assert!(
        serial.len() % 2 == 0 && serial.bytes().all(is_hex),
        "{serial}"
    );
    let _ = certificate.public_key();
    let body = STANDARD.encode(bytes);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    assert_eq!(Certificate::from_pem(pem).as_ref(), Ok(&certificate));
});
