//! `kabao user-card update`.

use clap::Args;
use kabao::card_member::{GetUserCard, UpdateUserCard, UserCardChange, UserInformation};

use super::{
    faces,
    members::{AttachArgs, MemberArgs, PickupArgs},
};
use crate::{
    commands::{body::JsonArgs, ids::UserCardArgs},
    output::{
        printer::{Format, Printer},
        shown,
    },
    problem::Problem,
    session::Session,
};

/// A user's card, and what to change.
#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    #[command(flatten)]
    card: UserCardArgs,
    #[command(flatten)]
    change: ChangeArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// What to change.
#[derive(Debug, Clone, Default, Args)]
struct ChangeArgs {
    #[command(flatten)]
    members: MemberArgs,
    #[command(flatten)]
    attach: AttachArgs,
    #[command(flatten)]
    pickup: PickupArgs,
}

impl UpdateArgs {
    pub(super) async fn run(
        mut self,
        profile: Option<&str>,
        printer: &Printer,
    ) -> Result<(), Problem> {
        self.read()?;
        let Self { card, change, .. } = self;
        let outcome = Session::with_now(profile, printer, async |session| {
            let (members, key) = card.resolve(session)?;
            let get = GetUserCard { key: key.clone() };
            let before = match printer.format {
                _ if change.members.merges() => Some(members.send(&get).await?),
                // Only for the marks. Whatever is wrong, the change itself will tell.
                Format::Table => members.send(&get).await.ok(),
                Format::Json | Format::Jsonl => None,
            };
            let stored = before
                .as_ref()
                .and_then(|card| card.user_information.as_ref());
            let update = UpdateUserCard {
                key,
                change: change.over(stored)?,
            };
            let after = members.send(&update).await?;
            let face = faces::of(&after, &members, printer).await;
            Ok((before, after, face))
        });
        let ((before, after, face), now) = outcome.await?;
        shown::show_change(before.as_ref(), &after, face, now, printer)
    }

    /// Reads what there is to read, and checks what can be checked here.
    fn read(&mut self) -> Result<(), Problem> {
        match self.json.read()? {
            Some(mut body) => {
                self.card.user.take_from(&mut body)?;
                self.change.members.take_from(&mut body)?;
                self.change.attach = body.take()?;
                self.change.pickup = body.take()?;
                body.end()?;
            }
            None => self.change.members.read_stdin()?,
        }
        let change = self.change.clone().over(None)?;
        if change.is_empty() {
            return Err(Problem::new("there is nothing to change")
                .hint("name what to change, for example --level 钻石会员, or give --json FILE"));
        }
        Ok(change.check()?)
    }
}

impl ChangeArgs {
    fn over(self, stored: Option<&UserInformation>) -> Result<UserCardChange, Problem> {
        Ok(UserCardChange {
            pickup_time: self.pickup.pickup_time,
            attach: self.attach.attach,
            ..self.members.over(stored)?
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use kabao::card_member::{CommonFieldName, ValidDateInformation};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        update: UpdateArgs,
    }

    fn read(arguments: &[&str]) -> Result<ChangeArgs, Problem> {
        let line = Line::try_parse_from([&["update", "1"], arguments].concat());
        let mut update = line.unwrap_or_else(|error| panic!("{error}")).update;
        update.read()?;
        Ok(update.change)
    }

    #[test]
    fn flags_become_members() {
        let change = read(&[
            "--level",
            "钻石会员",
            "--phone-number",
            "13800138000",
            "--valid",
            "30d",
            "--pickup-time",
            "2026-01-01",
        ]);
        let change = change.and_then(|change| change.over(None));
        let change = change.expect("a change");
        assert_eq!(change.level.as_deref(), Some("钻石会员"));
        assert_eq!(change.phone_number.expect("set").expose(), "13800138000");
        assert_eq!(
            change.valid_date_information,
            Some(ValidDateInformation::days(30))
        );
        assert_eq!(
            change.pickup_time.as_ref().map(|time| time.as_str()),
            Some("2026-01-01T00:00:00.000+08:00")
        );
        assert!(change.user_information.is_none() && change.attach.is_none());
    }

    #[test]
    fn single_answers_leave_the_others_alone() {
        let stored = UserInformation::new()
            .common(CommonFieldName::Sex, "男")
            .common(CommonFieldName::City, "深圳")
            .custom("喜欢的运动", ["足球"]);
        let change = read(&["--common", "sex=女", "--custom", "宠物=猫,狗"]).expect("read");
        assert!(change.members.merges());
        let change = change.over(Some(&stored)).expect("a change");
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
            (&["--json", "/nowhere.json"], "/nowhere.json"),
            (&["--common", "zodiac=龙"], "sex, name, birthday"),
        ] {
            let problem = read(arguments).expect_err(wanted).to_string();
            assert!(problem.contains(wanted), "{problem}");
            assert!(!problem.contains('龙'), "{problem}");
        }
    }

    #[test]
    fn flags_and_a_file_exclude_each_other() {
        for flag in ["--level=x", "--attach=x", "--pickup-time=2026-01-01"] {
            let line = Line::try_parse_from(["update", "1", "--json", "x", flag]);
            let error = line.err().expect(flag).to_string();
            assert!(error.contains("cannot be used with"), "{error}");
        }
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        std::io::Write::write_all(&mut file, b"{}").expect("written");
        let path = file.path().display().to_string();
        let problem = read(&["--json", &path, "--common", "sex=x"]);
        let problem = problem.expect_err("answers twice").to_string();
        assert!(problem.contains("cannot be used with --json"), "{problem}");
    }

    #[test]
    fn debug_shows_no_personal_value() {
        let change = read(&["--phone-number", "13800138000", "--common", "name=张三"]);
        let text = format!("{:?}", change.expect("read"));
        assert!(!text.contains("138") && !text.contains("张三"), "{text}");
    }
}
