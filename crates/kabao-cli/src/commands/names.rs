//! Names of the wire as people type them: `effective` for `CARD_EFFECTIVE`.

/// Reads one of an enum's names, for clap: in full or without what its fellows
/// begin with, in letters of any size, with `-` for `_`.
pub(crate) fn of<E: for<'a> From<&'a str>>(
    known: &'static [&'static str],
) -> impl Fn(&str) -> Result<E, String> + Clone {
    |text| match find(text, known) {
        Some(name) => Ok(name.into()),
        None => Err(format!("one of {}", short(known).join(", "))),
    }
}

/// The same for a list, separated by commas; an empty text is an empty list.
pub(crate) fn list_of<E: for<'a> From<&'a str>>(
    known: &'static [&'static str],
) -> impl Fn(&str) -> Result<Vec<E>, String> + Clone {
    move |text| {
        let names = text.split([',', '，']).map(str::trim);
        let names = names.filter(|name| !name.is_empty());
        names.map(of(known)).collect()
    }
}

/// The wire's name.
pub(crate) fn find(text: &str, known: &[&'static str]) -> Option<&'static str> {
    let name = text.to_ascii_uppercase().replace('-', "_");
    let prefix = common_prefix(known);
    let mut names = known.iter();
    names
        .find(|known| **known == name || known[prefix..] == name)
        .copied()
}

/// The names without what they all begin with.
pub(crate) fn short(known: &[&'static str]) -> Vec<&'static str> {
    let prefix = common_prefix(known);
    known.iter().map(|name| &name[prefix..]).collect()
}

/// How much all names begin with, up to an underscore.
fn common_prefix(names: &[&str]) -> usize {
    let [first, others @ ..] = names else {
        return 0;
    };
    if others.is_empty() {
        return 0;
    }
    let ends = first.match_indices('_').map(|(at, _)| at + 1);
    ends.take_while(|end| others.iter().all(|name| name.starts_with(&first[..*end])))
        .last()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kabao::card_member::{
        ActivityChannel, ActivityState, CardState, CodeType, CommonFieldName, ConfirmState,
        ExchangeResult, UserCardState,
    };

    #[test]
    fn every_name_of_the_wire_can_be_typed_in_full_and_short() {
        for known in [
            CardState::KNOWN,
            UserCardState::KNOWN,
            ActivityState::KNOWN,
            ActivityChannel::KNOWN,
            CodeType::KNOWN,
            CommonFieldName::KNOWN,
            ConfirmState::KNOWN,
            ExchangeResult::KNOWN,
        ] {
            for (name, short) in known.iter().zip(short(known)) {
                assert_eq!(find(name, known), Some(*name));
                let typed = short.to_ascii_lowercase().replace('_', "-");
                assert_eq!(find(short, known), Some(*name), "{short}");
                assert_eq!(find(&typed, known), Some(*name), "{typed}");
            }
        }
        assert_eq!(find("effective", CardState::KNOWN), Some("CARD_EFFECTIVE"));
        assert_eq!(
            find("already-exists", ConfirmState::KNOWN),
            Some("CREATE_CARD_ALREADY_EXISTS")
        );
        assert_eq!(find("code", CodeType::KNOWN), None);
    }

    #[test]
    fn other_names_are_answered_with_those_there_are() {
        let state = of::<CardState>(CardState::KNOWN);
        assert_eq!(state("gone"), Err("one of EFFECTIVE, INVALID".into()));
        let asked = list_of::<CommonFieldName>(CommonFieldName::KNOWN);
        assert_eq!(
            asked("sex, Birthday,"),
            Ok(vec![CommonFieldName::Sex, CommonFieldName::Birthday])
        );
        assert_eq!(asked(""), Ok(vec![]));
        assert!(asked("zodiac").is_err());
    }
}
