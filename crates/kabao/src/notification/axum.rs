//! A [`Delivery`] as a handler's argument.

use ::axum_core::{
    extract::{FromRef, FromRequest, Request},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::{Ack, Delivery, NotificationError, Receiver};

/// Notifications have a few kilobytes.
const LARGEST_BODY: usize = 1 << 20;

impl<S> FromRequest<S> for Delivery
where
    S: Send + Sync,
    Receiver: FromRef<S>,
{
    type Rejection = NotificationError;

    async fn from_request(request: Request, state: &S) -> Result<Self, NotificationError> {
        let receiver = Receiver::from_ref(state);
        let (head, body) = request.into_parts();
        let body = Limited::new(body, LARGEST_BODY)
            .collect()
            .await
            .map_err(|error| match error.is::<LengthLimitError>() {
                true => NotificationError::TooLarge {
                    limit: LARGEST_BODY,
                },
                false => NotificationError::Body,
            })?
            .to_bytes();
        receiver.receive(&head.headers, &body).await
    }
}

impl IntoResponse for NotificationError {
    fn into_response(self) -> Response {
        self.ack().into_response()
    }
}

impl IntoResponse for Ack {
    fn into_response(self) -> Response {
        Response::from(self)
    }
}
