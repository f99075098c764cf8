use serde::{Deserialize, Serialize};

use super::{
    UserCard, UserCardKey, UserInformation, ValidDateInformation,
    new_card::check_options,
    request::{any_sensitive, instant, refuse_unsealed, seal_with},
};
use crate::{
    call::{BuildError, Call, Method},
    extra::none,
    field::{FieldError, color},
    operation::{Caller, Operation},
    sensitive::{Opener, Sealed, Sealer, Sensitive},
    time::Time,
};

/// What to change on a user's card. Members that are not set stay as they are;
/// an object that is set replaces the stored one.
///
/// ```
/// use kabao_core::UserCardChange;
///
/// let change = UserCardChange::new().level("钻石会员").phone_number("13800138000");
/// assert!(change.check().is_ok());
///
/// let error = UserCardChange::new().card_color("yellow").check().unwrap_err();
/// assert_eq!(error.field, "/card_color");
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>"), deny_unknown_fields)]
pub struct UserCardChange<S = Sensitive> {
    /// Background colour, `#RRGGBB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_color: Option<String>,
    /// Background picture, an address from the image upload, at most 256
    /// characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_picture_url: Option<String>,
    /// Phone number, sealed on the wire.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<S>,
    /// Display text, at most 10 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// From when to when the card serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_date_information: Option<ValidDateInformation>,
    /// When the user took the card. Older pages have this member, current ones
    /// do not: leave it out unless you know better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pickup_time: Option<Time>,
    /// What the user filled in when joining.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub user_information: Option<UserInformation<S>>,
    /// The merchant's own data, at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attach: Option<String>,
}

impl UserCardChange {
    /// Changes nothing yet.
    ///
    /// Made in plaintext alone, so that the kind of its values need not be
    /// spelled out.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S> UserCardChange<S> {
    /// The wire names of the members.
    pub const MEMBERS: [&'static str; 8] = [
        "card_color",
        "card_picture_url",
        "phone_number",
        "level",
        "valid_date_information",
        "pickup_time",
        "user_information",
        "attach",
    ];

    /// Sets the background colour, `#RRGGBB`.
    #[must_use]
    pub fn card_color(mut self, color: impl Into<String>) -> Self {
        self.card_color = Some(color.into());
        self
    }

    /// Sets the background picture.
    #[must_use]
    pub fn card_picture_url(mut self, url: impl Into<String>) -> Self {
        self.card_picture_url = Some(url.into());
        self
    }

    /// Sets the phone number, in plaintext here.
    #[must_use]
    pub fn phone_number(mut self, number: impl Into<S>) -> Self {
        self.phone_number = Some(number.into());
        self
    }

    /// Sets the level, at most 10 characters.
    #[must_use]
    pub fn level(mut self, level: impl Into<String>) -> Self {
        self.level = Some(level.into());
        self
    }

    /// Sets the validity.
    #[must_use]
    pub fn valid_date_information(mut self, validity: ValidDateInformation) -> Self {
        self.valid_date_information = Some(validity);
        self
    }

    /// Sets the pickup time; see the field.
    #[must_use]
    pub fn pickup_time(mut self, time: impl Into<Time>) -> Self {
        self.pickup_time = Some(time.into());
        self
    }

    /// Sets the form answers, all of them.
    #[must_use]
    pub fn user_information(mut self, information: UserInformation<S>) -> Self {
        self.user_information = Some(information);
        self
    }

    /// Sets the merchant's own data.
    #[must_use]
    pub fn attach(mut self, attach: impl Into<String>) -> Self {
        self.attach = Some(attach.into());
        self
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.card_color.is_none()
            && self.card_picture_url.is_none()
            && self.phone_number.is_none()
            && self.level.is_none()
            && self.valid_date_information.is_none()
            && self.pickup_time.is_none()
            && self.user_information.is_none()
            && self.attach.is_none()
    }

    /// Whether every member has a form that is accepted.
    ///
    /// # Errors
    /// [`FieldError`] names the first one that is not.
    pub fn check(&self) -> Result<(), FieldError> {
        if let Some(value) = &self.card_color {
            color("/card_color", value)?;
        }
        check_options([
            ("/card_picture_url", self.card_picture_url.as_ref(), 256),
            ("/level", self.level.as_ref(), 10),
            ("/attach", self.attach.as_ref(), 256),
        ])?;
        if let Some(validity) = &self.valid_date_information {
            validity.check("/valid_date_information")?;
        }
        if let Some(time) = &self.pickup_time {
            instant("/pickup_time", time)?;
        }
        match &self.user_information {
            Some(information) => information.check("/user_information"),
            None => Ok(()),
        }
    }

    /// Turns every sensitive value into another form; `convert` also gets the
    /// JSON Pointer of the value.
    ///
    /// # Errors
    /// The first that `convert` gives.
    pub fn try_map<T, E>(
        self,
        mut convert: impl FnMut(&str, S) -> Result<T, E>,
    ) -> Result<UserCardChange<T>, E> {
        Ok(UserCardChange {
            phone_number: self
                .phone_number
                .map(|value| convert("/phone_number", value))
                .transpose()?,
            user_information: self
                .user_information
                .map(|information| information.try_map("/user_information", &mut convert))
                .transpose()?,
            card_color: self.card_color,
            card_picture_url: self.card_picture_url,
            level: self.level,
            valid_date_information: self.valid_date_information,
            pickup_time: self.pickup_time,
            attach: self.attach,
        })
    }
}

impl<S> Default for UserCardChange<S> {
    fn default() -> Self {
        Self {
            card_color: None,
            card_picture_url: None,
            phone_number: None,
            level: None,
            valid_date_information: None,
            pickup_time: None,
            user_information: None,
            attach: None,
        }
    }
}

/// Changes one card and answers with it as it is then.
///
/// `PATCH …/user-cards/{user_card_code}`: page 4015336985 for the service
/// provider, 4015582719 for the brand. `card_id` goes into the query for the
/// service provider and into the body for the brand, as the current pages of
/// either have it. Setting values is repeatable.
#[derive(Debug, Clone)]
pub struct UpdateUserCard {
    /// Which card.
    pub key: UserCardKey,
    /// What to change.
    pub change: UserCardChange,
}

impl Operation for UpdateUserCard {
    type Output = UserCard;

    fn check(&self) -> Result<(), FieldError> {
        self.key.check()?;
        self.change.check()
    }

    fn call(&self, caller: &Caller, seal: &dyn Sealer) -> Result<Call, BuildError> {
        #[derive(Serialize)]
        struct Body<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            brand_id: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            card_id: Option<&'a str>,
            openid: &'a str,
            #[serde(flatten)]
            change: UserCardChange<Sealed>,
        }
        #[derive(Serialize)]
        struct Query<'a> {
            card_id: Option<&'a str>,
        }
        // Not a matter of `check`: it would leave in plaintext.
        refuse_unsealed(self.change.user_information.as_ref())?;
        let in_query =
            matches!(caller, Caller::Partner { .. }).then_some(self.key.card_id.as_str());
        let in_body = in_query.is_none().then_some(self.key.card_id.as_str());
        let change = self.change.clone().try_map(seal_with(seal))?;
        Call::to(&caller.path("user-cards/{user_card_code}"))
            .param("user_card_code", &self.key.user_card_code)
            .query(&Query { card_id: in_query })
            .json(&Body {
                brand_id: caller.brand_id(),
                card_id: in_body,
                openid: &self.key.openid,
                change,
            })
            .repeatable(true)
            .build(Method::Patch)
    }

    fn seals(&self) -> bool {
        let change = &self.change;
        any_sensitive(
            change.phone_number.as_ref(),
            change.user_information.as_ref(),
        )
    }

    fn decode(&self, body: &[u8], open: &dyn Opener) -> Result<UserCard, serde_json::Error> {
        serde_json::from_slice::<UserCard<Sealed>>(body).map(|card| card.open(open))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::PrivateKey;

    #[test]
    fn a_misspelt_answer_does_not_leave_in_plaintext() {
        let key = PrivateKey::generate().unwrap();
        for form in [
            r#"{"common_field_list": [{"name": "USER_FORM_FLAG_NAME", "Value": "张三"}]}"#,
            r#"{"custom_field_list": [{"name": "喜欢的运动", "chosen": ["足球"]}]}"#,
            r#"{"phone": "13800138000"}"#,
        ] {
            let change =
                UserCardChange::new().user_information(serde_json::from_str(form).unwrap());
            assert!(!format!("{change:?}").contains("张三"));
            let update = UpdateUserCard {
                key: UserCardKey::new("1", "p", "o"),
                change,
            };
            let error = update.call(&Caller::Brand, key.public_key()).unwrap_err();
            assert!(error.to_string().contains("unsealed"), "{error}");
        }
    }
}
