//! What is described is read whole, and no field is left without a member.

use serde_json::{Value, json};

use crate::{
    instance::{Blocks, Form, TURNS, full, least, under_older_names},
    openapi::operations,
    operations::operation,
    requests::given,
    schema::Schema,
};

#[test]
fn every_member_that_is_described_has_a_field_and_every_field_is_described() {
    for found in operations() {
        let address = found.address();
        let operation = operation(&found.name, &given(&found, 0));
        for turn in 0..TURNS {
            let sent = full(&found.answer, turn, Form::Sealed);
            let answer = operation.read(&sent, &Blocks).expect(&address);
            assert!(
                answer.members.all_known(),
                "{address}: {:?}",
                answer.members
            );
            assert_eq!(answer.members.unset, [""; 0], "{address}: not described");
            assert_eq!(
                answer.written,
                full(&found.answer, turn, Form::Plain),
                "{address}"
            );
        }
    }
}

#[test]
fn members_that_are_optional_may_be_absent() {
    for found in operations() {
        let operation = operation(&found.name, &given(&found, 0));
        let answer = operation.read(&least(&found.answer, Form::Sealed), &Blocks);
        let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", found.address()));
        let mut expected = least(&found.answer, Form::Plain);
        if let Some(data) = empty_rows(&found.answer) {
            expected["data"] = data;
        }
        assert_eq!(answer.written, expected, "{}", found.address());
    }
}

/// Rows that are absent are read as none.
fn empty_rows(answer: &Schema) -> Option<Value> {
    let is_page = answer.members().iter().any(|member| member.name == "data");
    is_page.then(|| json!([]))
}

#[test]
fn other_names_of_a_member_are_read_as_the_member() {
    let mut names = 0;
    for found in operations() {
        let operation = operation(&found.name, &given(&found, 0));
        for sent in under_older_names(&found.answer, Form::Sealed) {
            let answer = operation.read(&sent, &Blocks).expect(&found.name);
            assert!(
                answer.members.all_known(),
                "{}: {:?}",
                found.name,
                answer.members
            );
            assert_eq!(answer.members.unset, [""; 0], "{}", found.name);
            names += 1;
        }
    }
    // Templates in eleven answers, feeds in two.
    assert_eq!(names, 13);
}
