//! Documented answers are read whole and written as they were.

use kabao_core::{Sealed, UserCard};
use serde_json::{Value, json};

use crate::{
    any::Answer,
    sample::{OPENED, Printed, Sample},
    typed,
};

#[test]
fn every_member_of_an_answer_has_its_field_and_is_written_again() {
    for (name, operation) in typed::requests() {
        let sample = Sample::of(name);
        let answer = operation.read(&sample.answer, &Printed).expect(name);
        assert!(answer.members.all_known(), "{name}: {:?}", answer.members);
        assert_eq!(answer.written, sample.opened(), "{name}");
    }
}

#[test]
fn what_is_sealed_stays_as_it_was_until_it_is_opened() {
    let sample = Sample::of("get_user_card");
    let card: UserCard<Sealed> = serde_json::from_value(sample.answer.clone()).expect("a card");
    assert_eq!(serde_json::to_value(&card).expect("JSON"), sample.answer);
    let opened = sample.opened().to_string();
    assert_eq!(opened.matches(OPENED).count(), 3);
    assert_eq!(card.open(&Printed).unopened(), 0);
}

#[test]
fn members_and_names_that_nobody_knows_survive_at_every_level() {
    for (name, operation) in typed::requests() {
        let mut sample = Sample::of(name);
        let objects = add_everywhere(&mut sample.answer);
        let Answer { written, members } = operation.read(&sample.answer, &Printed).expect(name);
        assert_eq!(written, sample.opened(), "{name}");
        assert_eq!(members.unknown, vec!["points"; objects], "{name}");
    }
}

/// Puts a member into every object; says into how many.
fn add_everywhere(value: &mut Value) -> usize {
    match value {
        Value::Object(members) => {
            let inside: usize = members.values_mut().map(add_everywhere).sum();
            members.insert("points".into(), json!(7));
            inside + 1
        }
        Value::Array(items) => items.iter_mut().map(add_everywhere).sum(),
        _ => 0,
    }
}
