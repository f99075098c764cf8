//! The flags of `user-card update`, as a change.

use clap::Args;
use kabao::{
    Sensitive,
    card_member::{UserCardChange, UserInformation, ValidDateInformation},
};

use super::{form::FormArgs, input, page_body::PageBody, valid};
use crate::problem::Problem;

/// What to change.
#[derive(Debug, Args)]
pub(crate) struct ChangeArgs {
    /// Display text, at most 10 characters.
    #[arg(long, value_name = "TEXT", help_heading = HEADING)]
    level: Option<String>,
    /// Background colour.
    #[arg(long, value_name = "#RRGGBB", help_heading = HEADING)]
    card_color: Option<String>,
    /// Phone number in plaintext; `-` reads it from stdin.
    #[arg(long, value_name = "NUMBER|-", help_heading = HEADING)]
    phone_number: Option<Sensitive>,
    /// Background picture, an address from the image upload.
    #[arg(long, value_name = "URL", help_heading = HEADING)]
    card_picture_url: Option<String>,
    /// Your own data, at most 256 characters.
    #[arg(long, value_name = "TEXT", help_heading = HEADING)]
    attach: Option<String>,
    /// When the user took the card, RFC 3339. Only older pages have it.
    #[arg(long, value_name = "TIME", help_heading = HEADING)]
    pickup_time: Option<String>,
    /// Validity: permanent, a number of days such as 30d, or BEGIN..END (RFC
    /// 3339, or dates in Chinese time).
    #[arg(long, value_name = "VALIDITY", value_parser = valid::parse, help_heading = HEADING)]
    valid: Option<ValidDateInformation>,
    #[command(flatten, next_help_heading = HEADING)]
    form: FormArgs,
    /// The whole body as JSON, plaintext values included; `-` is stdin. Instead
    /// of the flags above.
    #[arg(long, value_name = "FILE|-", help_heading = HEADING, conflicts_with_all = [
        "level", "card_color", "phone_number", "card_picture_url", "attach", "pickup_time",
        "valid", "common", "custom",
    ])]
    json: Option<String>,
}

const HEADING: &str = "What to change";

/// A change, and the ids that came with it.
#[derive(Debug)]
pub(crate) struct Requested {
    pub(crate) change: UserCardChange,
    pub(crate) brand_id: Option<String>,
    pub(crate) card_id: Option<String>,
    pub(crate) openid: Option<String>,
    form: FormArgs,
}

impl ChangeArgs {
    /// Reads what there is to read, and checks what can be checked here.
    pub(crate) fn read(self) -> Result<Requested, Problem> {
        let requested = match &self.json {
            Some(file) => from_file(file)?,
            None => self.into_requested()?,
        };
        if requested.change.is_empty() && !requested.merges_answers() {
            return Err(Problem::new("there is nothing to change")
                .hint("name what to change, for example --level 钻石会员, or give --json FILE"));
        }
        requested
            .change
            .check()
            .map_err(|error| field_problem(&error))?;
        Ok(requested)
    }

    fn into_requested(self) -> Result<Requested, Problem> {
        let phone_number = match self.phone_number {
            Some(number) if number.expose() == "-" => {
                Some(input::read_line("phone number")?.into())
            }
            other => other,
        };
        Ok(Requested {
            change: UserCardChange {
                card_color: self.card_color,
                card_picture_url: self.card_picture_url,
                phone_number,
                level: self.level,
                valid_date_information: self.valid,
                pickup_time: self.pickup_time.map(Into::into),
                user_information: None,
                attach: self.attach,
            },
            brand_id: None,
            card_id: None,
            openid: None,
            form: self.form,
        })
    }
}

impl Requested {
    #[cfg(test)]
    pub(crate) fn with_ids(
        brand_id: Option<&str>,
        card_id: Option<&str>,
        openid: Option<&str>,
    ) -> Self {
        Self {
            change: UserCardChange::new(),
            brand_id: brand_id.map(Into::into),
            card_id: card_id.map(Into::into),
            openid: openid.map(Into::into),
            form: FormArgs::default(),
        }
    }

    /// Whether single answers change, so that the others must be sent again:
    /// the API replaces them all.
    pub(crate) fn merges_answers(&self) -> bool {
        !self.form.is_empty()
    }

    /// The change, its answers put into the stored ones.
    pub(crate) fn over(self, stored: Option<&UserInformation>) -> Result<UserCardChange, Problem> {
        if !self.merges_answers() {
            return Ok(self.change);
        }
        let information = self.form.over(stored)?;
        Ok(self.change.user_information(information))
    }
}

fn from_file(file: &str) -> Result<Requested, Problem> {
    let body = PageBody::read(&input::read(file)?)?;
    Ok(Requested {
        brand_id: body.brand_id.clone(),
        card_id: body.card_id.clone(),
        openid: body.openid.clone(),
        change: body.into_change(),
        form: FormArgs::default(),
    })
}

/// A member that would be refused, by the flag that gives it.
fn field_problem(error: &kabao::core::field::FieldError) -> Problem {
    let problem = Problem::new(error.to_string());
    match error.field.as_str() {
        "/level" => problem.hint("Chinese characters count one each"),
        "/card_color" => problem.hint("quote it for the shell: --card-color '#FFFF00'"),
        _ => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use kabao::card_member::CommonFieldName;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        change: ChangeArgs,
    }

    fn read(arguments: &[&str]) -> Result<Requested, Problem> {
        let line = Line::try_parse_from([&["update"], arguments].concat());
        line.unwrap_or_else(|error| panic!("{error}")).change.read()
    }

    #[test]
    fn flags_become_members() {
        let requested = read(&[
            "--level",
            "钻石会员",
            "--phone-number",
            "13800138000",
            "--valid",
            "30d",
        ]);
        let change = requested
            .and_then(|requested| requested.over(None))
            .expect("a change");
        assert_eq!(change.level.as_deref(), Some("钻石会员"));
        assert_eq!(change.phone_number.expect("set").expose(), "13800138000");
        assert_eq!(
            change.valid_date_information,
            Some(ValidDateInformation::days(30))
        );
        assert!(change.user_information.is_none() && change.attach.is_none());
    }

    #[test]
    fn single_answers_leave_the_others_alone() {
        let stored = UserInformation::new()
            .common(CommonFieldName::Sex, "男")
            .common(CommonFieldName::City, "深圳")
            .custom("喜欢的运动", ["足球"]);
        let requested = read(&["--common", "sex=女", "--custom", "宠物=猫,狗"]).expect("read");
        assert!(requested.merges_answers());
        let change = requested.over(Some(&stored)).expect("a change");
        let information = change.user_information.expect("set");
        let common: Vec<_> = information.common_field_list.iter().flatten().collect();
        let shown: Vec<_> = common
            .iter()
            .map(|field| field.value.as_ref().map_or("", |value| value.expose()))
            .collect();
        assert_eq!(shown, ["深圳", "女"]);
        let custom = information.custom_field_list.expect("set");
        assert_eq!(custom.len(), 2);
        assert_eq!(custom[1].user_chosen_values.as_ref().map(Vec::len), Some(2));
    }

    #[test]
    fn mistakes_are_told_before_anything_is_sent() {
        for (arguments, wanted) in [
            (&[][..], "nothing to change"),
            (
                &["--level", "一二三四五六七八九十甲"],
                "at most 10 characters, this has 11",
            ),
            (&["--card-color", "yellow"], "#RRGGBB"),
            (&["--pickup-time", "yesterday"], "RFC 3339"),
            (&["--json", "/nowhere.json"], "/nowhere.json"),
        ] {
            let problem = read(arguments).expect_err(wanted).to_string();
            assert!(problem.contains(wanted), "{problem}");
        }
        let requested = read(&["--common", "zodiac=龙"]).expect("read");
        let problem = requested
            .over(None)
            .expect_err("no such question")
            .to_string();
        assert!(
            problem.contains("sex, name, birthday") && !problem.contains('龙'),
            "{problem}"
        );
    }

    #[test]
    fn flags_and_a_file_exclude_each_other() {
        let line = Line::try_parse_from(["update", "--json", "x", "--level", "y"]);
        let error = line.err().expect("refused").to_string();
        assert!(error.contains("cannot be used with"), "{error}");
    }

    #[test]
    fn debug_shows_no_personal_value() {
        let requested = read(&["--phone-number", "13800138000", "--common", "name=张三"]);
        let text = format!("{:?}", requested.expect("read"));
        assert!(!text.contains("138") && !text.contains("张三"), "{text}");
    }
}
