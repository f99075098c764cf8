//! Pictures: uploaded in parts, of which `meta` alone is signed.

use aws_lc_rs::digest;
use serde_json::{Value, json};

use crate::{
    caller::{Caller, with, without},
    support::{Answer, Request, Running},
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\r\n--boundary\r\n\0\xff rest of a picture";
const JPG: &[u8] = b"\xff\xd8\xff\xe0 rest of a picture";
const BMP: &[u8] = b"BM rest of a picture";
const BOUNDARY: &str = "boundary--";
const LARGEST: usize = 2 * 1024 * 1024;

fn target(caller: &Caller<'_>) -> String {
    match caller.is_partner() {
        true => "/v3/marketing/favor/media/image-upload".to_owned(),
        false => caller.target("media/image-upload"),
    }
}

/// What the caller's page calls the digest.
fn digest_name(caller: &Caller<'_>) -> &'static str {
    if caller.is_partner() {
        "sha256"
    } else {
        "file_digest"
    }
}

fn sha256(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn meta(caller: &Caller<'_>, filename: &str, file: &[u8]) -> Value {
    json!({"filename": filename, digest_name(caller): sha256(file)})
}

/// A body in parts; each has a name and bytes.
fn in_parts(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in parts {
        let more = match *name {
            "file" => "; filename=\"card.png\"\r\nContent-Type: image/png",
            _ => "\r\nContent-Type: application/json",
        };
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// Sends a body in parts with a signature over `signed`.
fn send(caller: &Caller<'_>, signed: &str, body: Vec<u8>) -> Answer {
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    send_as(caller, &content_type, signed, body)
}

fn send_as(caller: &Caller<'_>, content_type: &str, signed: &str, body: Vec<u8>) -> Answer {
    let target = target(caller);
    let authorization = caller.signer.authorization("POST", &target, signed);
    let request = caller.signer.bare("POST", &target, "").body(body);
    request
        .header("Content-Type", content_type)
        .header("Authorization", &authorization)
        .send(caller.signer.address)
}

/// The path of a picture of that size.
pub fn uploaded(running: &Running, size: usize) -> String {
    let caller = running.partner();
    let mut file = PNG.to_vec();
    file.resize(size, b' ');
    let answer = upload(&caller, &meta(&caller, "a.png", &file), &file).ok();
    let url = answer["media_url"].as_str().unwrap();
    url[url.find("/_sandbox").unwrap()..].to_owned()
}

fn upload(caller: &Caller<'_>, meta: &Value, file: &[u8]) -> Answer {
    let meta = meta.to_string();
    let body = in_parts(&[("meta", meta.as_bytes()), ("file", file)]);
    send(caller, &meta, body)
}

/// Looks at a picture as a browser would.
fn look_at(running: &Running, media_url: &Value) -> Answer {
    let root = format!("http://{}", running.address);
    let path = media_url.as_str().unwrap().strip_prefix(&root).unwrap();
    Request::new("GET", path).send(running.address)
}

#[test]
fn a_picture_can_be_looked_at_where_the_answer_says() {
    let running = Running::start();
    for caller in running.callers() {
        for (filename, file, content_type) in [
            ("card.png", PNG, "image/png"),
            ("会员卡.JPG", JPG, "image/jpeg"),
            ("a.b.jpeg", JPG, "image/jpeg"),
            (".bmp", BMP, "image/bmp"),
            // What it is counts, not its name.
            ("card.bmp", PNG, "image/png"),
        ] {
            let answer = upload(&caller, &meta(&caller, filename, file), file);
            running.verified(&answer);
            let answer = answer.ok();
            let media_url = &answer["media_url"];
            assert_eq!(answer, json!({"media_url": media_url}));
            let picture = look_at(&running, media_url);
            assert_eq!(picture.status, 200);
            assert_eq!(picture.header("Content-Type"), Some(content_type));
            assert_eq!(picture.header("X-Content-Type-Options"), Some("nosniff"));
            assert_eq!(picture.body, file);
            // The same one has the same address, and a card can have it.
            let upper = json!({digest_name(&caller): sha256(file).to_uppercase()});
            let again = upload(&caller, &with(meta(&caller, filename, file), upper), file);
            assert_eq!(again.ok()["media_url"], *media_url);
            let card = caller.card(json!({"card_picture_url": media_url}));
            assert_eq!(card["card_picture_url"], *media_url);
        }
    }
    let nothing = format!("http://{}/_sandbox/media/1004/0.png", running.address);
    assert_eq!(look_at(&running, &json!(nothing)).status, 404);
}

#[test]
fn the_order_of_the_parts_does_not_matter() {
    let running = Running::start();
    for caller in running.callers() {
        let meta = meta(&caller, "card.png", PNG).to_string();
        let parts = [("file", PNG), ("extra", b"1"), ("meta", meta.as_bytes())];
        send(&caller, &meta, in_parts(&parts)).ok();
    }
}

#[test]
fn what_is_no_such_picture_is_refused() {
    let running = Running::start();
    for caller in running.callers() {
        let digest = digest_name(&caller);
        let whole = meta(&caller, "card.png", PNG);
        let refuse = |meta: Value, file: &[u8], at: &str| {
            let answer = upload(&caller, &meta, file);
            answer.blames(at);
            running.verified(&answer);
        };
        for name in ["card.gif", "card", "png", "card.png ", "card.png.exe"] {
            refuse(
                with(whole.clone(), json!({"filename": name})),
                PNG,
                "/meta/filename",
            );
        }
        for wrong in [json!(null), json!(""), json!(7), json!("😀.png")] {
            refuse(
                with(whole.clone(), json!({"filename": wrong})),
                PNG,
                "/meta/filename",
            );
        }
        refuse(without(whole.clone(), "filename"), PNG, "/meta/filename");
        refuse(
            without(whole.clone(), digest),
            PNG,
            &format!("/meta/{digest}"),
        );
        // The other caller's name for the digest is not this one's.
        let other = if caller.is_partner() {
            "file_digest"
        } else {
            "sha256"
        };
        let renamed = json!({"filename": "card.png", other: sha256(PNG)});
        refuse(renamed, PNG, &format!("/meta/{digest}"));
        for wrong in [sha256(JPG), "00".into(), sha256(PNG)[..63].to_owned()] {
            refuse(with(whole.clone(), json!({digest: wrong})), PNG, "/meta");
        }
        for file in [&b"GIF89a"[..], b"<svg>", b"", b"\x89PNG"] {
            refuse(meta(&caller, "card.png", file), file, "/file");
        }
    }
}

#[test]
fn a_picture_has_at_most_two_megabytes() {
    let running = Running::start();
    for caller in running.callers() {
        let mut file = PNG.to_vec();
        file.resize(LARGEST, 0);
        upload(&caller, &meta(&caller, "card.png", &file), &file).ok();
        file.push(0);
        upload(&caller, &meta(&caller, "card.png", &file), &file).blames("/file");
    }
}

#[test]
fn meta_alone_is_signed() {
    let running = Running::start();
    for caller in running.callers() {
        let whole = meta(&caller, "card.png", PNG).to_string();
        let body = in_parts(&[("meta", whole.as_bytes()), ("file", PNG)]);
        send(&caller, &whole, body.clone()).ok();
        // Another file is found by its digest, another meta by the signature.
        let swapped = in_parts(&[("meta", whole.as_bytes()), ("file", JPG)]);
        send(&caller, &whole, swapped).blames("/meta");
        let renamed = meta(&caller, "card.jpg", PNG).to_string();
        let other_meta = in_parts(&[("meta", renamed.as_bytes()), ("file", PNG)]);
        for (signed, body) in [
            (&*whole, other_meta),
            ("", body.clone()),
            (&String::from_utf8_lossy(&body), body.clone()),
            (&whole, in_parts(&[("file", PNG)])),
        ] {
            send(&caller, signed, body).is_refused(401, "SIGN_ERROR");
        }
    }
}

#[test]
fn an_upload_consists_of_two_parts() {
    let running = Running::start();
    for caller in running.callers() {
        let whole = meta(&caller, "card.png", PNG).to_string();
        send(&caller, &whole, in_parts(&[("meta", whole.as_bytes())])).blames("/file");
        let text = "not JSON";
        let body = in_parts(&[("meta", text.as_bytes()), ("file", PNG)]);
        send(&caller, text, body).blames("/meta");
        caller
            .send("POST", &target(&caller), &whole)
            .blames("/meta");
    }
    // Nowhere else are parts understood.
    let partner = running.partner();
    let target = partner.target("cards");
    let authorization = partner.signer.authorization("POST", &target, "{}");
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let request = partner.signer.bare("POST", &target, "");
    let request = request
        .body(in_parts(&[("meta", b"{}")]))
        .header("Content-Type", &content_type)
        .header("Authorization", &authorization);
    request.send(running.address).blames("/brand_id");
}

#[test]
fn a_large_picture_is_taken_whatever_else_the_content_type_says() {
    let running = Running::start();
    let content_type = format!("multipart/form-data; name=\"会员卡\"; boundary={BOUNDARY}");
    let mut file = PNG.to_vec();
    file.resize(LARGEST - 1, b' ');
    for caller in running.callers() {
        let meta = meta(&caller, "a.png", &file).to_string();
        let body = in_parts(&[("meta", meta.as_bytes()), ("file", &file)]);
        send_as(&caller, &content_type, &meta, body).ok();
    }
}
