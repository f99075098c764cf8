use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    call::{Body, BuildError, Call, Method},
    extra::Extra,
    field::FieldError,
    operation::{Caller, Operation},
    sensitive::{Opener, Sealer},
};

/// A picture that was uploaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Its permanent address, for `card_picture_url`.
    pub media_url: String,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Uploads a picture for a card's background: JPG, BMP or PNG, at most 2 MB;
/// about 716 by 320 pixels and under 1 MB look right on a card.
///
/// `POST /brand/card-member/media/image-upload`: page 4015680641 for the brand,
/// 5 a second. For the service provider the general `POST
/// /v3/marketing/favor/media/image-upload`, page 4012759802: which address this
/// product has for service providers is not known. The part `meta` alone is
/// signed. Repeating it uploads the picture again, which harms nobody.
///
/// ```
/// use kabao_core::{card_member::UploadImage, operation::{Caller, Operation}, PrivateKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let upload = UploadImage::new("card.png", &b"\x89PNG..."[..]);
/// let body = upload.call(&Caller::Brand, wechatpay_public_key)?.body.unwrap();
/// assert!(body.content_type.starts_with("multipart/form-data; boundary="));
/// assert!(body.signed.starts_with(br#"{"filename":"card.png","file_digest":""#));
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadImage {
    /// The file's name, which ends in .jpg, .jpeg, .bmp or .png.
    pub filename: String,
    /// The file.
    pub file: Bytes,
}

impl UploadImage {
    /// The largest file, in bytes.
    pub const MAX_BYTES: usize = 2 << 20;

    /// Uploads `file` under a name.
    pub fn new(filename: impl Into<String>, file: impl Into<Bytes>) -> Self {
        Self {
            filename: filename.into(),
            file: file.into(),
        }
    }
}

/// The media type that a name promises.
///
/// # Errors
/// [`FieldError`] if it is none that is taken.
fn kind(filename: &str) -> Result<&'static str, FieldError> {
    let (_, extension) = filename.rsplit_once('.').unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => Ok("image/jpeg"),
        "png" => Ok("image/png"),
        "bmp" => Ok("image/bmp"),
        _ => {
            let issue = "ends in .jpg, .jpeg, .bmp or .png";
            Err(FieldError::new("/meta/filename", filename, issue))
        }
    }
}

impl Operation for UploadImage {
    type Output = Image;

    fn check(&self) -> Result<(), FieldError> {
        kind(&self.filename)?;
        let length = self.file.len();
        if (1..=Self::MAX_BYTES).contains(&length) {
            return Ok(());
        }
        let issue = "a picture has 1 byte to 2 MB";
        Err(FieldError::new("/file", format!("{length} bytes"), issue))
    }

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        #[derive(Serialize)]
        struct Meta<'a> {
            filename: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            sha256: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            file_digest: Option<&'a str>,
        }
        let sum = hex(digest(&SHA256, &self.file).as_ref());
        let is_partner = matches!(caller, Caller::Partner { .. });
        let meta = Meta {
            filename: &self.filename,
            sha256: is_partner.then_some(&sum),
            file_digest: (!is_partner).then_some(&sum),
        };
        let meta = serde_json::to_vec(&meta).map_err(|error| BuildError::Json {
            reason: error.to_string(),
        })?;
        let path = match caller {
            Caller::Partner { .. } => "v3/marketing/favor/media/image-upload".to_owned(),
            Caller::Brand => caller.path("media/image-upload"),
        };
        Call::to(&path)
            .body(self.form(meta.into(), &sum))
            .repeatable(true)
            .build(Method::Post)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], _open: &dyn Opener) -> Result<Image, serde_json::Error> {
        serde_json::from_slice(body)
    }
}

impl UploadImage {
    /// The two parts. The file's own digest keeps the boundary out of it.
    fn form(&self, meta: Bytes, digest: &str) -> Body {
        let boundary = format!("kabao-{}", &digest[..32]);
        let kind = kind(&self.filename).unwrap_or("application/octet-stream");
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"meta\"\r\n\
             Content-Type: application/json\r\n\r\n"
        );
        let between = format!(
            "\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; \
             filename=\"{}\"\r\nContent-Type: {kind}\r\n\r\n",
            quotable(&self.filename),
        );
        let end = format!("\r\n--{boundary}--\r\n");
        let parts: [&[u8]; 5] = [
            head.as_bytes(),
            &meta,
            between.as_bytes(),
            &self.file,
            end.as_bytes(),
        ];
        Body {
            content_type: format!("multipart/form-data; boundary={boundary}"),
            bytes: parts.concat().into(),
            signed: meta,
        }
    }
}

/// A name as it can stand in quotes in a header.
fn quotable(name: &str) -> String {
    name.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
