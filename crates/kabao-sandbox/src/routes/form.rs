//! Members of the kinds that forms are made of.

use std::ops::RangeInclusive;

use kabao_core::{field::FieldError, time::Time};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::members::{Members, Place, value_of};
use crate::{
    domain::user_card::{CODE, is_code},
    refusal::{Refusal, misfit},
    store::Window,
};

impl Members {
    /// The members of the body that a form has, without those that are null.
    /// Others are ignored, as the real service does.
    pub(crate) fn form(&self, names: &[&str]) -> Map<String, Value> {
        let known = self
            .body
            .iter()
            .filter(|(name, value)| names.contains(&name.as_str()) && !value.is_null());
        known
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// A required member of the body that an older name stands for as well. Both
    /// may be there as long as they agree.
    pub(crate) fn either<'a>(
        &'a self,
        name: &'a str,
        older: &'a str,
    ) -> Result<(&'a str, &'a Value), Refusal> {
        let value = |name| self.body.get(name).filter(|value| !value.is_null());
        match (value(name), value(older)) {
            (Some(newer), Some(differing)) if newer != differing => {
                let issue = format!("与{name}的值不一致");
                Err(Place::Body.blame(older, "", issue))
            }
            (Some(value), _) => Ok((name, value)),
            (None, Some(value)) => Ok((older, value)),
            (None, None) => Err(Refusal::missing(name)),
        }
    }

    /// A required whole number of the body within a range.
    pub(crate) fn integer(&self, name: &str, range: RangeInclusive<i64>) -> Result<i64, Refusal> {
        let value = match self.body.get(name) {
            None | Some(Value::Null) => return Err(Refusal::missing(name)),
            Some(value) => value,
        };
        value
            .as_i64()
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                let issue = format!("应为{}至{}的整数", range.start(), range.end());
                Place::Body.blame(name, &value.to_string(), issue)
            })
    }

    /// A required instant, as written.
    pub(crate) fn time(&self, name: &str) -> Result<Time, Refusal> {
        let time = Time::from(self.text(name, 32)?);
        match time.instant() {
            Some(_) => Ok(time),
            None => {
                let issue = "应为RFC 3339格式，例如2020-05-20T13:29:35.120+08:00";
                Err(Place::Body.blame(name, time.as_str(), issue))
            }
        }
    }

    /// One of the names of an enum, or none.
    pub(crate) fn one_of(
        &self,
        name: &str,
        names: &[&'static str],
    ) -> Result<Option<&'static str>, Refusal> {
        let Some(given) = self.optional_text(name, 64)? else {
            return Ok(None);
        };
        let known = names.iter().find(|known| **known == given);
        known.copied().map(Some).ok_or_else(|| {
            let issue = format!("应为{}之一", names.join("、"));
            self.usual.blame(name, &given, issue)
        })
    }

    /// Rows of a list: `offset` from 0, `limit` from 1 to 20, both required.
    pub(crate) fn window(&self) -> Result<Window, Refusal> {
        Ok(Window {
            offset: self.number("offset", 0..=u64::MAX)?,
            limit: self.number("limit", 1..=20)?,
        })
    }

    /// The same; what is absent begins at the start and is as long as may be.
    pub(crate) fn window_or_first(&self) -> Result<Window, Refusal> {
        let absent = |name| -> Result<bool, Refusal> {
            Ok(value_of(Place::Query, &self.query, name)?.is_none())
        };
        Ok(Window {
            offset: match absent("offset")? {
                true => 0,
                false => self.number("offset", 0..=u64::MAX)?,
            },
            limit: match absent("limit")? {
                true => 20,
                false => self.number("limit", 1..=20)?,
            },
        })
    }

    /// A card's code, wherever it stands.
    pub(crate) fn user_card_code(&self) -> Result<String, Refusal> {
        let code = self.text("user_card_code", CODE)?;
        if is_code(&code) {
            return Ok(code);
        }
        let place = self.placed_text("user_card_code")?;
        let place = place.map_or(Place::Body, |(place, _)| place);
        Err(place.blame("user_card_code", &code, "仅支持数字、拉丁字母和半角标点"))
    }

    /// `out_request_no`: letters, digits, `-` and `_`.
    pub(crate) fn out_request_no(&self, limit: usize) -> Result<Option<String>, Refusal> {
        let Some(number) = self.optional_text("out_request_no", limit)? else {
            return Ok(None);
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        match number.bytes().all(fits) {
            true => Ok(Some(number)),
            false => {
                let issue = "仅支持数字、大小写字母、-和_";
                Err(Place::Body.blame("out_request_no", &number, issue))
            }
        }
    }
}

/// Reads members as what they stand for; blames the one that does not fit.
pub(crate) fn parse<T: DeserializeOwned>(members: Map<String, Value>) -> Result<T, Refusal> {
    serde_path_to_error::deserialize(Value::Object(members)).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.inner().to_string();
        let at = path
            .trim_start_matches('.')
            .replace(['.', '['], "/")
            .replace(']', "");
        let missing = inner
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split('`').next());
        match missing {
            Some(name) => {
                let field = format!("/{at}/{name}").replace("//", "/");
                Refusal::param("body", &FieldError::new(field, "", "必填参数缺失"))
            }
            None => {
                let issue = misfit(error.inner());
                Refusal::unfit(&FieldError::new(format!("/{at}"), "", issue))
            }
        }
    })
}
