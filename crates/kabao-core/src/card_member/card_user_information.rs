use serde::{Deserialize, Serialize};

use super::CommonFieldName;
use crate::{
    extra::Extra,
    field::{FieldError, at_most, one_of},
    open_enum::open_enum,
};

open_enum! {
    /// How many choices a question takes.
    pub enum CustomFieldType {
        /// Several.
        CheckBox = "CHECK_BOX",
        /// One.
        Radio = "RADIO",
    }
}

/// What a template asks a user when joining.
///
/// ```
/// use kabao_core::card_member::{CardUserInformation, CommonFieldName, CustomFieldType};
///
/// let form = CardUserInformation::new()
///     .common(CommonFieldName::Sex)
///     .custom(CustomFieldType::CheckBox, "喜欢的运动", ["篮球", "足球"]);
/// assert!(form.check("/user_information").is_ok());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CardUserInformation {
    /// WeChat's own questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common_field_list: Option<Vec<CommonFieldName>>,
    /// The merchant's question; at most one today.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_field_list: Option<Vec<CustomQuestion>>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl CardUserInformation {
    /// Asks nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks one of WeChat's own questions.
    #[must_use]
    pub fn common(mut self, name: impl Into<CommonFieldName>) -> Self {
        let names = self.common_field_list.get_or_insert_default();
        names.push(name.into());
        self
    }

    /// Asks the merchant's question, of at most 32 characters, with at most 10
    /// choices of at most 8 characters.
    #[must_use]
    pub fn custom<V: Into<String>>(
        mut self,
        kind: impl Into<CustomFieldType>,
        name: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let question = CustomQuestion {
            kind: Some(kind.into()),
            name: Some(name.into()),
            values: Some(values.into_iter().map(Into::into).collect()),
            extra: Extra::default(),
        };
        let questions = self.custom_field_list.get_or_insert_default();
        questions.push(question);
        self
    }

    /// Whether the questions are ones that can be asked; `at` is where the form
    /// stands.
    ///
    /// # Errors
    /// [`FieldError`] names the first member that is not accepted.
    pub fn check(&self, at: &str) -> Result<(), FieldError> {
        for (index, name) in self.common_field_list.iter().flatten().enumerate() {
            let at = format!("{at}/common_field_list/{index}");
            one_of(&at, name.as_str(), CommonFieldName::KNOWN)?;
        }
        let questions = self.custom_field_list.as_deref().unwrap_or_default();
        let at = format!("{at}/custom_field_list");
        if questions.len() > 1 {
            let issue = "at most one question";
            return Err(FieldError::new(at, questions.len().to_string(), issue));
        }
        let Some(question) = questions.first() else {
            return Ok(());
        };
        if let Some(kind) = &question.kind {
            let at = format!("{at}/0/type");
            one_of(&at, kind.as_str(), CustomFieldType::KNOWN)?;
        }
        if let Some(name) = &question.name {
            at_most(&format!("{at}/0/name"), name, 32)?;
        }
        let choices = question.values.as_deref().unwrap_or_default();
        let at = format!("{at}/0/values");
        if choices.len() > 10 {
            let issue = "at most 10 choices";
            return Err(FieldError::new(at, choices.len().to_string(), issue));
        }
        let mut choices = choices.iter().enumerate();
        choices.try_for_each(|(index, choice)| at_most(&format!("{at}/{index}"), choice, 8))
    }
}

/// A question with its choices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomQuestion {
    /// How many choices it takes.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CustomFieldType>,
    /// The question, at most 32 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The choices: at most 10 of at most 8 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}
