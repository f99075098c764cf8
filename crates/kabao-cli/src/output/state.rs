//! What a state means, by its name on the wire.

use super::paint::Tone;

/// How a state is meant. The word that counts comes last.
pub(crate) fn tone(state: &str) -> Tone {
    match state.rsplit('_').next().unwrap_or(state) {
        "EFFECTIVE" | "SUCCESS" | "DELIVERED" => Tone::Good,
        "UNACTIVATED" | "CREATED" | "EXPIRED" | "PENDING" => Tone::Warn,
        "INVALID" | "TERMINATED" | "FAIL" | "FAILED" => Tone::Bad,
        _ => Tone::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kabao::card_member::{ActivityState, CardState, ExchangeState, UserCardState};

    #[test]
    fn every_state_of_the_api_means_something() {
        let states = [
            UserCardState::KNOWN,
            CardState::KNOWN,
            ActivityState::KNOWN,
            ExchangeState::KNOWN,
        ];
        for state in states.concat() {
            assert_ne!(tone(state), Tone::Plain, "{state}");
        }
        assert_eq!(tone("MEMBERSHIP_ACTIVITY_EFFECTIVE"), Tone::Good);
        assert_eq!(tone("CARD_INVALID"), Tone::Bad);
        assert_eq!(tone("SOMETHING_NEW"), Tone::Plain);
    }
}
