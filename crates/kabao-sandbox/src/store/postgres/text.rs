//! Texts as PostgreSQL takes them: it knows no NUL, which the wire's texts may
//! hold.

use std::{borrow::Cow, error::Error, fmt};

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// Stands before what is written in another way: itself as `1`, NUL as `0`. No
/// usual text holds it, so usual texts are kept as they are.
const ESCAPE: char = '\u{1}';

/// A text that goes in, or came out, in full. What it says is not shown: it may
/// be a user's.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

/// A text that somebody else owns.
pub(super) fn text(text: &str) -> Text<'_> {
    Text(Cow::Borrowed(text))
}

/// A text of its own.
pub(super) fn owned(text: &str) -> Text<'static> {
    Text(Cow::Owned(text.to_owned()))
}

impl Text<'_> {
    pub(super) fn into_string(self) -> String {
        self.0.into_owned()
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(..)")
    }
}

impl ToSql for Text<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        escaped(&self.0).as_ref().to_sql(ty, out)
    }

    fn accepts(ty: &Type) -> bool {
        <&str as ToSql>::accepts(ty)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Text<'static> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let stored = <&str as FromSql<'_>>::from_sql(ty, raw)?;
        Ok(Text(Cow::Owned(unescaped(stored))))
    }

    fn accepts(ty: &Type) -> bool {
        <&str as FromSql<'_>>::accepts(ty)
    }
}

fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\0' => escaped.extend([ESCAPE, '0']),
            ESCAPE => escaped.extend([ESCAPE, '1']),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

fn unescaped(stored: &str) -> String {
    let mut text = String::with_capacity(stored.len());
    let mut characters = stored.chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            ESCAPE if characters.next() == Some('0') => '\0',
            other => other,
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_and_no_two_are_one() {
        let texts = [
            "",
            "obLat",
            "\0",
            "\u{1}",
            "\u{1}0",
            "\0\u{1}1\0",
            "会员\0卡😀",
        ];
        let stored = texts.map(|text| escaped(text).into_owned());
        for (text, stored) in texts.iter().zip(&stored) {
            assert!(!stored.contains('\0'), "{text:?}");
            assert_eq!(unescaped(stored), *text);
        }
        assert!(matches!(escaped("obLat"), Cow::Borrowed(_)));
        let different: std::collections::HashSet<_> = stored.iter().collect();
        assert_eq!(different.len(), texts.len());
    }
}
