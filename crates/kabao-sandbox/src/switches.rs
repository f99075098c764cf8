//! What a sandbox does differently on request, by name.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

macro_rules! switches {
    ( $( $name:ident: $about:literal, )+ ) => {
        /// What a sandbox does differently on request; all off by default. As a
        /// table of TOML or JSON it takes these names and no others.
        ///
        /// ```
        /// use kabao_sandbox::Switches;
        ///
        /// let mut switches = Switches::default();
        /// switches.set("update_time", None)?;
        /// switches.set("notify_hosts", Some("hooks.test,10.0.0.7"))?;
        /// assert!(switches.update_time);
        /// assert_eq!(switches.notify_hosts, ["hooks.test", "10.0.0.7"]);
        /// assert!(switches.set("upsidedown", None).is_err());
        /// # Ok::<(), kabao_sandbox::SwitchError>(())
        /// ```
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        #[non_exhaustive]
        pub struct Switches {
            $( #[doc = $about] pub $name: bool, )+
            /// Hosts beside this machine that notifications may go to: names or
            /// addresses without a port.
            pub notify_hosts: Vec<String>,
        }

        impl Switches {
            /// Every switch: its name and what it does, in one line.
            pub const ALL: &'static [(&'static str, &'static str)] = &[
                $( (stringify!($name), $about), )+
                ("notify_hosts", "Also deliver notifications to these hosts (comma-separated)."),
            ];

            fn flag(&mut self, name: &str) -> Option<&mut bool> {
                match name {
                    $( stringify!($name) => Some(&mut self.$name), )+
                    _ => None,
                }
            }
        }
    };
}

switches! {
    other_card_types: "Accept the card types PURCHASE and BALANCE too.",
    optional_out_request_no: "Let templates be created without out_request_no.",
    update_time: "Give templates update_time beside modify_time, as older pages have it.",
    bare_templates: "Leave out_request_no, member_information, state and create_time out of templates, as older pages do.",
    bare_user_cards: "Leave create_time and modify_time out of user cards, as older pages do.",
    feed_cell_message: "Give feeds openid and cell_message too, as older pages have it.",
    exchange_fail_reason: "Give rejected exchanges fail_reason beside reject_reason, as older pages have it.",
    no_import_by_phone: "Refuse imports by phone number: the guides call them not yet online.",
    plain_notifications: "Send personal values inside notifications in plain.",
    community_states: "Name card states in notifications NOT_EFFECTIVE, UNAVAILABLE and DELETE.",
    https_only: "Take no plain http notify_url, not even on this machine.",
    refuse_replays: "Refuse a repeated Authorization instead of only marking it.",
    journal_bodies: "Keep the bodies of requests whose signature is refused in the journal; on loopback only.",
}

impl Switches {
    /// Sets a switch by name. A value of `None` turns it on; otherwise it is
    /// `true` or `false`, and for `notify_hosts` the hosts, separated by commas.
    ///
    /// # Errors
    /// [`SwitchError`] lists the names there are, or the values it takes.
    pub fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), SwitchError> {
        if name == "notify_hosts" {
            let hosts = value.unwrap_or_default().split(',').map(str::trim);
            self.notify_hosts = hosts
                .filter(|host| !host.is_empty())
                .map(ToOwned::to_owned)
                .collect();
            let hosts = &self.notify_hosts;
            return match !hosts.is_empty() && hosts.iter().all(|host| is_host(host)) {
                true => Ok(()),
                false => Err(SwitchError::value(
                    name,
                    value,
                    "hosts without scheme and port, separated by commas",
                )),
            };
        }
        let flag = self.flag(name).ok_or_else(|| SwitchError::Unknown {
            name: name.to_owned(),
            known: Self::ALL
                .iter()
                .map(|(known, _)| *known)
                .collect::<Vec<_>>()
                .join(", "),
        })?;
        *flag = match value {
            None | Some("true") => true,
            Some("false") => false,
            other => return Err(SwitchError::value(name, other, "true or false")),
        };
        Ok(())
    }
}

/// A name, or an address without brackets.
fn is_host(text: &str) -> bool {
    let of_names = |byte: u8| byte.is_ascii_graphic() && !b":/?#@[]".contains(&byte);
    text.bytes().all(of_names) || text.parse::<IpAddr>().is_ok()
}

/// A switch could not be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SwitchError {
    /// There is none of that name.
    #[error("there is no switch `{name}`; there are {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// It does not take that value.
    #[error("the switch {name} takes {takes}, not `{value}`")]
    Value {
        /// Which switch.
        name: String,
        /// What it was to be set to.
        value: String,
        /// What it can be set to.
        takes: &'static str,
    },
}

impl SwitchError {
    fn value(name: &str, value: Option<&str>, takes: &'static str) -> Self {
        Self::Value {
            name: name.to_owned(),
            value: value.unwrap_or_default().to_owned(),
            takes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_can_be_set_and_no_other() {
        let mut switches = Switches::default();
        for (name, _) in Switches::ALL {
            let value = (*name == "notify_hosts").then_some("a, b,");
            switches.set(name, value).expect(name);
        }
        assert_eq!(switches.notify_hosts, ["a", "b"]);
        let table = serde_json::to_value(&switches).expect("JSON");
        let on = table.as_object().expect("a table");
        assert!(on.values().all(|value| *value != false), "{table}");
        assert_eq!(on.len(), Switches::ALL.len());
        for host in ["::1", "hooks.test", "10.0.0.7"] {
            switches.set("notify_hosts", Some(host)).expect(host);
        }
        for wrong in ["", "http://x/", "hooks.test:8080", "a,b c"] {
            let error = switches.set("notify_hosts", Some(wrong));
            error.expect_err(wrong);
        }
        assert!(switches.set("update_time", Some("yes")).is_err());
        switches.set("update_time", Some("false")).expect("a value");
        assert!(!switches.update_time);
        let unknown = serde_json::from_str::<Switches>(r#"{"updatetime": true}"#);
        assert!(unknown.is_err());
    }
}
