//! Pictures: upload.

use kabao_core::{field::FieldError, signature::Scheme};
use serde_json::{Map, Value, json};

use super::{Context, Reply, members::refuse_four_byte};
use crate::{
    app::failed,
    control,
    domain::picture::Picture,
    multipart,
    refusal::Refusal,
    store::{Needs, Workspace},
};

/// `POST …/media/image-upload`: the parts `meta` (JSON, which is what is signed)
/// and `file`.
pub(crate) async fn upload(cx: Context<'_>) -> Result<Reply, Refusal> {
    let (filename, sha256) = meta(&cx)?;
    let picture = Picture::take(&filename, &sha256, part(&cx, "file")?)?;
    let owner = cx.admitted.caller.identity.clone();
    let media_url = format!(
        "{}{}/media/{owner}/{}",
        cx.app.base_url,
        control::PREFIX,
        picture.id
    );
    let needs = Needs::of(owner).record::<Picture>(&*picture.id);
    // It belongs to no brand, so nobody's leave is needed.
    let keep = move |workspace: &mut Workspace| picture.keep(workspace);
    let kept = cx.app.store.decide(needs, keep).await;
    kept.map_err(|error| failed(&error))??;
    Ok(Reply::ok(&json!({ "media_url": media_url })))
}

/// Name and digest. The brand's page calls the digest `file_digest`, the
/// partner's `sha256`.
fn meta(cx: &Context<'_>) -> Result<(String, String), Refusal> {
    let refuse = |issue: &str| Refusal::param("body", &FieldError::new("/meta", "", issue));
    let text = std::str::from_utf8(part(cx, "meta")?).map_err(|_| refuse("不是UTF-8文本"))?;
    let members: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| refuse("不是合法的JSON对象"))?;
    let digest = match cx.admitted.caller.scheme {
        Scheme::WechatpayBrandSha256Rsa2048 => "file_digest",
        _ => "sha256",
    };
    let text = |name: &str| {
        let text = members
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default();
        let at = format!("/meta/{name}");
        if text.is_empty() {
            let error = FieldError::new(at, "", "必填参数缺失");
            return Err(Refusal::param("body", &error));
        }
        refuse_four_byte("body", &at, text)?;
        Ok(text.to_owned())
    };
    Ok((text("filename")?, text(digest)?))
}

fn part<'a>(cx: &Context<'a>, name: &str) -> Result<&'a [u8], Refusal> {
    let boundary = cx.request.boundary.as_ref();
    boundary
        .and_then(|boundary| multipart::part(&cx.request.body, boundary, name))
        .ok_or_else(|| {
            let issue = "请求体应为multipart/form-data，含meta与file两部分";
            Refusal::param("body", &FieldError::new(format!("/{name}"), "", issue))
        })
}
