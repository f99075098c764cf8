//! Pictures that were uploaded.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kabao_core::field::FieldError;
use serde::{Deserialize, Serialize};

use crate::{
    refusal::Refusal,
    store::{Kept, Workspace},
};

/// The largest picture.
const LARGEST: usize = 2 * 1024 * 1024;

/// A picture under its own digest: the same one is kept once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Picture {
    pub(crate) id: String,
    pub(crate) content_type: String,
    /// Base64.
    bytes: String,
}

impl Kept for Picture {
    const KIND: &'static str = "picture";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// The formats that are taken: the name's endings, what a file begins with, and
/// the media type.
const FORMATS: [(&[&str], &[u8], &str); 3] = [
    (&[".jpg", ".jpeg"], b"\xff\xd8\xff", "image/jpeg"),
    (&[".png"], b"\x89PNG\r\n\x1a\n", "image/png"),
    (&[".bmp"], b"BM", "image/bmp"),
];

impl Picture {
    /// Takes a file by the name and digest that its sender gave it.
    pub(crate) fn take(filename: &str, sha256: &str, bytes: &[u8]) -> Result<Self, Refusal> {
        let name = filename.to_ascii_lowercase();
        let is_named = |endings: &[&str]| endings.iter().any(|end| name.ends_with(end));
        if !FORMATS.iter().any(|(endings, ..)| is_named(endings)) {
            return Err(blame(
                "/meta/filename",
                filename,
                "须以.jpg、.jpeg、.bmp或.png结尾",
            ));
        }
        if bytes.len() > LARGEST {
            let length = bytes.len().to_string();
            return Err(blame("/file", &length, "图片大小不能超过2MB"));
        }
        let digest = hex_digest(bytes);
        if !digest.eq_ignore_ascii_case(sha256) {
            return Err(blame("/meta", sha256, "与图片的SHA256不一致"));
        }
        let format = FORMATS
            .iter()
            .find(|(_, magic, _)| bytes.starts_with(magic));
        let Some((endings, _, content_type)) = format else {
            return Err(blame("/file", "", "图片格式仅支持JPG、BMP、PNG"));
        };
        Ok(Self {
            id: format!("{digest}{}", endings[0]),
            content_type: (*content_type).to_owned(),
            bytes: STANDARD.encode(bytes),
        })
    }

    /// The file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        // What was encoded decodes.
        STANDARD.decode(&self.bytes).unwrap_or_default()
    }

    /// Keeps it.
    pub(crate) fn keep(&self, workspace: &mut Workspace) -> Result<(), Refusal> {
        workspace.put_record(self)
    }
}

fn blame(at: &str, value: &str, issue: &str) -> Refusal {
    let shown: String = value.chars().take(80).collect();
    Refusal::param("body", &FieldError::new(at, shown, issue))
}

fn hex_digest(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    let hex = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    hex.collect()
}
