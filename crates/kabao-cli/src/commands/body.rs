//! A request's body as the documentation prints it, from a file.
//!
//! The rule is the same for every command: `--json` is the whole body, instead
//! of the flags for its members. Ids and `out_request_no` may be left out of it,
//! or be given in both places if they agree.

use std::{collections::BTreeMap, fmt};

use clap::Args;
use kabao::{card_member::ValidDateInformation, core::extra::Extra};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor},
    forward_to_deserialize_any,
};

use super::input::{self, Input};
use crate::problem::Problem;

/// The body as a whole. Flags that give members of it stand in a group that
/// conflicts with `json`.
#[derive(Debug, Default, Args)]
pub(crate) struct JsonArgs {
    /// The whole body as JSON, under the names of the wire, instead of the flags
    /// for its members; `-` is stdin. Ids may be left out of it.
    #[arg(long, value_name = "FILE|-", help_heading = "All of it at once")]
    json: Option<String>,
}

/// A body, of which every member has to be taken: the API would ignore what it
/// does not know.
pub(crate) struct Body {
    input: Input,
    ids: Ids,
    taken: Vec<&'static str>,
}

/// Some of a body's members.
pub(crate) trait Part: DeserializeOwned {
    /// The JSON Pointer of a member, further down than the part's own, that
    /// nobody knows.
    fn unknown(&self) -> Option<String> {
        None
    }
}

#[derive(Deserialize)]
struct Ids {
    brand_id: Option<String>,
    card_id: Option<String>,
    openid: Option<String>,
    user_card_code: Option<String>,
    out_request_no: Option<String>,
}

impl JsonArgs {
    /// Reads the body, if there is one.
    pub(crate) fn read(&self) -> Result<Option<Body>, Problem> {
        let file = self.json.as_deref();
        file.map(|file| Body::of(input::read(file)?)).transpose()
    }
}

impl Body {
    /// Of a file that is read.
    pub(crate) fn of(input: Input) -> Result<Self, Problem> {
        // A struct would be read from a list, too.
        input.json::<BTreeMap<String, IgnoredAny>>()?;
        Ok(Self {
            ids: input.json()?,
            input,
            taken: Vec::new(),
        })
    }

    /// Takes the members of one part.
    pub(crate) fn take<T: Part>(&mut self) -> Result<T, Problem> {
        self.taken.extend(names_of::<T>());
        let part: T = self.input.json()?;
        match part.unknown() {
            None => Ok(part),
            Some(pointer) => Err(Problem::new(format!(
                "{}: unknown member {pointer}",
                self.input.name
            ))
            .hint(IGNORED)),
        }
    }

    /// Takes an id. The command line may give it, too, but not another one.
    pub(crate) fn take_id(
        &mut self,
        name: &'static str,
        given: &mut Option<String>,
    ) -> Result<(), Problem> {
        self.taken.push(name);
        let ids = &mut self.ids;
        let written = match name {
            "brand_id" => ids.brand_id.take(),
            "card_id" => ids.card_id.take(),
            "openid" => ids.openid.take(),
            "user_card_code" => ids.user_card_code.take(),
            "out_request_no" => ids.out_request_no.take(),
            _ => None,
        };
        match (given.as_deref(), written) {
            (Some(given), Some(written)) if given != written => Err(Problem::new(format!(
                "{name} is {given} on the command line, but {written} in the JSON"
            ))
            .hint("give it in one place, or the same in both")),
            (None, Some(written)) => {
                *given = Some(written);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Ends the reading. A member that was not taken is an error.
    pub(crate) fn end(self) -> Result<(), Problem> {
        self.input
            .json_with(Only(&self.taken))
            .map_err(|problem| problem.hint(IGNORED))
    }
}

const IGNORED: &str = "the API would ignore it silently; look for a slip of the pen";

/// The pointer of the first of these members.
pub(crate) fn first(at: &str, extra: &Extra) -> Option<String> {
    extra.keys().next().map(|name| format!("{at}/{name}"))
}

/// The pointer of a member of the validity that nobody knows.
pub(crate) fn unknown_in_validity(validity: Option<&ValidDateInformation>) -> Option<String> {
    first("/valid_date_information", &validity?.extra)
}

/// Reads an object that has no other members than these.
struct Only<'a>(&'a [&'static str]);

impl<'de> DeserializeSeed<'de> for Only<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Only<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            if !self.0.contains(&name.as_str()) {
                let known = self.0.join("`, `");
                return Err(A::Error::custom(format!(
                    "unknown field `{name}`, expected one of `{known}`"
                )));
            }
            members.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// The names that a struct reads, as it tells them to any format.
fn names_of<T: DeserializeOwned>() -> &'static [&'static str] {
    struct Asked<'a>(&'a mut &'static [&'static str]);

    impl<'de> Deserializer<'de> for Asked<'_> {
        type Error = serde::de::value::Error;

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Self::Error> {
            *self.0 = fields;
            Err(Self::Error::custom("only the names are wanted"))
        }

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            Err(Self::Error::custom("not a struct"))
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
            unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }

    let mut names: &'static [&'static str] = &[];
    // It cannot succeed: there is nothing to read.
    let _ = T::deserialize(Asked(&mut names));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Words {
        level: Option<String>,
        #[serde(rename = "valid_date_information")]
        validity: Option<ValidDateInformation>,
    }

    impl Part for Words {
        fn unknown(&self) -> Option<String> {
            unknown_in_validity(self.validity.as_ref())
        }
    }

    #[derive(Debug, Deserialize)]
    struct Count {
        point_balance: Option<i64>,
    }

    impl Part for Count {}

    fn read(text: &str, openid: Option<&str>) -> Result<(Words, Count, Option<String>), Problem> {
        let mut body = Body::of(Input {
            name: "change.json".into(),
            text: text.into(),
        })?;
        let mut openid = openid.map(str::to_owned);
        body.take_id("openid", &mut openid)?;
        let parts = (body.take()?, body.take()?);
        body.end()?;
        Ok((parts.0, parts.1, openid))
    }

    #[test]
    fn parts_make_up_the_page() {
        let text = r#"{"openid": "o", "level": "x", "point_balance": 7,
            "valid_date_information": {"type": "PERMANENT"}}"#;
        let (words, count, openid) = read(text, None).expect("the page");
        assert_eq!(words.level.as_deref(), Some("x"));
        assert_eq!(count.point_balance, Some(7));
        assert_eq!(openid.as_deref(), Some("o"));
        let (words, ..) = read(r#"{"level": null}"#, None).expect("null is absent");
        assert!(words.level.is_none() && words.validity.is_none());
    }

    #[test]
    fn a_member_nobody_takes_is_named_with_its_place() {
        for (text, wanted) in [
            (
                "{\n \"lvel\": \"x\"}",
                "change.json:2:7: unknown field `lvel`",
            ),
            (r#"{"card_id": "p"}"#, "unknown field `card_id`"),
            (r#"{"level": "x", "level": "y"}"#, "duplicate field `level`"),
            (
                r#"{"openid": "x", "openid": "y"}"#,
                "duplicate field `openid`",
            ),
            (
                r#"{"valid_date_information": {"type": "PERMANENT", "tpye": 1}}"#,
                "unknown member /valid_date_information/tpye",
            ),
            (r#"{"level": 13800138000}"#, "expected a string"),
            (
                r#"["level"]"#,
                "change.json:1:0: invalid type: sequence, expected a map",
            ),
        ] {
            let problem = read(text, None).expect_err(text).to_string();
            assert!(problem.contains(wanted), "{problem}");
            assert!(!problem.contains("138"), "{problem}");
        }
    }

    #[test]
    fn an_id_agrees_with_the_command_line() {
        let text = r#"{"openid": "o"}"#;
        let (.., openid) = read(text, Some("o")).expect("the same");
        assert_eq!(openid.as_deref(), Some("o"));
        let (.., openid) = read("{}", Some("o")).expect("given in one place");
        assert_eq!(openid.as_deref(), Some("o"));
        let problem = read(text, Some("p")).expect_err("a conflict").to_string();
        assert!(
            problem.contains("openid is p on the command line, but o in the JSON"),
            "{problem}"
        );
    }
}
