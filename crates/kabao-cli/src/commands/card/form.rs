//! `--ask`, `--question`: what joining asks.

use clap::Args;
use kabao::{
    card_member::{CardUserInformation, CommonFieldName, CustomFieldType, CustomQuestion},
    core::extra::Extra,
};

use crate::commands::{input, names};

/// What joining asks. (Its answers are `form::FormArgs`.)
#[derive(Debug, Clone, Default, Args)]
#[group(conflicts_with = "json")]
pub(super) struct QuestionArgs {
    /// WeChat's questions, of sex, name, birthday, address, email, city.
    #[arg(
        long, value_name = "NAME,…",
        value_parser = names::list_of::<CommonFieldName>(CommonFieldName::KNOWN),
    )]
    ask: Option<Names>,
    /// A question of your own with its choices: at most 10 of at most 8
    /// characters.
    #[arg(long, value_name = "QUESTION=CHOICE,…", value_parser = question)]
    question: Option<Question>,
    /// How many choices the question takes: CHECK_BOX for several, RADIO for
    /// one. [default: CHECK_BOX]
    #[arg(
        long, value_name = "TYPE", requires = "question",
        value_parser = names::of::<CustomFieldType>(CustomFieldType::KNOWN),
    )]
    question_type: Option<CustomFieldType>,
}

/// Clap would take a bare list for a flag that is repeated.
type Names = Vec<CommonFieldName>;

#[derive(Debug, Clone)]
struct Question {
    name: String,
    choices: Vec<String>,
}

impl QuestionArgs {
    pub(super) fn is_empty(&self) -> bool {
        self.ask.is_none() && self.question.is_none()
    }

    /// The questions put over those that are there already: the API replaces
    /// them all.
    pub(super) fn over(self, stored: Option<&CardUserInformation>) -> CardUserInformation {
        let mut form = stored.cloned().unwrap_or(CardUserInformation {
            common_field_list: None,
            custom_field_list: None,
            extra: Extra::default(),
        });
        if let Some(names) = self.ask {
            form.common_field_list = Some(names);
        }
        if let Some(question) = self.question {
            form.custom_field_list = Some(vec![CustomQuestion {
                kind: Some(self.question_type.unwrap_or(CustomFieldType::CheckBox)),
                name: Some(question.name),
                values: Some(question.choices),
                extra: Extra::default(),
            }]);
        }
        form
    }
}

fn question(text: &str) -> Result<Question, String> {
    let (name, choices) = input::pair(text)
        .map_err(|_| "write QUESTION=CHOICE,CHOICE, such as 喜欢的运动=篮球,足球".to_owned())?;
    // A Chinese keyboard has its comma at hand.
    let choices = choices.split([',', '，']).map(str::trim);
    let choices: Vec<String> = choices
        .filter(|choice| !choice.is_empty())
        .map(str::to_owned)
        .collect();
    match choices.is_empty() {
        true => Err("a question needs choices, such as 喜欢的运动=篮球,足球".into()),
        false => Ok(Question { name, choices }),
    }
}
