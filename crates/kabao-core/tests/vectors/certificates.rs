//! `keys/`, `certificate_serial.json` and `certificate_list.json`.

use jiff::Timestamp;
use kabao_core::{
    PrivateKey, PublicKey,
    certificate::Certificate,
    certificate_list::{ASSOCIATED_DATA, CertificateList, PATH},
    keyring::{KeyId, Keyring, PlatformKey},
    resource::EncryptedResource,
    time::Time,
};
use serde::Deserialize;
use serde_json::Value;

use crate::data::{Headers, Keys, load, pem};

#[test]
fn every_form_of_a_key_is_the_same_key() {
    let keys = Keys::load();
    for (role, holder) in keys.iter() {
        let public = holder.public_key();
        assert_eq!(
            holder.private_key().public_key(),
            &public,
            "{role:?}: PKCS#8"
        );
        if let Some(file) = &holder.private_key_pkcs1 {
            let private = PrivateKey::from_pem(pem(file)).expect(file);
            assert_eq!(private.public_key(), &public, "{role:?}: PKCS#1");
        }
        if let Some(file) = &holder.public_key_pkcs1 {
            let read = PublicKey::from_pem(pem(file)).expect(file);
            assert_eq!(read, public, "{role:?}: public PKCS#1");
        }
        if let Some(file) = &holder.certificate {
            let read = PublicKey::from_pem(pem(file)).expect(file);
            assert_eq!(read, public, "{role:?}: certificate");
        }
        assert_eq!(
            public.to_spki_pem(),
            pem(&holder.public_key),
            "{role:?}: SPKI"
        );
        let written = holder.private_key().to_pkcs8_pem().expect("PKCS#8");
        assert_eq!(
            *written,
            pem(&holder.private_key),
            "{role:?}: written PKCS#8"
        );
    }
}

#[test]
fn certificates_say_how_long_they_serve() {
    let instant = |time: &Option<String>| Time::from(time.clone()?).instant();
    for (role, holder) in Keys::load().iter() {
        let Some(certificate) = holder.certificate() else {
            continue;
        };
        assert_eq!(certificate.serial_no(), holder.key_id(), "{role:?}: serial");
        if holder.effective_time.is_some() {
            let validity = (certificate.not_before(), certificate.not_after());
            let begin = instant(&holder.effective_time).expect("effective_time");
            let end = instant(&holder.expire_time).expect("expire_time");
            assert_eq!(validity, (begin, end), "{role:?}: validity");
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Serial {
    name: String,
    #[serde(rename = "note")]
    _note: Option<String>,
    certificate: String,
    serial_no: String,
}

#[test]
fn serials_are_written_as_the_api_writes_them() {
    for case in load::<Vec<Serial>>("certificate_serial.json") {
        let name = &case.name;
        let certificate = Certificate::from_pem(pem(&case.certificate)).expect(name);
        assert_eq!(certificate.serial_no(), case.serial_no, "{name}: serial");

        let as_number = case.serial_no.trim_start_matches('0').to_lowercase();
        let named = KeyId::new(certificate.serial_no());
        assert_eq!(named, KeyId::new(as_number), "{name}: as a number");

        let is_rsa = !name.starts_with("sm2");
        assert_eq!(certificate.public_key().is_ok(), is_rsa, "{name}: key");
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Download {
    #[serde(rename = "note")]
    _note: String,
    #[serde(rename = "method")]
    _method: String,
    path: String,
    #[serde(rename = "status")]
    _status: u16,
    headers: Headers,
    body: String,
    now: i64,
    expect: Downloaded,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Downloaded {
    certificates: Vec<Entry>,
    newest_serial_no: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    serial_no: String,
    certificate: String,
}

#[test]
fn the_first_download_is_verified_with_what_it_holds() {
    let key = Keys::load().api_v3_key();
    let case: Download = load("certificate_list.json");
    assert_eq!(case.path, PATH, "path");
    let list: CertificateList = serde_json::from_str(&case.body).expect("a list");

    let certificates = list.open(&key).expect("the list opens");
    let expected: Vec<Certificate> = case
        .expect
        .certificates
        .iter()
        .map(|entry| Certificate::from_pem(pem(&entry.certificate)).expect(&entry.serial_no))
        .collect();
    assert_eq!(certificates, expected, "certificates");

    let ring: Keyring = certificates
        .iter()
        .map(|certificate| PlatformKey::certificate(certificate).expect("an RSA key"))
        .collect();
    let signature = case.headers.signature().expect("signed");
    let verified = signature.verify(case.body.as_bytes(), &ring, case.now);
    assert!(verified.is_ok(), "signature: {verified:?}");

    let now = Timestamp::from_second(case.now).expect("an instant");
    assert_eq!(now.as_second(), case.now, "clock");
    let newest = ring.preferred(now).expect("a key in force").id();
    assert_eq!(newest.as_str(), case.expect.newest_serial_no, "newest");
}

#[test]
fn a_server_writes_the_same_list() {
    let key = Keys::load().api_v3_key();
    let case: Download = load("certificate_list.json");
    let list: CertificateList = serde_json::from_str(&case.body).expect("a list");
    for (entry, expected) in list.data.iter().zip(&case.expect.certificates) {
        let serial_no = &expected.serial_no;
        assert_eq!(&entry.serial_no, serial_no, "serial");
        let received = &entry.encrypt_certificate;
        let text = pem(&expected.certificate);
        let sealed =
            EncryptedResource::seal(&key, &received.nonce, ASSOCIATED_DATA, text.as_bytes());
        assert_eq!(sealed.as_ref(), Ok(received), "{serial_no}: sealed");
        let certificate = Certificate::from_pem(text).expect(serial_no);
        for (time, instant) in [
            (&entry.effective_time, certificate.not_before()),
            (&entry.expire_time, certificate.not_after()),
        ] {
            assert_eq!(time, Time::seconds(instant).as_str(), "{serial_no}: time");
        }
    }
    // As values, for the order of members has no meaning.
    let received: Value = serde_json::from_str(&case.body).expect("JSON");
    let written = serde_json::to_value(&list).expect("JSON");
    assert_eq!(written, received, "body");
}
