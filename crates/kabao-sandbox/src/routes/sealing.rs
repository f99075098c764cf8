//! Sensitive values: opened on the way in, sealed on the way out.

use std::{sync::LazyLock, thread::available_parallelism, time::Duration};

use kabao_core::{
    PrivateKey, PublicKey, Sealed, Sensitive, UserCard, UserCardChange,
    answer::header as wechatpay,
    card_member::{UserCard as WireUserCard, UserInformation},
    field::FieldError,
    keyring::KeyId,
    sensitive::{Opener as _, Sealer as _},
};

use super::{Context, members::refuse_four_byte};
use crate::{aside::Places, refusal::Refusal};

/// What costs no more than this many sealings is done on the connection's own
/// thread: as much as the signature that every answer has, or one opening.
const IN_PLACE: usize = 16;

/// A private-key operation costs as much as this many with a public key.
const OPENING: usize = 16;

impl Context<'_> {
    /// Opens the values of a change with the key that the request names. If there
    /// are any, it has to name one.
    pub(crate) async fn open(
        &self,
        change: UserCardChange<Sealed>,
    ) -> Result<UserCardChange, Refusal> {
        let key = self.opening_key();
        let values = values(
            change.phone_number.as_ref(),
            change.user_information.as_ref(),
        );
        done(values * OPENING, move || {
            change.try_map(|field, sealed| open_one(&key, field, &sealed))
        })
        .await
    }

    /// Opens one value; see [`open`](Self::open).
    pub(crate) async fn open_value(
        &self,
        field: &'static str,
        sealed: Sealed,
    ) -> Result<Sensitive, Refusal> {
        let key = self.opening_key();
        done(OPENING, move || open_one(&key, field, &sealed)).await
    }

    /// Seals a card's values for the certificate that the request was signed
    /// with.
    pub(crate) async fn seal(&self, card: UserCard) -> Result<WireUserCard<Sealed>, Refusal> {
        let key = self.sealing_key()?.clone();
        done(values_of(&card), move || seal_card(&key, card)).await
    }

    /// The same for many cards.
    pub(crate) async fn seal_all(
        &self,
        cards: Vec<UserCard>,
    ) -> Result<Vec<WireUserCard<Sealed>>, Refusal> {
        let key = self.sealing_key()?.clone();
        let cost = cards.iter().map(values_of).sum();
        done(cost, move || {
            let cards = cards.into_iter();
            cards.map(|card| seal_card(&key, card)).collect()
        })
        .await
    }

    /// Seals one value; see [`seal`](Self::seal).
    pub(crate) fn seal_value(&self, value: &Sensitive) -> Result<Sealed, Refusal> {
        seal_one(self.sealing_key()?, value)
    }

    fn sealing_key(&self) -> Result<&PublicKey, Refusal> {
        let admitted = self.admitted;
        let certificate = admitted.caller.certificate(&admitted.serial_no);
        let certificate = certificate.ok_or_else(not_sealed)?;
        Ok(&certificate.public_key)
    }

    fn opening_key(&self) -> Result<PrivateKey, Refusal> {
        let named = self.request.header(wechatpay::SERIAL).map(KeyId::new);
        // The gate let in no name that nobody has.
        named
            .and_then(|id| self.admitted.caller.platform_key(&id))
            .map(|signer| signer.key.clone())
            .ok_or_else(|| {
                Refusal::invalid_request(
                    "缺少Http头Wechatpay-Serial，含加密字段的请求须传入加密所用的微信支付公钥ID或平台证书序列号",
                )
            })
    }
}

fn open_one(
    key: &Result<PrivateKey, Refusal>,
    field: &str,
    sealed: &Sealed,
) -> Result<Sensitive, Refusal> {
    const LONGEST: usize = 512;
    if sealed.as_str().is_empty() {
        // Nothing was sealed.
        return Ok(Sensitive::new(""));
    }
    let key = key.as_ref().map_err(Clone::clone)?;
    let refuse = |issue: &str| Refusal::param("body", &FieldError::new(field, "", issue));
    if sealed.as_str().chars().count() > LONGEST {
        return Err(refuse("密文长度不能超过512个字符"));
    }
    let value = key
        .open(sealed)
        .map_err(|_| refuse("解密失败，请确认待处理的消息是否为加密后的密文"))?;
    refuse_four_byte("body", field, value.expose())?;
    Ok(value)
}

fn seal_card(key: &PublicKey, card: UserCard) -> Result<WireUserCard<Sealed>, Refusal> {
    card.try_map(|_, value| seal_one(key, &value))
}

fn seal_one(key: &PublicKey, value: &Sensitive) -> Result<Sealed, Refusal> {
    key.seal(value).map_err(|_| not_sealed())
}

fn not_sealed() -> Refusal {
    tracing::error!("a stored value could not be sealed");
    Refusal::system_error()
}

fn values_of(card: &UserCard) -> usize {
    values(card.phone_number.as_ref(), card.user_information.as_ref())
}

/// How many sensitive values a card has, or a change of one.
fn values<S>(phone_number: Option<&S>, information: Option<&UserInformation<S>>) -> usize {
    let common = information.and_then(|information| information.common_field_list.as_ref());
    let common = common.map_or(0, Vec::len);
    let custom = information.and_then(|information| information.custom_field_list.as_ref());
    let custom = custom.into_iter().flatten();
    let chosen = custom.map(|field| field.user_chosen_values.as_ref().map_or(0, Vec::len));
    usize::from(phone_number.is_some()) + common + chosen.sum::<usize>()
}

/// Does what is soon done in place, for handing it over takes longer than that,
/// and the rest where it does not hold up other connections. No more of that
/// runs at once than there are cores: the threads that answer need their share.
async fn done<T: Send + 'static>(
    cost: usize,
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    static CORES: LazyLock<Places> = LazyLock::new(|| {
        let cores = available_parallelism().map_or(2, |n| n.get().max(2));
        Places::new(cores, Duration::MAX)
    });
    if cost <= IN_PLACE {
        return work();
    }
    let place = CORES.take().await.ok_or_else(Refusal::unavailable)?;
    place.aside(work).await.map_err(|error| {
        tracing::error!(%error, "a cryptographic task died");
        Refusal::system_error()
    })?
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread, time::Duration};

    use super::*;

    #[tokio::test]
    async fn much_work_does_not_hold_up_who_shares_the_thread() {
        let (told, heard) = mpsc::channel();
        let patience = Duration::from_secs(30);
        let work = done(IN_PLACE + 1, move || {
            Ok(heard.recv_timeout(patience).is_ok())
        });
        let other = async { told.send(()) };
        let (was_told, _) = tokio::join!(work, other);
        assert!(was_told.expect("done"), "the other had to wait for it");
    }

    #[tokio::test]
    async fn a_signatures_worth_of_work_stays_where_it_is() {
        let here = thread::current().id();
        let there = done(IN_PLACE, || Ok(thread::current().id())).await;
        assert_eq!(there.expect("done"), here);
    }
}
