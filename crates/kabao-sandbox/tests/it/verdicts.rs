//! Each mistake made for real, and named by the journal.

use kabao_core::{PrivateKey, message};

use crate::support::{CARD_PATH, Running, Signer, card_target, nonce, unix_now};

fn reason(running: &Running) -> String {
    running.last_request()["verdict"]["reason"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Makes the message that is signed, of timestamp and nonce.
type Signing = Box<dyn FnOnce(&str, &str) -> Vec<u8>>;

/// Signs one message and sends another request.
fn mistaken(
    running: &Running,
    merchant: &Signer<'_>,
    method: &str,
    target: &str,
    body: &str,
    sign: impl FnOnce(&str, &str) -> Vec<u8>,
) -> String {
    let header = merchant.authorization_over(sign);
    let answer = merchant
        .bare(method, target, body)
        .header("Authorization", &header)
        .send(running.address);
    assert_eq!(answer.refusal(), (401, "SIGN_ERROR".into()));
    reason(running)
}

#[test]
fn mistakes_in_the_message_are_recognised() {
    let running = Running::start();
    let merchant = running.merchant();
    let target = card_target();
    let encoded =
        "/v3/brand/partner/card-member/user-cards/%E5%8D%A1%201?brand_id=1004&openid=a%20b";
    let body = r#"{"brand_id": "1004", "level": "钻石"}"#;
    let request = |method: &'static str, target: String, body: &'static str| {
        move |timestamp: &str, nonce: &str| {
            message::request(method, &target, timestamp, nonce, body.as_bytes())
        }
    };
    let reversed = {
        let (path, query) = target.split_once('?').unwrap();
        let mut pairs: Vec<&str> = query.split('&').collect();
        pairs.reverse();
        format!("{path}?{}", pairs.join("&"))
    };
    let cases: Vec<(&str, &str, &str, Signing, &str)> = vec![
        (
            "GET",
            &target,
            "",
            Box::new(request("POST", target.clone(), "")),
            "signed for the method POST",
        ),
        (
            "GET",
            &target,
            "",
            Box::new(request("GET", CARD_PATH.into(), "")),
            "query was not signed",
        ),
        (
            "GET",
            &target,
            "",
            Box::new(request("GET", reversed, "")),
            "another order",
        ),
        (
            "GET",
            &target,
            "",
            Box::new(request(
                "GET",
                format!("https://api.mch.weixin.qq.com{target}"),
                "",
            )),
            "whole URL",
        ),
        (
            "GET",
            encoded,
            "",
            Box::new(request("GET", encoded.replace("%20b", "+b"), "")),
            "re-encoded",
        ),
        (
            "GET",
            encoded,
            "",
            Box::new(request("GET", encoded.replace("%E5%8D%A1%201", "卡 1"), "")),
            "path was signed decoded",
        ),
        (
            "GET",
            &target,
            "",
            Box::new({
                let target = target.clone();
                move |timestamp: &str, nonce: &str| {
                    let mut message = message::request("GET", &target, timestamp, nonce, b"");
                    message.pop();
                    message
                }
            }),
            "final line feed is missing",
        ),
        (
            "PATCH",
            CARD_PATH,
            body,
            Box::new(request(
                "PATCH",
                CARD_PATH.into(),
                r#"{"brand_id":"1004","level":"钻石"}"#,
            )),
            "printed again",
        ),
        (
            "PATCH",
            CARD_PATH,
            body,
            Box::new(request(
                "PATCH",
                CARD_PATH.into(),
                r#"{"brand_id": "1004", "level": "\u94bb\u77f3"}"#,
            )),
            "printed again",
        ),
        (
            "PATCH",
            CARD_PATH,
            body,
            Box::new(request("PATCH", CARD_PATH.into(), "")),
            "body was not signed",
        ),
        (
            "PATCH",
            CARD_PATH,
            body,
            Box::new(request(
                "PATCH",
                CARD_PATH.into(),
                r#"{"something":"else"}"#,
            )),
            "right key, but other bytes",
        ),
        (
            "GET",
            &target,
            "",
            Box::new({
                let target = target.clone();
                move |timestamp: &str, nonce: &str| {
                    let message = message::request("GET", &target, timestamp, nonce, b"");
                    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &message)
                        .as_ref()
                        .to_vec()
                }
            }),
            "hashed twice",
        ),
    ];
    for (method, target, body, sign, expected) in cases {
        let reason = mistaken(&running, &merchant, method, target, body, sign);
        assert!(
            reason.contains(expected),
            "expected “{expected}”, the journal says “{reason}”"
        );
    }
}

#[test]
fn mistakes_with_keys_are_recognised() {
    let running = Running::start();
    let target = card_target();
    let right = |timestamp: &str, nonce: &str| {
        message::request("GET", &card_target(), timestamp, nonce, b"")
    };

    let mut merchant = running.merchant();
    merchant.key = running.brand().key;
    let said = mistaken(&running, &merchant, "GET", &target, "", right);
    assert!(said.contains("key of brand_id 1004"), "{said}");

    let other = |_: &str, _: &str| b"whatever".to_vec();
    let said = mistaken(&running, &merchant, "GET", &target, "", other);
    assert!(said.contains("key of brand_id 1004"), "{said}");

    merchant.key = PrivateKey::generate().unwrap();
    let said = mistaken(&running, &merchant, "GET", &target, "", right);
    assert!(
        said.contains("not made with the private key of this certificate"),
        "{said}"
    );

    let mut merchant = running.merchant();
    merchant.serial_no = &running.credentials.merchant.platform_serial_no;
    let said = mistaken(&running, &merchant, "GET", &target, "", right);
    assert!(said.contains("platform certificate's serial"), "{said}");

    merchant.serial_no = &running.credentials.brand.serial_no;
    let said = mistaken(&running, &merchant, "GET", &target, "", right);
    assert!(said.contains("belongs to brand_id 1004"), "{said}");

    let mut merchant = running.merchant();
    merchant.identity = "1999999999";
    let said = mistaken(&running, &merchant, "GET", &target, "", right);
    assert!(said.contains("1999999999 is not known"), "{said}");
}

#[test]
fn mistakes_in_the_encoding_are_recognised() {
    let running = Running::start();
    let merchant = running.merchant();
    let target = card_target();
    let (timestamp, nonce_str) = (unix_now().to_string(), nonce());
    let message = message::request("GET", &target, &timestamp, &nonce_str, b"");
    let signature = merchant.key.sign_now(&message).unwrap();
    let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    let base64 = kabao_core::signature::encode(&signature);
    for (written, expected) in [
        (hex, "written in hex"),
        (
            kabao_core::signature::encode(base64.as_bytes()),
            "base64 twice",
        ),
        (base64.trim_end_matches('=').to_owned(), "lacks its padding"),
        (
            base64[..base64.len() - 4].to_owned(),
            "bytes, this certificate's key makes 256",
        ),
        ("***".to_owned(), "not base64"),
    ] {
        let header = merchant.header_of(&timestamp, &nonce_str, &written);
        let request = merchant.bare("GET", &target, "");
        let answer = request
            .header("Authorization", &header)
            .send(running.address);
        assert_eq!(answer.refusal(), (401, "SIGN_ERROR".into()));
        let said = reason(&running);
        assert!(
            said.contains(expected),
            "expected “{expected}”, the journal says “{said}”"
        );
    }
}

#[test]
fn pss_milliseconds_and_clocks_are_recognised() {
    let running = Running::start();
    let merchant = running.merchant();
    let target = card_target();

    let pem = running.credentials.merchant.private_key_pem.clone();
    let der = rustls_pki_types::PrivatePkcs8KeyDer::from(
        rustls_pki_types::pem::from_buf(&mut pem.as_bytes())
            .unwrap()
            .unwrap()
            .1,
    );
    let pair = aws_lc_rs::rsa::KeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let (timestamp, nonce_str) = (unix_now().to_string(), nonce());
    let message = message::request("GET", &target, &timestamp, &nonce_str, b"");
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(
        &aws_lc_rs::signature::RSA_PSS_SHA256,
        &aws_lc_rs::rand::SystemRandom::new(),
        &message,
        &mut signature,
    )
    .unwrap();
    let send = |timestamp: &str, nonce: &str, signature: &[u8]| {
        let header =
            merchant.header_of(timestamp, nonce, &kabao_core::signature::encode(signature));
        let answer = merchant
            .bare("GET", &target, "")
            .header("Authorization", &header)
            .send(running.address);
        assert_eq!(answer.refusal(), (401, "SIGN_ERROR".into()));
        reason(&running)
    };
    assert!(send(&timestamp, &nonce_str, &signature).contains("RSA-PSS"));

    let millis = format!("{timestamp}000");
    let message = message::request("GET", &target, &millis, &nonce_str, b"");
    assert!(
        send(
            &millis,
            &nonce_str,
            &merchant.key.sign_now(&message).unwrap()
        )
        .contains("milliseconds")
    );

    let late = (unix_now() - 400).to_string();
    let message = message::request("GET", &target, &late, &nonce_str, b"");
    let said = send(&late, &nonce_str, &merchant.key.sign_now(&message).unwrap());
    assert!(said.contains("clock is off by 40"), "{said}");
}
