//! A member of a request that WeChat Pay is known to refuse.

/// Which member, what stands there, and why it cannot be.
///
/// The SDK reports it before anything is sent, the sandbox as `PARAM_ERROR`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {issue}{}", got(.value))]
pub struct FieldError {
    /// JSON Pointer of the member, or the name of a path or query parameter.
    pub field: String,
    /// What stands there, never a sensitive value.
    pub value: String,
    /// What is wrong with it and what would be right.
    pub issue: String,
}

impl FieldError {
    /// Reports a member.
    pub fn new(
        field: impl Into<String>,
        value: impl Into<String>,
        issue: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            value: value.into(),
            issue: issue.into(),
        }
    }
}

/// A text that has to be there.
pub(crate) fn present(field: &str, value: &str) -> Result<(), FieldError> {
    match value.is_empty() {
        true => Err(FieldError::new(field, "", "required")),
        false => Ok(()),
    }
}

/// A text that has to be there, of at most `limit` characters.
pub(crate) fn required(field: &str, value: &str, limit: usize) -> Result<(), FieldError> {
    present(field, value)?;
    at_most(field, value, limit)
}

/// At most `limit` characters (not bytes).
pub(crate) fn at_most(field: &str, value: &str, limit: usize) -> Result<(), FieldError> {
    let length = value.chars().count();
    if length <= limit {
        return Ok(());
    }
    let issue = format!("at most {limit} characters, this has {length}");
    Err(FieldError::new(field, shown(value), issue))
}

/// `#RRGGBB`.
pub(crate) fn color(field: &str, value: &str) -> Result<(), FieldError> {
    let hex = value.strip_prefix('#').unwrap_or_default();
    if hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    let issue = "a colour is written #RRGGBB, six hexadecimal digits";
    Err(FieldError::new(field, shown(value), issue))
}

/// One of an enum's names.
pub(crate) fn one_of(field: &str, value: &str, names: &[&str]) -> Result<(), FieldError> {
    if names.contains(&value) {
        return Ok(());
    }
    let issue = format!("one of {}", names.join(", "));
    Err(FieldError::new(field, shown(value), issue))
}

/// A member card's code: 1 to 32 digits, Latin letters and half-width
/// punctuation.
pub(crate) fn user_card_code(field: &str, value: &str) -> Result<(), FieldError> {
    required(field, value, 32)?;
    if value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let issue = "digits, Latin letters and half-width punctuation";
    Err(FieldError::new(field, value, issue))
}

/// A merchant's request number: 1 to `limit` of `0-9A-Za-z_-`.
pub(crate) fn out_request_no(value: &str, limit: usize) -> Result<(), FieldError> {
    const FIELD: &str = "/out_request_no";
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if value.is_empty() || !value.bytes().all(is_allowed) {
        let issue = "1 or more of 0-9, A-Z, a-z, - and _";
        return Err(FieldError::new(FIELD, shown(value), issue));
    }
    at_most(FIELD, value, limit)
}

/// What stands there, for the error's words: nothing of nothing.
fn got(value: &str) -> String {
    match value {
        "" => String::new(),
        value => format!(" (got `{value}`)"),
    }
}

/// The beginning of what may be long.
fn shown(value: &str) -> String {
    value.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_what_was_given_if_anything_was() {
        let error = FieldError::new("/cell", "", "required");
        assert_eq!(error.to_string(), "/cell: required");
        let error = FieldError::new("/state", "X", "one of A, B");
        assert_eq!(error.to_string(), "/state: one of A, B (got `X`)");
    }
}
