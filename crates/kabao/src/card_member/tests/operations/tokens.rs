//! Tokens, and pictures.

use kabao_core::{
    call::{Body, Method},
    card_member::*,
};
use serde_json::json;

use super::{
    super::samples::{CARD_ID, OPENID, token},
    Row, row,
};

const PICTURE: &[u8] = b"\x89PNG";
/// SHA-256 of the picture.
const DIGEST: &str = "0f4636c78f65d3639ece5a064b5ae753e3408614a14fb18ab4d7540d2c248543";

pub(super) fn rows() -> Vec<Row> {
    vec![
        row! {
            create_pre_auth_token, has_twin: true,
            operation: CreatePreAuthToken { card_id: CARD_ID.into(), openid: OPENID.into() },
            method: |members| members.tokens().pre_auth(CARD_ID, OPENID),
            chained: |hand| {
                let body = hand.body(json!({"card_id": CARD_ID, "openid": OPENID}));
                let chain = hand.chain("pre-auth-tokens").json(body);
                chain.repeatable(true).call(Method::Post)
            },
            answer: token(),
        },
        row! {
            create_pay_view_token, has_twin: false,
            operation: CreatePayViewToken { card_id: CARD_ID.into(), openid: OPENID.into() },
            method: |members| members.tokens().pay_view(CARD_ID, OPENID),
            chained: |hand| {
                let body = hand.body(json!({"card_id": CARD_ID, "openid": OPENID}));
                let chain = hand.chain("pay-view-tokens").json(body);
                chain.repeatable(true).call(Method::Post)
            },
            answer: token(),
        },
        row! {
            upload_image, has_twin: true,
            operation: UploadImage::new("card.png", PICTURE),
            method: |members| members.images().upload("card.png", PICTURE),
            chained: |hand| {
                let (chain, name) = match hand.is_brand {
                    true => (hand.chain("media/image-upload"), "file_digest"),
                    // Of this product's own address nothing is known.
                    false => {
                        let path = "v3/marketing/favor/media/image-upload";
                        (hand.client.chain(path), "sha256")
                    }
                };
                let meta = json!({"filename": "card.png", name: DIGEST}).to_string();
                let boundary = format!("kabao-{}", &DIGEST[..32]);
                let head = format!(
                    "--{boundary}\r\nContent-Disposition: form-data; name=\"meta\"\r\n\
                     Content-Type: application/json\r\n\r\n{meta}\r\n--{boundary}\r\n\
                     Content-Disposition: form-data; name=\"file\"; filename=\"card.png\"\r\n\
                     Content-Type: image/png\r\n\r\n"
                );
                let end = format!("\r\n--{boundary}--\r\n");
                let body = Body {
                    content_type: format!("multipart/form-data; boundary={boundary}"),
                    bytes: [head.as_bytes(), PICTURE, end.as_bytes()].concat().into(),
                    signed: meta.into(),
                };
                chain.body(body).repeatable(true).call(Method::Post)
            },
            answer: json!({"media_url": "https://qpic.cn/xxx"}),
        },
    ]
}
