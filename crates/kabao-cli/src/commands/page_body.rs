//! The body of a change as the documentation prints it, from a file.

use kabao::{
    Sensitive,
    card_member::{UserCardChange, UserInformation, ValidDateInformation},
    core::time::Time,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::input::Input;
use crate::problem::Problem;

/// Every member that the page has. The ids say again which card it is; a member
/// that the page does not have is an error, for the API would ignore it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageBody {
    pub(crate) brand_id: Option<String>,
    pub(crate) card_id: Option<String>,
    pub(crate) openid: Option<String>,
    card_color: Option<String>,
    card_picture_url: Option<String>,
    phone_number: Option<Sensitive>,
    level: Option<String>,
    valid_date_information: Option<ValidDateInformation>,
    pickup_time: Option<Time>,
    user_information: Option<UserInformation>,
    attach: Option<String>,
}

impl PageBody {
    pub(crate) fn read(input: &Input) -> Result<Self, Problem> {
        let body: Self = input.json()?;
        match body.unknown_member() {
            None => Ok(body),
            Some(pointer) => Err(
                Problem::new(format!("{}: unknown member {pointer}", input.name))
                    .hint("the API would ignore it silently; look for a slip of the pen"),
            ),
        }
    }

    pub(crate) fn into_change(self) -> UserCardChange {
        UserCardChange {
            card_color: self.card_color,
            card_picture_url: self.card_picture_url,
            phone_number: self.phone_number,
            level: self.level,
            valid_date_information: self.valid_date_information,
            pickup_time: self.pickup_time,
            user_information: self.user_information,
            attach: self.attach,
        }
    }

    /// The first member below the top that the page does not have.
    fn unknown_member(&self) -> Option<String> {
        let first = |at: String, extra: &Map<String, Value>| {
            extra.keys().next().map(|name| format!("{at}/{name}"))
        };
        let validity = self
            .valid_date_information
            .as_ref()
            .and_then(|validity| first("/valid_date_information".into(), &validity.extra));
        validity.or_else(|| {
            let at = "/user_information";
            let information = self.user_information.as_ref()?;
            let common = information.common_field_list.iter().flatten().enumerate();
            let custom = information.custom_field_list.iter().flatten().enumerate();
            first(at.into(), &information.extra)
                .or_else(|| {
                    common
                        .map(|(i, field)| (format!("{at}/common_field_list/{i}"), &field.extra))
                        .find_map(|(at, extra)| first(at, extra))
                })
                .or_else(|| {
                    custom
                        .map(|(i, field)| (format!("{at}/custom_field_list/{i}"), &field.extra))
                        .find_map(|(at, extra)| first(at, extra))
                })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<PageBody, Problem> {
        PageBody::read(&Input {
            name: "change.json".into(),
            text: text.into(),
        })
    }

    #[test]
    fn the_whole_page_is_taken() {
        let body = read(
            r##"{"brand_id": "1004", "openid": "o", "card_color": "#FFFF00", "level": null,
                "phone_number": "13800138000", "attach": "自定义数据说明",
                "valid_date_information": {"type": "PERMANENT"},
                "user_information": {"custom_field_list":
                    [{"name": "喜欢的运动", "user_chosen_values": ["足球"]}]}}"##,
        )
        .expect("the page's body");
        assert_eq!(body.brand_id.as_deref(), Some("1004"));
        let change = body.into_change();
        assert_eq!(change.level, None);
        let phone = change.phone_number.expect("a phone number");
        assert_eq!(phone.expose(), "13800138000");
    }

    #[test]
    fn a_member_nobody_knows_is_named_at_any_depth() {
        for (text, wanted) in [
            (r#"{"lvel": "x"}"#, "unknown field `lvel`"),
            (r#"{"level": "x", "level": "y"}"#, "duplicate field `level`"),
            (
                r#"{"valid_date_information": {"type": "PERMANENT", "tpye": 1}}"#,
                "/valid_date_information/tpye",
            ),
            (
                r#"{"user_information": {"fields": []}}"#,
                "/user_information/fields",
            ),
            (
                r#"{"user_information": {"common_field_list": [{"name": "USER_FORM_FLAG_SEX", "vale": "x"}]}}"#,
                "/user_information/common_field_list/0/vale",
            ),
            (
                r#"{"user_information": {"custom_field_list": [{}, {"values": []}]}}"#,
                "/user_information/custom_field_list/1/values",
            ),
            (r#"{"phone_number": 13800138000}"#, "expected a string"),
        ] {
            let problem = read(text).err().expect(text).to_string();
            assert!(problem.contains(wanted), "{problem}");
            assert!(problem.contains("change.json"), "{problem}");
            assert!(!problem.contains("138"), "{problem}");
        }
    }
}
