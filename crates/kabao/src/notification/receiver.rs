use std::{
    fmt,
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::{SignedDuration, Timestamp};
use kabao_core::{
    ApiV3Key,
    answer::{AnswerSignature, VerifyError, WINDOW_SECONDS},
    keyring::{KeyId, Keyring},
    message,
    notification::Notification,
    secret::ApiV3KeyError,
    sensitive::Opener,
};

use super::{
    Delivery, Headers, Mark, NotificationError, ReceiverBuilder, ReplayStore, ReplayStoreError,
};
use crate::{Client, answer::hex, answer::place_of, clock::Clock};

/// The longest documented schedule of redeliveries takes 24 hours and 4 minutes.
const REDELIVERIES: SignedDuration = SignedDuration::from_hours(25);

/// Takes notifications: verifies, opens and types them, and refuses replays.
///
/// Cloning is cheap, and clones share the memory of what was received.
///
/// ```
/// use kabao::notification::{Ack, Event, Receiver};
///
/// # async fn f(receiver: Receiver, headers: http::HeaderMap, body: Vec<u8>) -> Ack {
/// // In any framework: the headers, and the bytes of the body as they came.
/// match receiver.receive(&headers, &body).await {
///     Err(error) => error.ack(),
///     Ok(delivery) => match &delivery.event {
///         Event::UserCardCreated(card) => {
///             println!("{} took {:?}", card.openid, card.user_card_code);
///             Ack::success()
///         }
///         // What is of no interest is taken too, or it would come again.
///         _ => Ack::success(),
///     },
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Receiver(Arc<Parts>);

pub(super) struct Parts {
    pub(super) api_key: ApiV3Key,
    pub(super) ring: Keyring,
    pub(super) client: Option<Client>,
    pub(super) opener: Option<Arc<dyn Opener + Send + Sync>>,
    pub(super) replays: Arc<dyn ReplayStore>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Receiver {
    /// Begins with the key that opens notifications: the APIv3 key, or a
    /// brand's API key (a text of 32 characters, or an [`ApiV3Key`]).
    ///
    /// ```
    /// use kabao::notification::Receiver;
    ///
    /// # fn f() -> Result<(), Box<dyn std::error::Error>> {
    /// let receiver = Receiver::builder("0123456789abcdef0123456789abcdef")
    ///     .wechatpay_public_key("PUB_KEY_ID_0114", std::fs::read("pub_key.pem")?)
    ///     .private_key(kabao::PrivateKey::from_pem(std::fs::read("apiclient_key.pem")?)?)
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn builder(
        api_v3_key: impl TryInto<ApiV3Key, Error: Into<ApiV3KeyError>>,
    ) -> ReceiverBuilder {
        ReceiverBuilder::new(api_v3_key.try_into().map_err(Into::into))
    }

    pub(super) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Takes a notification: the headers it came with (`&HeaderMap`, or
    /// [`Headers::from_fn`]) and the bytes of its body, exactly as received.
    ///
    /// A platform certificate that nobody knows yet is looked for once if the
    /// receiver shares a client's keys.
    ///
    /// # Errors
    /// [`NotificationError`]; answer it with its `ack()`.
    pub async fn receive(
        &self,
        headers: impl Into<Headers<'_>>,
        body: &[u8],
    ) -> Result<Delivery, NotificationError> {
        let headers = headers.into();
        let outcome = match self.open(headers, body) {
            Err(NotificationError::Signature(VerifyError::UnknownSerial { serial })) => {
                self.look_for(serial).await?;
                self.open(headers, body)
            }
            outcome => outcome,
        };
        match outcome {
            Ok(opened) => self.admit(opened).await,
            Err(error) => Err(error),
        }
        .inspect(log_delivery)
        .inspect_err(log_refusal)
    }

    /// The same without `async`, with the keys at hand and a store that answers
    /// at once, as [`MemoryReplayStore`](super::MemoryReplayStore) does.
    ///
    /// # Errors
    /// As [`receive`](Self::receive); [`NotificationError::ReplayStore`] if the
    /// store would have to wait.
    pub fn receive_now<'a>(
        &self,
        headers: impl Into<Headers<'a>>,
        body: &[u8],
    ) -> Result<Delivery, NotificationError> {
        self.open(headers.into(), body)
            .and_then(|opened| at_once(self.admit(opened)))
            .inspect(log_delivery)
            .inspect_err(log_refusal)
    }

    /// Verify, then read, then open: nothing looks at what is not genuine.
    fn open(&self, headers: Headers<'_>, body: &[u8]) -> Result<Opened, NotificationError> {
        let now = self.0.clock.now();
        let signature = headers.signature().map_err(NotificationError::Signature)?;
        let signed_with = self
            .verify(&signature, body, now)
            .map_err(NotificationError::Signature)?;
        let notification: Notification =
            serde_json::from_slice(body).map_err(|error| NotificationError::Envelope {
                place: place_of(&error),
            })?;
        let opener = self.0.opener.as_deref().map(|opener| opener as &dyn Opener);
        let event = notification.event(&self.0.api_key, opener)?;
        let signed = message::answer(signature.timestamp, signature.nonce, body);
        Ok(Opened {
            digest: hex(digest(&SHA256, &signed).as_ref()),
            ends: end_of_window(&signature, now),
            now,
            delivery: Delivery::new(notification, event, signed_with, headers.request_id()),
        })
    }

    fn verify(
        &self,
        signature: &AnswerSignature<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<KeyId, VerifyError> {
        let by = |ring: &Keyring| {
            let key = signature.verify(body, ring, now.as_second())?;
            Ok(key.id().clone())
        };
        match (by(&self.0.ring), &self.0.client) {
            (Err(VerifyError::UnknownSerial { .. }), Some(client)) => by(&client.keys_at_hand()),
            (outcome, _) => outcome,
        }
    }

    async fn look_for(&self, serial: KeyId) -> Result<(), NotificationError> {
        let Some(client) = &self.0.client else {
            return Ok(());
        };
        // Whether it was found shows when the signature is checked again.
        match client.look_for_key(&serial).await {
            Ok(_) => Ok(()),
            Err(source) => Err(NotificationError::Keys {
                serial: serial.as_str().to_owned(),
                source,
            }),
        }
    }

    /// The last step, so that what was refused for another reason leaves no
    /// mark.
    async fn admit(&self, opened: Opened) -> Result<Delivery, NotificationError> {
        let Opened {
            mut delivery,
            digest,
            ends,
            now,
        } = opened;
        let replays = &self.0.replays;
        if !replays.first(Mark::Message(&digest), now, ends).await? {
            return Err(NotificationError::Replayed { id: delivery.id });
        }
        let remembered = now.checked_add(REDELIVERIES).unwrap_or(Timestamp::MAX);
        let mark = Mark::Notification(&delivery.id);
        delivery.seen_before = !replays.first(mark, now, remembered).await?;
        Ok(delivery)
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("client", &self.0.client)
            .field("replays", &self.0.replays)
            .finish_non_exhaustive()
    }
}

/// Genuine and readable; whether it is new is not known yet.
struct Opened {
    delivery: Delivery,
    digest: String,
    ends: Timestamp,
    now: Timestamp,
}

/// When the message falls out of the window, and need not be remembered.
fn end_of_window(signature: &AnswerSignature<'_>, now: Timestamp) -> Timestamp {
    let signed = signature.timestamp.parse().ok().map(Timestamp::from_second);
    let signed = signed.and_then(Result::ok).unwrap_or(now);
    signed
        .checked_add(SignedDuration::from_secs(WINDOW_SECONDS + 1))
        .unwrap_or(Timestamp::MAX)
}

fn at_once<T>(
    work: impl Future<Output = Result<T, NotificationError>>,
) -> Result<T, NotificationError> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Err(ReplayStoreError::new(
            "it does not answer at once; take notifications with `receive`",
        )
        .into()),
    }
}

fn log_delivery(delivery: &Delivery) {
    tracing::debug!(
        target: "kabao",
        id = delivery.id,
        event_type = delivery.event_type,
        key = %delivery.signed_with,
        seen_before = delivery.seen_before,
        "notification taken",
    );
}

fn log_refusal(error: &NotificationError) {
    if error.is_probe() {
        tracing::debug!(target: "kabao", "a probe by WeChat Pay was refused, as it should be");
    } else {
        let cause = std::error::Error::source(error).map(tracing::field::display);
        tracing::warn!(target: "kabao", %error, cause, "notification refused");
    }
}
