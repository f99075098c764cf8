//! Where a request goes: a base address and a reference resolved against it.

/// Scheme, host and base path, such as `https://api.mch.weixin.qq.com/`.
///
/// References are resolved as RFC 3986 does: a base with a path keeps its
/// trailing slash, or its last segment is replaced; a reference with a leading
/// slash drops the base path.
///
/// ```
/// use kabao_core::target::BaseUrl;
///
/// let base: BaseUrl = "https://api.mch.weixin.qq.com/hk/".parse()?;
/// assert_eq!(base.target("v3/statements?date=20260101"), "/hk/v3/statements?date=20260101");
/// assert_eq!(base.target("/v3/statements"), "/v3/statements");
/// # Ok::<(), kabao_core::target::BaseUrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    origin: String,
    path: String,
}

impl BaseUrl {
    /// The mainland host.
    pub const PRODUCTION: &'static str = "https://api.mch.weixin.qq.com/";
    /// The same API in another city.
    pub const PRODUCTION_BACKUP: &'static str = "https://api2.mch.weixin.qq.com/";

    /// Scheme, host and port, without a trailing slash.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What goes into the request line, and is signed: path and query.
    #[must_use]
    pub fn target(&self, reference: &str) -> String {
        if reference.starts_with('/') {
            return reference.to_owned();
        }
        let folder = self
            .path
            .rfind('/')
            .map_or("/", |slash| &self.path[..=slash]);
        format!("{folder}{reference}")
    }
}

impl std::str::FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = |issue| BaseUrlError {
            url: without_user(text),
            issue,
        };
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| bad("it begins with https:// or http://"))?;
        if !matches!(scheme, "http" | "https") {
            return Err(bad("only https:// and http:// are spoken"));
        }
        if rest.contains(['?', '#']) {
            return Err(bad("it has neither a query nor a fragment"));
        }
        if rest.contains('@') {
            return Err(bad("it carries no user name or password"));
        }
        let (host, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, "/"),
        };
        if host.is_empty()
            || host.contains(char::is_whitespace)
            || path.contains(char::is_whitespace)
        {
            return Err(bad("the host is missing or has spaces"));
        }
        let port = host.rsplit_once(':').map(|(_, port)| port);
        // Of an address in brackets the end is no port.
        if port.is_some_and(|port| !port.ends_with(']') && port.parse::<u16>().is_err()) {
            return Err(bad("the port is a number up to 65535"));
        }
        Ok(Self {
            origin: format!("{scheme}://{host}"),
            path: path.to_owned(),
        })
    }
}

/// The text is not a base address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` is not a base URL: {issue}")]
pub struct BaseUrlError {
    url: String,
    issue: &'static str,
}

/// Whoever puts a password into an address does not want it in a log.
fn without_user(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_numbers_and_brackets_hold_addresses() {
        for url in ["http://[::1]", "http://[::1]:80/", "https://host:443"] {
            url.parse::<BaseUrl>().expect(url);
        }
    }

    #[test]
    fn what_is_refused_shows_no_password() {
        for (url, word) in [
            ("https://user:geheim@host/", "user name"),
            ("ftp://user:geheim@host/", "https://"),
            ("api.mch.weixin.qq.com", "https://"),
            ("https:///v3", "host"),
            ("https://host/?a=b", "query"),
            ("https://host:99999/", "port"),
            ("https://[::1]:x/", "port"),
        ] {
            let error = url.parse::<BaseUrl>().expect_err(url).to_string();
            assert!(error.contains(word) && !error.contains("geheim"), "{error}");
        }
    }
}
