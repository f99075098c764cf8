//! Where notifications may go: to this machine, and to hosts that the
//! configuration names.

use std::net::{IpAddr, SocketAddr};

use http::Uri;
use kabao_core::query::decode_component;

use super::NotificationSettings;
use crate::control;

/// A `notify_url`, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) https: bool,
    /// A name, or an address without brackets.
    pub(crate) host: String,
    port: u16,
    /// As the header `Host` has it.
    pub(crate) authority: String,
    pub(crate) path: String,
}

/// Why a text cannot be a `notify_url`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressIssue {
    #[error("须为完整的URL，以https://开头")]
    NotAbsolute,
    #[error("不能携带查询参数或片段")]
    Query,
    #[error("不能携带用户名或密码")]
    UserInfo,
    #[error("须以https://开头，仅本机地址可使用http://")]
    PlainHttp,
    #[error("不能指向沙箱的控制面{}", control::PREFIX)]
    ControlPlane,
}

impl Address {
    /// Takes a `notify_url` apart; with `https_only` also on this machine.
    pub(crate) fn parse(text: &str, https_only: bool) -> Result<Self, AddressIssue> {
        if text.contains(['?', '#']) {
            return Err(AddressIssue::Query);
        }
        let uri: Uri = text.parse().map_err(|_| AddressIssue::NotAbsolute)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(AddressIssue::NotAbsolute);
        };
        if authority.as_str().contains('@') {
            return Err(AddressIssue::UserInfo);
        }
        let https = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(AddressIssue::NotAbsolute),
        };
        let host = bare(authority.host()).to_ascii_lowercase();
        if host.is_empty() {
            return Err(AddressIssue::NotAbsolute);
        }
        if !https && (https_only || !names_this_machine(&host)) {
            return Err(AddressIssue::PlainHttp);
        }
        if is_of_a_control_plane(uri.path()) {
            return Err(AddressIssue::ControlPlane);
        }
        Ok(Self {
            https,
            port: authority.port_u16().unwrap_or(if https { 443 } else { 80 }),
            authority: authority.as_str().to_owned(),
            path: uri.path().to_owned(),
            host,
        })
    }

    /// The sockets to connect to. What is checked is what is connected to, so a
    /// name that changes its mind between the two leads nowhere else. Only a name
    /// that the configuration has is looked up elsewhere: a question to a name
    /// server leaves this machine as well.
    pub(crate) async fn resolve(
        &self,
        settings: &NotificationSettings,
    ) -> Result<Vec<SocketAddr>, String> {
        if settings.hosts.contains(&self.host) {
            return self.look_up(&self.host).await;
        }
        if let Ok(address) = self.host.parse()
            && is_here(address)
        {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        if is_localhost(&self.host) {
            // Whatever stands before the dot.
            let mut found = self.look_up(LOCALHOST).await?;
            found.retain(|socket| is_here(socket.ip()));
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Err(format!(
            "refused: {} is not among the hosts delivered to, which are this machine and those \
             that the switch notify_hosts names",
            self.host,
        ))
    }

    async fn look_up(&self, name: &str) -> Result<Vec<SocketAddr>, String> {
        let found = tokio::net::lookup_host((name, self.port))
            .await
            .map_err(|error| format!("{name} cannot be found: {error}"))?;
        let found: Vec<SocketAddr> = found.collect();
        match found.is_empty() {
            true => Err(format!("{name} has no address")),
            false => Ok(found),
        }
    }
}

/// On this machine any sandbox obeys without a token, and that is where notifications
/// come from. What stands before the name and how it is escaped do not count: a proxy
/// may take the one away and undo the other.
fn is_of_a_control_plane(path: &str) -> bool {
    let name = control::PREFIX.trim_start_matches('/');
    let is_in = |text: &str| {
        let mut parts = text.split(['/', '\\']);
        parts.any(|part| part.eq_ignore_ascii_case(name))
    };
    let mut parts = path.split('/');
    parts.any(|part| is_in(part) || decode_component(part).is_some_and(|text| is_in(&text)))
}

const LOCALHOST: &str = "localhost";

fn is_localhost(host: &str) -> bool {
    let before = host.strip_suffix(LOCALHOST);
    before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn names_this_machine(host: &str) -> bool {
    host == LOCALHOST || host.parse().is_ok_and(is_here)
}

fn is_here(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(text: &str) -> Option<AddressIssue> {
        Address::parse(text, false).err()
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        for text in [
            "http://127.0.0.1:8080/notify",
            "http://localhost/notify",
            "http://LOCALHOST/",
            "http://[::1]:80/n",
            "https://shop.example.com/notify",
            "https://10.0.0.1/notify",
        ] {
            assert_eq!(issue(text), None, "{text}");
        }
        for text in [
            "http://shop.example.com/notify",
            "http://10.0.0.1/notify",
            "http://0.0.0.0/notify",
            "http://localhost.example.com/",
        ] {
            assert_eq!(issue(text), Some(AddressIssue::PlainHttp), "{text}");
        }
        let strict = Address::parse("http://127.0.0.1/", true);
        assert_eq!(strict, Err(AddressIssue::PlainHttp));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (text, expected) in [
            ("", AddressIssue::NotAbsolute),
            ("/notify", AddressIssue::NotAbsolute),
            ("127.0.0.1:80", AddressIssue::NotAbsolute),
            ("ftp://127.0.0.1/", AddressIssue::NotAbsolute),
            ("http:///x", AddressIssue::NotAbsolute),
            ("https://商户.example.com/", AddressIssue::NotAbsolute),
            ("https://shop.example.com/n?a=1", AddressIssue::Query),
            ("https://shop.example.com/n#a", AddressIssue::Query),
            ("https://a:b@shop.example.com/n", AddressIssue::UserInfo),
        ] {
            assert_eq!(issue(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn parts_are_what_the_request_needs() {
        let address = Address::parse("https://[::1]:8443/a/b%20c", false).expect("an address");
        assert_eq!((address.host.as_str(), address.port), ("::1", 8443));
        assert_eq!(address.authority, "[::1]:8443");
        assert_eq!(address.path, "/a/b%20c");
        let address = Address::parse("http://localhost", false).expect("an address");
        assert_eq!((address.path.as_str(), address.port), ("/", 80));
    }

    #[tokio::test]
    async fn delivery_stays_here_unless_the_configuration_names_the_host() {
        let settings = NotificationSettings::default();
        let address = |text| Address::parse(text, false).expect("an address");
        for text in [
            "http://127.0.0.1:9/",
            "http://[::1]:9/",
            "http://[::ffff:127.0.0.1]:9/",
        ] {
            let sockets = address(text).resolve(&settings).await.expect(text);
            assert!(sockets.iter().all(|socket| socket.port() == 9), "{text}");
        }
        for text in ["https://localhost:9/", "https://shop.localhost:9/"] {
            let sockets = address(text).resolve(&settings).await.expect(text);
            assert!(
                sockets.iter().all(|socket| is_here(socket.ip())),
                "{sockets:?}"
            );
        }
        let elsewhere = address("https://192.0.2.7/notify");
        for refused in [
            elsewhere.clone(),
            address("https://shop.invalid/"),
            address("https://notlocalhost/"),
            address("https://localhost.example.com/"),
        ] {
            let refusal = refused.resolve(&settings).await.expect_err("elsewhere");
            let start = format!("refused: {} is not among", refused.host);
            assert!(refusal.starts_with(&start), "{refusal}");
        }
        let named = settings.deliver_to("192.0.2.7");
        assert_eq!(elsewhere.resolve(&named).await.map(|all| all.len()), Ok(1));
    }
}
