//! Keys in PEM and DER: what is read is written back and read the same.
#![no_main]

use kabao_core::{PrivateKey, PublicKey};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for key in [PublicKey::from_pem(bytes), PublicKey::from_der(bytes)]
        .into_iter()
        .flatten()
    {
        assert_eq!(PublicKey::from_pem(key.to_spki_pem()).as_ref(), Ok(&key));
        assert_eq!(PublicKey::from_der(key.spki_der()).as_ref(), Ok(&key));
        assert!((214..=982).contains(&key.seal_limit()));
    }
    if let Ok(key) = PrivateKey::from_pem(bytes) {
        let written = key.to_pkcs8_pem().expect("a key that was read");
        let again = PrivateKey::from_pem(&*written).expect("a key that was written");
        assert_eq!(again.public_key(), key.public_key());
    }
});
