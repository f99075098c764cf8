use std::convert::Infallible;

use serde::{Deserialize, Serialize};

use crate::{
    extra::{Extra, none},
    field::{FieldError, at_most, one_of},
    open_enum::open_enum,
    sensitive::{Revealed, Sensitive},
};

open_enum! {
    /// A question that WeChat offers on the joining form.
    pub enum CommonFieldName {
        /// Sex.
        Sex = "USER_FORM_FLAG_SEX",
        /// Name.
        Name = "USER_FORM_FLAG_NAME",
        /// Birthday.
        Birthday = "USER_FORM_FLAG_BIRTHDAY",
        /// Address.
        Address = "USER_FORM_FLAG_ADDRESS",
        /// E-mail.
        Email = "USER_FORM_FLAG_EMAIL",
        /// City.
        City = "USER_FORM_FLAG_CITY",
    }
}

/// What a user filled in when joining.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>"))]
pub struct UserInformation<S = Sensitive> {
    /// Answers to WeChat's own questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common_field_list: Option<Vec<CommonField<S>>>,
    /// Answers to the template's questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_field_list: Option<Vec<CustomField<S>>>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// One answer to one of WeChat's questions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>"))]
pub struct CommonField<S = Sensitive> {
    /// The question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<CommonFieldName>,
    /// The answer, sealed on the wire.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub value: Option<S>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The choices in one of the template's questions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>"))]
pub struct CustomField<S = Sensitive> {
    /// The question, at most 32 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What was chosen, each sealed on its own.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub user_chosen_values: Option<Vec<S>>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl UserInformation {
    /// Nothing filled in yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl UserInformation {
    /// The answers in plaintext, to be shown or written: a decision that
    /// somebody takes.
    #[must_use]
    pub fn reveal(&self) -> UserInformation<Revealed> {
        let revealed = self
            .clone()
            .try_map("", &mut |_, value| Ok::<_, Infallible>(value.reveal()));
        match revealed {
            Ok(revealed) => revealed,
            Err(never) => match never {},
        }
    }
}

impl<S> UserInformation<S> {
    /// Adds an answer to one of WeChat's questions.
    #[must_use]
    pub fn common(mut self, name: impl Into<CommonFieldName>, value: impl Into<S>) -> Self {
        let field = CommonField {
            name: Some(name.into()),
            value: Some(value.into()),
            extra: Extra::default(),
        };
        self.common_field_list.get_or_insert_default().push(field);
        self
    }

    /// Adds the choices in one of the template's questions.
    #[must_use]
    pub fn custom<V: Into<S>>(
        mut self,
        name: impl Into<String>,
        chosen: impl IntoIterator<Item = V>,
    ) -> Self {
        let field = CustomField {
            name: Some(name.into()),
            user_chosen_values: Some(chosen.into_iter().map(Into::into).collect()),
            extra: Extra::default(),
        };
        self.custom_field_list.get_or_insert_default().push(field);
        self
    }

    /// Whether the members have lengths and names that are accepted.
    ///
    /// # Errors
    /// [`FieldError`] with a pointer below `at`.
    pub fn check(&self, at: &str) -> Result<(), FieldError> {
        for (index, field) in self.common_field_list.iter().flatten().enumerate() {
            if let Some(name) = &field.name {
                let at = format!("{at}/common_field_list/{index}/name");
                one_of(&at, name.as_str(), CommonFieldName::KNOWN)?;
            }
        }
        for (index, field) in self.custom_field_list.iter().flatten().enumerate() {
            let name = field.name.as_deref().unwrap_or_default();
            at_most(&format!("{at}/custom_field_list/{index}/name"), name, 32)?;
        }
        Ok(())
    }

    /// The JSON Pointer of a member that is not known, if there is one. What is
    /// not known is not sealed, so a request must not carry it.
    #[must_use]
    pub fn unknown_member(&self, at: &str) -> Option<String> {
        fn first(extra: &Extra, at: impl Into<String>) -> Option<String> {
            let at = at.into();
            extra.keys().next().map(|name| format!("{at}/{name}"))
        }
        let commons = self.common_field_list.iter().flatten().enumerate();
        let customs = self.custom_field_list.iter().flatten().enumerate();
        first(&self.extra, at)
            .or_else(|| {
                commons.into_iter().find_map(|(index, field)| {
                    first(&field.extra, format!("{at}/common_field_list/{index}"))
                })
            })
            .or_else(|| {
                customs.into_iter().find_map(|(index, field)| {
                    first(&field.extra, format!("{at}/custom_field_list/{index}"))
                })
            })
    }

    /// Drops the members that are not known.
    #[must_use]
    pub fn without_unknown(mut self) -> Self {
        self.extra.clear();
        for field in self.common_field_list.iter_mut().flatten() {
            field.extra.clear();
        }
        for field in self.custom_field_list.iter_mut().flatten() {
            field.extra.clear();
        }
        self
    }

    /// Turns every sensitive value into another form; `convert` also gets the
    /// JSON Pointer, below `at`.
    pub(crate) fn try_map<T, E>(
        self,
        at: &str,
        convert: &mut impl FnMut(&str, S) -> Result<T, E>,
    ) -> Result<UserInformation<T>, E> {
        let common = self.common_field_list.map(|fields| {
            fields
                .into_iter()
                .enumerate()
                .map(|(index, field)| {
                    let at = format!("{at}/common_field_list/{index}/value");
                    Ok(CommonField {
                        name: field.name,
                        value: field.value.map(|value| convert(&at, value)).transpose()?,
                        extra: field.extra,
                    })
                })
                .collect::<Result<Vec<_>, E>>()
        });
        let common_field_list = common.transpose()?;
        let custom = self.custom_field_list.map(|fields| {
            fields
                .into_iter()
                .enumerate()
                .map(|(index, field)| {
                    let at = format!("{at}/custom_field_list/{index}/user_chosen_values");
                    let values = field.user_chosen_values.map(|values| {
                        values
                            .into_iter()
                            .enumerate()
                            .map(|(place, value)| convert(&format!("{at}/{place}"), value))
                            .collect::<Result<Vec<_>, E>>()
                    });
                    Ok(CustomField {
                        name: field.name,
                        user_chosen_values: values.transpose()?,
                        extra: field.extra,
                    })
                })
                .collect::<Result<Vec<_>, E>>()
        });
        Ok(UserInformation {
            common_field_list,
            custom_field_list: custom.transpose()?,
            extra: self.extra,
        })
    }
}

impl<S> Default for UserInformation<S> {
    fn default() -> Self {
        Self {
            common_field_list: None,
            custom_field_list: None,
            extra: Extra::default(),
        }
    }
}
