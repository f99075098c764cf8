//! Form answers, as flags.

use clap::Args;
use kabao::{
    Sensitive,
    card_member::{CommonFieldName, UserInformation},
};
use serde_json::Value;

use super::{input, names};
use crate::problem::Problem;

/// Answers, given one by one.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct FormArgs {
    /// Answer to one of WeChat's questions: sex, name, birthday, address,
    /// email, city. Repeatable.
    #[arg(long, value_name = "NAME=VALUE", value_parser = answer)]
    common: Vec<Answer>,
    /// Choices in one of the template's questions. Repeatable.
    #[arg(long, value_name = "NAME=VALUE,…", value_parser = answer)]
    custom: Vec<Answer>,
}

/// `NAME=VALUE`, of which `Debug` shows no value.
#[derive(Debug, Clone)]
struct Answer {
    name: String,
    value: Sensitive,
}

impl FormArgs {
    pub(crate) fn is_empty(&self) -> bool {
        self.common.is_empty() && self.custom.is_empty()
    }

    /// The answers put over those that are there already.
    pub(crate) fn over(self, stored: Option<&UserInformation>) -> Result<UserInformation, Problem> {
        let mut information = stored.cloned().unwrap_or_default();
        for answer in self.common {
            let name = common_name(&answer.name)?;
            let fields = information.common_field_list.get_or_insert_default();
            fields.retain(|field| field.name.as_ref() != Some(&name));
            information = information.common(name, answer.value);
        }
        for answer in self.custom {
            let chosen = answer.value.expose().split(',').map(Sensitive::from);
            let chosen: Vec<_> = chosen.filter(|value| !value.expose().is_empty()).collect();
            let fields = information.custom_field_list.get_or_insert_default();
            fields.retain(|field| field.name.as_deref() != Some(&answer.name));
            information = information.custom(answer.name, chosen);
        }
        Ok(information)
    }

    /// The answers alone, if there are any.
    pub(crate) fn into_information(self) -> Result<Option<UserInformation>, Problem> {
        match self.is_empty() {
            true => Ok(None),
            false => self.over(None).map(Some),
        }
    }

    /// The answers as plain JSON, for a sandbox on this machine.
    pub(crate) fn into_json(self) -> Result<Option<Value>, Problem> {
        let Some(information) = self.into_information()? else {
            return Ok(None);
        };
        serde_json::to_value(information.reveal())
            .map(Some)
            .map_err(|error| Problem::new("the answers cannot be written").caused_by(&error))
    }
}

fn answer(text: &str) -> Result<Answer, String> {
    let (name, value) = input::pair(text)?;
    Ok(Answer {
        name,
        value: value.into(),
    })
}

/// `sex` as well as `USER_FORM_FLAG_SEX`.
fn common_name(name: &str) -> Result<CommonFieldName, Problem> {
    names::find(name, CommonFieldName::KNOWN)
        .map(CommonFieldName::from)
        .ok_or_else(|| {
            let known = names::short(CommonFieldName::KNOWN)
                .join(", ")
                .to_lowercase();
            Problem::new(format!("--common {name}: there is no such question")).hint(format!(
                "WeChat's questions are {known}; for the template's own use --custom"
            ))
        })
}
