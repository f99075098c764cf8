use bytes::Bytes;
use kabao_core::card_member::{Image, UploadImage};

use super::resource;
use crate::error::Result;

resource! {
    /// Pictures for cards.
    ///
    /// ```no_run
    /// use kabao::card_member::CardChange;
    ///
    /// # async fn f(client: kabao::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let members = client.card_member_for("1004");
    /// let image = members.images().upload("gold.png", std::fs::read("gold.png")?).await?;
    /// let change = CardChange::new().card_picture_url(image.media_url);
    /// members.cards().update("pbLatjvWOibDc5-TBnbUk1pD12o0", change).await?;
    /// # Ok(()) }
    /// ```
    Images
}

impl Images {
    /// Uploads a picture and gives its permanent address, for
    /// `card_picture_url`: JPG, BMP or PNG, at most 2 MB, under a name that says
    /// so (`.jpg`, `.jpeg`, `.bmp`, `.png`). On a card about 716 by 320 pixels
    /// and under 1 MB look right.
    ///
    /// It is retried: the picture is there twice then, which harms nobody.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4012759802)
    /// (the general upload, for none of this product is known),
    /// [brand](https://pay.weixin.qq.com/doc/brand/4015680641), 5 a second.
    ///
    /// # Errors
    /// 400 `PARAM_ERROR` for what is no such picture; else
    /// [as everywhere](super#errors).
    pub async fn upload(
        &self,
        filename: impl Into<String>,
        file: impl Into<Bytes>,
    ) -> Result<Image> {
        self.0.send(&UploadImage::new(filename, file)).await
    }
}
