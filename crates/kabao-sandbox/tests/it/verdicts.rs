//! Each mistake made for real, and named by the journal as docs/signatures.md
//! has it.

use std::collections::BTreeSet;

use aws_lc_rs::{
    digest::{self, Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384},
    hmac,
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA512, RsaEncoding},
};
use kabao_core::{PrivateKey, message, signature::encode};
use num_bigint::BigUint;
use serde_json::json;
use x509_cert::der::{
    Decode,
    asn1::{AnyRef, OctetStringRef, UintRef},
};

use crate::support::{CARD_PATH, Request, Running, Signer, card_target, nonce, unix_now};

/// A request with a mistake, and the words that name it in the journal.
struct Case {
    says: &'static str,
    method: &'static str,
    target: String,
    body: Vec<u8>,
    content_type: &'static str,
    /// One header each.
    authorization: Vec<String>,
}

const ENCODED: &str =
    "/v3/brand/partner/card-member/user-cards/%E5%8D%A1%201?brand_id=1004&openid=a%20b";
const BODY: &str = r#"{"brand_id": "1004", "level": "钻石"}"#;
const IMAGE: &str = "/v3/marketing/favor/media/image-upload";
const MULTIPART: &str = "multipart/form-data; boundary=B";
const PARTS: &str = "--B\r\nContent-Disposition: form-data; name=\"meta\"\r\n\r\n{\"filename\":\"a.gif\"}\r\n--B--\r\n";

#[test]
fn every_mistake_is_named() {
    let running = Running::start();
    let mut misnamed = Vec::new();
    for case in cases(&running) {
        let merchant = running.merchant();
        let request = merchant.bare(case.method, &case.target, "");
        let request = request
            .header("Content-Type", case.content_type)
            .body(case.body);
        let add = |request: Request, header: &String| request.header("Authorization", header);
        let request = case.authorization.iter().fold(request, add);
        let answer = request.send(running.address);
        assert_eq!(
            answer.refusal(),
            (401, "SIGN_ERROR".into()),
            "{}",
            case.says
        );
        let verdict = &running.last_request()["verdict"];
        let reason = verdict["reason"].as_str().unwrap();
        if !reason.contains(case.says) {
            misnamed.push(format!(
                "expected “{}”, the journal says “{reason}”",
                case.says
            ));
        }
    }
    assert!(misnamed.is_empty(), "{misnamed:#?}");
}

#[test]
fn a_header_that_is_sent_again_is_named_where_it_is_refused() {
    let running = Running::with(|builder| builder.refuse_replays(true));
    let request = running.merchant().request("GET", &card_target(), "");
    assert_eq!(request.send(running.address).refusal().0, 200);
    let again = request.send(running.address).refusal();
    assert_eq!(again, (401, "SIGN_ERROR".into()));
    let reason = running.last_request()["verdict"]["reason"].clone();
    let says = "the same Authorization was sent before";
    assert!(reason.as_str().unwrap().contains(says), "{reason}");
}

#[test]
fn the_page_names_what_the_tests_make_and_nothing_else() {
    const PAGE: &str = include_str!("../../../../docs/signatures.md");
    let running = Running::start();
    let made: BTreeSet<String> = cases(&running)
        .iter()
        .map(|case| case.says.to_owned())
        .collect();
    let row = |line: &str| Some(line.strip_prefix("| `")?.split_once("` |")?.0.to_owned());
    let described: BTreeSet<String> = PAGE.lines().filter_map(row).collect();
    assert_eq!(described, made);
}

fn cases(running: &Running) -> Vec<Case> {
    let mut all = of_the_header(running);
    all.extend(of_serial_and_time(running));
    all.extend(of_the_key(running));
    all.extend(of_the_encoding(running));
    all.extend(of_the_lines(running));
    all.extend(of_the_target(running));
    all.extend(of_the_body(running));
    all
}

impl Case {
    /// A GET of the card with this header.
    fn get(says: &'static str, authorization: String) -> Self {
        Self {
            says,
            method: "GET",
            target: card_target(),
            body: Vec::new(),
            content_type: "application/json",
            authorization: vec![authorization],
        }
    }
}

/// GET of a target, another one signed.
fn target(running: &Running, says: &'static str, sent: &str, signed: &str) -> Case {
    let signed =
        |timestamp: &str, nonce: &str| message::request("GET", signed, timestamp, nonce, b"");
    Case {
        target: sent.to_owned(),
        ..Case::get(says, running.merchant().authorization_over(signed))
    }
}

/// PATCH of a body, another one signed.
fn body(
    running: &Running,
    says: &'static str,
    sent: impl Into<Vec<u8>>,
    signed: impl AsRef<[u8]>,
) -> Case {
    let message = |timestamp: &str, nonce: &str| {
        message::request("PATCH", CARD_PATH, timestamp, nonce, signed.as_ref())
    };
    Case {
        method: "PATCH",
        target: CARD_PATH.into(),
        body: sent.into(),
        ..Case::get(says, running.merchant().authorization_over(message))
    }
}

fn right(timestamp: &str, nonce: &str) -> Vec<u8> {
    message::request("GET", &card_target(), timestamp, nonce, b"")
}

fn of_the_header(running: &Running) -> Vec<Case> {
    let good = running.merchant().authorization_over(right);
    let changed = |says, from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        Case::get(says, good.replacen(from, to, 1))
    };
    let nameless = Signer {
        serial_no: "",
        ..running.merchant()
    };
    let brand = Signer {
        item: "mchid",
        ..running.brand()
    };
    let headers = |says, authorization: &[&String]| Case {
        authorization: authorization.iter().copied().cloned().collect(),
        ..Case::get(says, String::new())
    };
    vec![
        headers("there is no Authorization header", &[]),
        headers("there are two Authorization headers", &[&good, &good]),
        changed(
            "the Authorization header is not ASCII",
            "mchid=\"",
            "mchid=\"中",
        ),
        changed("no scheme", "WECHATPAY2-SHA256-RSA2048 ", ""),
        changed("unknown scheme", "WECHATPAY2-SHA256-RSA2048", "Bearer"),
        changed(r#"expected key="value""#, ",nonce_str", ", nonce_str"),
        changed("expected a comma or the end", ",nonce_str", ";nonce_str"),
        changed("unexpected item", ",nonce_str", ",app=\"1\",nonce_str"),
        changed("is there twice", ",nonce_str", ",nonce_str=\"1\",nonce_str"),
        Case::get("is missing or empty", nameless.authorization_over(right)),
        changed(
            "is not a decimal number of seconds",
            "timestamp=\"",
            "timestamp=\"+",
        ),
        Case::get("names its caller by", brand.authorization_over(right)),
    ]
}

fn of_serial_and_time(running: &Running) -> Vec<Case> {
    let credentials = &running.credentials;
    let serial = |says, serial_no: &str| {
        let merchant = Signer {
            serial_no,
            ..running.merchant()
        };
        Case::get(says, merchant.authorization_over(right))
    };
    let identity = |says, identity: &str| {
        let merchant = Signer {
            identity,
            ..running.merchant()
        };
        Case::get(says, merchant.authorization_over(right))
    };
    let at = |says, timestamp: &str| {
        let (merchant, nonce) = (running.merchant(), nonce());
        let signature = merchant.key.sign_now(&right(timestamp, &nonce)).unwrap();
        Case::get(
            says,
            merchant.header_of(timestamp, &nonce, &encode(&signature)),
        )
    };
    let now = unix_now();
    let skewed = "/v3/skewed";
    let fault = json!({"kind": "clock_skew", "seconds": 400, "path": skewed});
    running.control_ok("POST", "/_sandbox/faults", Some(fault));
    vec![
        serial(
            "is the platform certificate's serial",
            &credentials.merchant.platform_serial_no,
        ),
        serial(
            "is the WeChat Pay public key's id",
            &credentials.merchant.wechatpay_public_key_id,
        ),
        serial("serial_no belongs to", &credentials.brand.serial_no),
        serial("is none of", "4A62"),
        identity("then the scheme is", "1004"),
        identity("is not known here", "1999999999"),
        at("is in milliseconds", &format!("{now}000")),
        at("is in microseconds", &format!("{now}000000")),
        at("is in nanoseconds", &format!("{now}000000000")),
        at("the clock is off by", &(now - 400).to_string()),
        Case {
            target: skewed.into(),
            ..at("the fault clock_skew", &now.to_string())
        },
        at("is out of range", "99999999999999999999"),
    ]
}

fn of_the_key(running: &Running) -> Vec<Case> {
    let by = |says, key: PrivateKey| {
        let merchant = Signer {
            key,
            ..running.merchant()
        };
        Case::get(says, merchant.authorization_over(right))
    };
    let raw = |says, sign: &dyn Fn(&KeyPair, &[u8]) -> Vec<u8>| {
        let (merchant, timestamp, nonce) = (running.merchant(), unix_now().to_string(), nonce());
        let signature = sign(&key_pair(running), &right(&timestamp, &nonce));
        Case::get(
            says,
            merchant.header_of(&timestamp, &nonce, &encode(&signature)),
        )
    };
    let with = |encoding: &'static dyn RsaEncoding| {
        move |pair: &KeyPair, message: &[u8]| {
            let mut signature = vec![0; pair.public_modulus_len()];
            let random = SystemRandom::new();
            pair.sign(encoding, &random, message, &mut signature)
                .unwrap();
            signature
        }
    };
    let other = PrivateKey::generate().unwrap();
    const PSS: &str = "signed with RSA-PSS";
    let by_hand = |digest: &'static Algorithm, salt: usize| {
        move |_: &KeyPair, message: &[u8]| taken(running, &pss(digest, salt, message))
    };
    vec![
        by("signed with the key of", running.brand().key),
        raw(
            "was not made with the private key of this certificate",
            &|_, message| {
                let messages = (0..=u8::MAX).map(|more| [message, &[more]].concat());
                let mut signatures = messages.map(|message| other.sign_now(&message).unwrap());
                // One in some thousand would seem to be RSA-PSS.
                let unlike_pss = |signature: &Vec<u8>| !ends_as_pss(running, signature);
                signatures.find(unlike_pss).unwrap()
            },
        ),
        raw(PSS, &with(&RSA_PSS_SHA256)),
        raw(PSS, &with(&RSA_PSS_SHA512)),
        raw(PSS, &by_hand(&SHA256, 222)),
        raw(PSS, &by_hand(&SHA256, 0)),
        raw(PSS, &by_hand(&SHA384, 206)),
        raw(PSS, &by_hand(&SHA1_FOR_LEGACY_USE_ONLY, 20)),
        raw(PSS, &|pair, message| {
            with(&RSA_PSS_SHA256)(pair, &[message, b"\n"].concat())
        }),
        raw("but the digest is", &with(&RSA_PKCS1_SHA384)),
        raw("but the digest is", &with(&RSA_PKCS1_SHA512)),
        raw("but the digest is", &|_, message| {
            const SHA1: &[u8] = b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14";
            let sha1 = digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, message);
            padded(running, &[SHA1, sha1.as_ref()].concat())
        }),
        raw("the digest was signed bare", &|_, message| {
            padded(running, digest::digest(&SHA256, message).as_ref())
        }),
    ]
}

fn of_the_encoding(running: &Running) -> Vec<Case> {
    let merchant = running.merchant();
    let (timestamp, nonce) = (unix_now().to_string(), nonce());
    let message = right(&timestamp, &nonce);
    let signature = merchant.key.sign_now(&message).unwrap();
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect::<String>()
    };
    let base64 = encode(&signature);
    let shared = hmac::Key::new(hmac::HMAC_SHA256, b"shared");
    let mac = hmac::sign(&shared, &message);
    // Whatever the signature is, this one needs the other alphabet.
    let url_safe = format!("-_{}", &base64[2..])
        .replace('+', "-")
        .replace('/', "_");
    let written =
        |says, signature: &str| Case::get(says, merchant.header_of(&timestamp, &nonce, signature));
    vec![
        written(
            "a deliberate probe",
            &format!("WECHATPAY/SIGNTEST/{base64}"),
        ),
        written("the signature is written in hex", &hex(&signature)),
        written("are a sign of API v2", &hex(mac.as_ref())),
        written("32 bytes are a digest or an HMAC", &encode(mac.as_ref())),
        written("lacks its padding", base64.trim_end_matches('=')),
        written("in the URL-safe alphabet", &url_safe),
        written("the signature is not base64", "***"),
        written("in base64 twice", &encode(base64.as_bytes())),
        written("this certificate's key makes", &base64[..base64.len() - 4]),
    ]
}

fn of_the_lines(running: &Running) -> Vec<Case> {
    let over = |says, sign: &dyn Fn(&str, &str) -> Vec<u8>| {
        Case::get(says, running.merchant().authorization_over(sign))
    };
    let text = |says, change: &dyn Fn(String) -> String| {
        over(says, &|timestamp, nonce| {
            change(String::from_utf8(right(timestamp, nonce)).unwrap()).into_bytes()
        })
    };
    let hashed = |message: &[u8]| digest::digest(&SHA256, message).as_ref().to_vec();
    let later =
        |timestamp: &str, seconds: i64| (timestamp.parse::<i64>().unwrap() + seconds).to_string();
    let request = |method, timestamp: &str, nonce: &str| {
        message::request(method, &card_target(), timestamp, nonce, b"")
    };
    vec![
        text("the final line feed is missing", &|text| {
            text.trim_end_matches('\n').to_owned() + "\n"
        }),
        text("one line feed too many", &|text| text + "\n"),
        text("the lines end with CR LF", &|text| {
            text.replace('\n', "\r\n")
        }),
        text("were signed instead of line feeds", &|text| {
            text.replace('\n', "\\n")
        }),
        text("joined without line feeds", &|text| text.replace('\n', "")),
        over("the message was hashed twice", &|t, n| hashed(&right(t, n))),
        over("signed as an answer is verified", &|t, n| {
            message::answer(t, n, b"")
        }),
        over("signed for the method", &|t, n| request("POST", t, n)),
        over("the method was signed in lower case", &|t, n| {
            request("get", t, n)
        }),
        over("the timestamp in the header is not the one", &|t, n| {
            right(&later(t, 2), n)
        }),
        over("signed in milliseconds and sent in seconds", &|t, n| {
            right(&format!("{t}417"), n)
        }),
        over("the nonce was signed before the timestamp", &|t, n| {
            right(n, t)
        }),
        over("the nonce_str in the header is not the one", &|t, _| {
            right(t, "")
        }),
    ]
}

fn of_the_target(running: &Running) -> Vec<Case> {
    let whole = card_target();
    let (path, query) = whole.split_once('?').unwrap();
    let reversed: Vec<&str> = query.rsplit('&').collect();
    let case = |says, sent: &str, signed: &str| target(running, says, sent, signed);
    let production = format!("https://api.mch.weixin.qq.com{whole}");
    vec![
        case("the query was not signed", &whole, path),
        case("was sent and not signed", &format!("{path}?"), path),
        case(
            "was signed although there is no query",
            path,
            &format!("{path}?"),
        ),
        case(
            "signed in another order",
            &whole,
            &format!("{path}?{}", reversed.join("&")),
        ),
        case(
            "the query was re-encoded",
            ENCODED,
            &ENCODED.replace("a%20b", "a+b"),
        ),
        case(
            "the path was signed decoded",
            ENCODED,
            &ENCODED.replace("%E5%8D%A1%201", "卡 1"),
        ),
        case(
            "with lower-case escapes",
            ENCODED,
            &ENCODED.replace("%E5%8D%A1", "%e5%8d%a1"),
        ),
        case(
            "the path was encoded differently",
            "/v3/cards/a:b",
            "/v3/cards/a%3Ab",
        ),
        case(
            "escaped once more when signed",
            ENCODED,
            &ENCODED.replace('%', "%25"),
        ),
        case(
            "escaped once more when sent",
            &ENCODED.replace('%', "%25"),
            ENCODED,
        ),
        case("the whole URL was signed", &whole, &production),
        case("the host was signed", &whole, &format!("127.0.0.1{whole}")),
        case("without its leading slash", &whole, &whole[1..]),
        case("a trailing slash was signed", path, &format!("{path}/")),
        case(
            "the trailing slash was not signed",
            &format!("{path}/"),
            path,
        ),
    ]
}

fn of_the_body(running: &Running) -> Vec<Case> {
    let compact = r#"{"brand_id":"1004","level":"钻石"}"#;
    let indented = "{\n  \"brand_id\": \"1004\"\n}";
    let case = |says, sent: &str, signed: &str| body(running, says, sent, signed);
    let bytes = |says, sent: &[u8], signed: &[u8]| body(running, says, sent, signed);
    let latin1: String = BODY.bytes().map(char::from).collect();
    let address = r#"{"url":"https://shop.example/?a=1&b=2"}"#;
    let with_level = |level: &[u8]| {
        let (before, after) = BODY.split_once("钻石").unwrap();
        [before.as_bytes(), level, after.as_bytes()].concat()
    };
    // "钻石" and "🎂" as Python's codecs write them.
    let (gbk, cake) = (&b"\xD7\xEA\xCA\xAF"[..], &b"\x94\x39\xBC\x38"[..]);
    let in_gbk = with_level(gbk);
    let of_cakes = with_level("钻石🎂".as_bytes());
    let escaped = BODY.replace('钻', "\\u94bb").replace('石', "\\u77f3");
    // A message of 16 KiB with the four lines before is tried, no longer one.
    let long = |bytes: usize| format!("{{\"x\": \"{}\"}}", "x".repeat(bytes));
    let [longest, too_long] = [long(16 * 1024 - 500), long(16 * 1024)];
    let upload = |says, sent: &str, signed: &str| {
        let signed = |timestamp: &str, nonce: &str| {
            message::request("POST", IMAGE, timestamp, nonce, signed.as_bytes())
        };
        Case {
            method: "POST",
            target: IMAGE.into(),
            content_type: MULTIPART,
            body: sent.into(),
            ..Case::get(says, running.merchant().authorization_over(signed))
        }
    };
    vec![
        case("the body was not signed", BODY, ""),
        case("a body was signed although none was sent", "", "{}"),
        case("the JSON was printed again", BODY, compact),
        case("the JSON was printed again", compact, BODY),
        case("the JSON was printed again", BODY, &escaped),
        case(
            "the JSON was printed again",
            address,
            // As Go prints.
            &address.replace('&', "\\u0026"),
        ),
        case(
            "the JSON was printed again",
            address,
            // As Gson prints.
            &address.replace('&', "\\u0026").replace('=', "\\u003d"),
        ),
        case(
            "as a JSON string around the JSON",
            compact,
            &format!("{compact:?}"),
        ),
        case(
            "signed HTML-escaped",
            compact,
            &compact.replace('"', "&quot;"),
        ),
        case(
            "the line feed that ends the body",
            &format!("{BODY}\n"),
            BODY,
        ),
        case(
            "a line feed that were not sent",
            BODY,
            &format!("{BODY}\r\n"),
        ),
        case(
            "the white space around the body",
            &format!(" {BODY} "),
            BODY,
        ),
        case(
            "the line ends inside the body",
            indented,
            &indented.replace('\n', "\r\n"),
        ),
        case(
            "a byte order mark was signed",
            BODY,
            &format!("\u{FEFF}{BODY}"),
        ),
        case(
            "the byte order mark that was sent",
            &format!("\u{FEFF}{BODY}"),
            BODY,
        ),
        case("in another character set", BODY, &latin1),
        case(
            "in another character set",
            BODY,
            &BODY.replace(['钻', '石'], "?"),
        ),
        bytes("sent in UTF-8 and signed in GBK", BODY.as_bytes(), &in_gbk),
        bytes(
            "sent in UTF-8 and signed in GBK",
            &of_cakes,
            &with_level(&[gbk, b"?"].concat()),
        ),
        bytes(
            "sent in UTF-8 and signed in GBK",
            &of_cakes,
            &with_level(&[gbk, cake].concat()),
        ),
        bytes("signed in UTF-8 and sent in GBK", &in_gbk, BODY.as_bytes()),
        bytes(
            "signed in UTF-8 and sent in GBK",
            &with_level(&[gbk, cake].concat()),
            &of_cakes,
        ),
        // The bytes of UTF-8, each two taken for a character of GBK.
        bytes(
            "or read as GBK before it was signed",
            BODY.as_bytes(),
            &with_level("閽荤煶".as_bytes()),
        ),
        case(
            "the right key, but other bytes were signed: compare",
            BODY,
            r#"{"something":"else"}"#,
        ),
        case(
            "the JSON was printed again",
            &longest,
            &longest.replace(' ', ""),
        ),
        case("is too long to try what they were", &too_long, BODY),
        Case {
            target: format!("{CARD_PATH}?a=b"),
            ..case("and the body was changed after signing", BODY, compact)
        },
        upload("the whole multipart body was signed", PARTS, PARTS),
        upload(
            "has no part named \"meta\"",
            &PARTS.replace("\"meta\"", "\"file\""),
            "",
        ),
    ]
}

fn key_pair(running: &Running) -> KeyPair {
    let pem = &running.credentials.merchant.private_key_pem;
    let read = rustls_pki_types::pem::from_buf(&mut pem.as_bytes());
    KeyPair::from_pkcs8(&read.unwrap().unwrap().1).unwrap()
}

/// A block padded as PKCS#1 v1.5 does, whatever it holds.
fn padded(running: &Running, info: &[u8]) -> Vec<u8> {
    let filling = vec![0xFF; BLOCK - 3 - info.len()];
    taken(running, &[&[0, 1], &filling[..], &[0], info].concat())
}

/// A block as RSA-PSS makes it, with a salt of so many bytes.
fn pss(digest: &'static Algorithm, salt: usize, message: &[u8]) -> Vec<u8> {
    let hashed = |bytes: &[u8]| digest::digest(digest, bytes).as_ref().to_vec();
    let salt = vec![0x5A; salt];
    let hash = hashed(&[&[0; 8], &hashed(message)[..], &salt].concat());
    let zeros = vec![0; BLOCK - 2 - hash.len() - salt.len()];
    let plain = [zeros, vec![1], salt].concat();
    let mask = (0..=u8::MAX).flat_map(|count| hashed(&[&hash[..], &[0, 0, 0, count]].concat()));
    let mut block: Vec<u8> = plain.iter().zip(mask).map(|(a, b)| a ^ b).collect();
    block[0] &= 0x7F;
    [block, hash, vec![0xBC]].concat()
}

fn ends_as_pss(running: &Running, signature: &[u8]) -> bool {
    let [modulus, _] = private_numbers(running);
    let block = BigUint::from_bytes_be(signature).modpow(&65537_u32.into(), &modulus);
    block % 256_u32 == 0xBC_u32.into()
}

/// How long a block of the merchant's key is.
const BLOCK: usize = 256;

/// A block taken to the merchant's private exponent.
fn taken(running: &Running, block: &[u8]) -> Vec<u8> {
    let [modulus, exponent] = private_numbers(running);
    let signature = BigUint::from_bytes_be(block)
        .modpow(&exponent, &modulus)
        .to_bytes_be();
    [vec![0; BLOCK - signature.len()], signature].concat()
}

fn private_numbers(running: &Running) -> [BigUint; 2] {
    let pem = &running.credentials.merchant.private_key_pem;
    let pkcs8 = rustls_pki_types::pem::from_buf(&mut pem.as_bytes());
    numbers(&pkcs8.unwrap().unwrap().1)
}

/// Modulus and private exponent of a PKCS#8 key.
fn numbers(pkcs8: &[u8]) -> [BigUint; 2] {
    let key = <Vec<AnyRef<'_>>>::from_der(pkcs8).unwrap();
    let rsa: &OctetStringRef = key[2].decode_as().unwrap();
    let [_version, modulus, _public, private, ..] =
        &<Vec<UintRef<'_>>>::from_der(rsa.as_bytes()).unwrap()[..]
    else {
        panic!("an RSA key has nine numbers");
    };
    [modulus, private].map(|number| BigUint::from_bytes_be(number.as_bytes()))
}
