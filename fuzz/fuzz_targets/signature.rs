//! Requests whose signature does not fit, and why: method and target on the first
//! line, the second is signed in place of the target, the third goes into the
//! header in place of the signature if it is not empty, then the body. Nothing is
//! admitted that was not signed, and the reason is said.
#![no_main]

use std::time::{SystemTime, UNIX_EPOCH};

use kabao_core::{PrivateKey, authorization::Authorization, message, signature};
use kabao_sandbox::fuzzing::Server;

thread_local! {
    static SERVER: (Server, PrivateKey) = {
        let server = Server::default();
        let key = PrivateKey::from_pem(&*server.credentials().merchant.private_key_pem);
        (server, key.expect("the merchant's key"))
    };
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.splitn(4, |byte| *byte == b'\n');
    let mut line = || std::str::from_utf8(lines.next().unwrap_or_default()).ok();
    let (Some(head), Some(signed_target), Some(forged)) = (line(), line(), line()) else {
        return;
    };
    let body = lines.next().unwrap_or_default();
    let Some((method, target)) = head.split_once(' ') else {
        return;
    };
    // A fragment is no part of a request's target: it is neither sent nor signed.
    if target.contains('#') {
        return;
    }
    SERVER.with(|(server, key)| {
        let merchant = &server.credentials().merchant;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970");
        let (timestamp, nonce) = (now.as_secs().to_string(), "fuzz");
        let signed = message::request(method, signed_target, &timestamp, nonce, body);
        let header = Authorization {
            scheme: kabao_core::signature::Scheme::Wechatpay2Sha256Rsa2048,
            identity: merchant.mchid.clone(),
            nonce: nonce.to_owned(),
            timestamp: timestamp.clone(),
            serial_no: merchant.serial_no.clone(),
            signature: match forged {
                "" => signature::encode(&key.sign_now(&signed).expect("signing")),
                forged => forged.to_owned(),
            },
        };
        match server.authenticate(method, target, &header.to_string(), body) {
            None => {}
            Some(Ok(_)) => assert!(forged.is_empty() && target == signed_target),
            Some(Err(reason)) => assert!(!reason.is_empty()),
        }
    });
});
