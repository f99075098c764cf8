use std::time::Duration;

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};

/// How often a call is tried, and how long one try may take.
///
/// Only what can be repeated without harm is: calls that read, replace, remove
/// or set, and any call whose connection was never made. Statuses that are tried
/// again are 429 (after `Retry-After`), 500, 502, 503 and 504. Every try is
/// signed anew, and all of them keep within the client's timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    pub(crate) retries: u32,
    pub(crate) attempt_timeout: Duration,
    pub(crate) backoff: Duration,
}

impl RetryPolicy {
    /// Every call is tried once. (A backup host is still turned to, once, if the
    /// connection was never made.)
    #[must_use]
    pub fn none() -> Self {
        Self {
            retries: 0,
            ..Self::default()
        }
    }

    /// How many tries may follow the first; 2 by default.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// How long a try may take if another one may follow; 10 s by default.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// The wait before the second try, doubled for each further one; 250 ms by
    /// default. After 429 without `Retry-After` it is four times that.
    #[must_use]
    pub fn backoff(mut self, backoff: Duration) -> Self {
        self.backoff = backoff;
        self
    }

    /// How long to wait after the `tried`th try.
    pub(crate) fn wait(&self, tried: u32) -> Duration {
        self.backoff.saturating_mul(1 << (tried - 1).min(6))
    }

    /// How long to wait after an answer with this status, or `None` if it is
    /// not one to try again.
    pub(crate) fn wait_after(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        tried: u32,
    ) -> Option<Duration> {
        let wait = self.wait(tried);
        match status.as_u16() {
            429 => Some(retry_after(headers).unwrap_or(wait.saturating_mul(4))),
            500 | 502 | 503 | 504 => Some(wait),
            _ => None,
        }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 2,
            attempt_timeout: Duration::from_secs(10),
            backoff: Duration::from_millis(250),
        }
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse();
    seconds.ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_respected_and_other_waits_grow() {
        let policy = RetryPolicy::default().backoff(Duration::from_millis(100));
        let mut headers = HeaderMap::new();
        let wait = |status, headers: &HeaderMap, tried| {
            policy
                .wait_after(status, headers, tried)
                .map(|wait| wait.as_millis())
        };
        let limited = StatusCode::TOO_MANY_REQUESTS;
        assert_eq!(wait(limited, &headers, 1), Some(400));
        headers.insert(RETRY_AFTER, http::HeaderValue::from_static("3"));
        assert_eq!(wait(limited, &headers, 2), Some(3000));
        assert_eq!(
            wait(StatusCode::SERVICE_UNAVAILABLE, &headers, 3),
            Some(400)
        );
        assert_eq!(wait(StatusCode::BAD_REQUEST, &headers, 1), None);
        assert!(policy.wait(u32::MAX) < Duration::from_secs(10));
    }
}
