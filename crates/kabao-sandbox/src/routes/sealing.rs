//! Sensitive values: opened on the way in, sealed on the way out.

use kabao_core::{
    PrivateKey, Sealed, Sensitive, UserCard, UserCardChange,
    answer::header as wechatpay,
    card_member::UserCard as WireUserCard,
    field::FieldError,
    keyring::KeyId,
    sensitive::{Opener as _, Sealer as _},
};

use super::{Context, members::refuse_four_byte};
use crate::refusal::Refusal;

impl Context<'_> {
    /// Opens the values of a change with the key that the request names, or
    /// with any current key if it names none.
    pub(crate) async fn open(
        &self,
        change: UserCardChange<Sealed>,
    ) -> Result<UserCardChange, Refusal> {
        let keys = self.opening_keys();
        // Form answers may be many.
        let is_one = change.user_information.is_none() && keys.len() == 1;
        let open = move || change.try_map(|field, sealed| open_one(&keys, field, &sealed));
        in_place_if(is_one, open).await
    }

    /// Opens one value; see [`open`](Self::open).
    pub(crate) async fn open_value(
        &self,
        field: &'static str,
        sealed: Sealed,
    ) -> Result<Sensitive, Refusal> {
        let keys = self.opening_keys();
        let is_one = keys.len() == 1;
        in_place_if(is_one, move || open_one(&keys, field, &sealed)).await
    }

    /// Seals a card's values for the certificate that the request was signed
    /// with.
    pub(crate) fn seal(&self, card: UserCard) -> Result<WireUserCard<Sealed>, Refusal> {
        card.try_map(|_, value| self.seal_value(&value))
    }

    /// Seals one value; see [`seal`](Self::seal).
    pub(crate) fn seal_value(&self, value: &Sensitive) -> Result<Sealed, Refusal> {
        let admitted = self.admitted;
        let certificate = admitted.caller.certificate(&admitted.serial_no);
        certificate
            .and_then(|certificate| certificate.public_key.seal(value).ok())
            .ok_or_else(|| {
                tracing::error!("a stored value could not be sealed");
                Refusal::system_error()
            })
    }

    fn opening_keys(&self) -> Vec<PrivateKey> {
        let named = self.request.header(wechatpay::SERIAL).map(KeyId::new);
        let platform = &self.admitted.caller.platform;
        platform
            .iter()
            .filter(|signer| named.as_ref().is_none_or(|id| signer.id == *id))
            .map(|signer| signer.key.clone())
            .collect()
    }
}

fn open_one(keys: &[PrivateKey], field: &str, sealed: &Sealed) -> Result<Sensitive, Refusal> {
    const LONGEST: usize = 512;
    let refuse = |issue: &str| Refusal::param("body", &FieldError::new(field, "", issue));
    if sealed.as_str().chars().count() > LONGEST {
        return Err(refuse("密文长度不能超过512个字符"));
    }
    let value = keys
        .iter()
        .find_map(|key| key.open(sealed).ok())
        .ok_or_else(|| refuse("解密失败，请确认待处理的消息是否为加密后的密文"))?;
    refuse_four_byte("body", field, value.expose())?;
    Ok(value)
}

/// Runs private-key operations where they do not hold up other connections,
/// unless it is just one: that takes as long as the signature of an answer, and
/// handing it over takes a good part of it again.
async fn in_place_if<T: Send + 'static>(
    is_one: bool,
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    if is_one {
        return work();
    }
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "a cryptographic task died");
        Refusal::system_error()
    })?
}
