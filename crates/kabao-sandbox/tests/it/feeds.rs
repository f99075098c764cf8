//! Lines of news on a member's card.

use serde_json::{Value, json};

use crate::{
    caller::{Caller, number, text, with, without},
    support::{CARD_ID, CODE, OPENID, Running},
};

fn feed() -> Value {
    json!({
        "card_id": CARD_ID,
        "user_card_code": CODE,
        "openid": OPENID,
        "out_request_no": number(),
        "cell": "15_1200_1",
    })
}

/// The lines on all cards.
fn lines(running: &Running) -> Vec<String> {
    let feeds = running.kept("feed");
    let mut lines: Vec<String> = feeds.iter().map(|feed| text(&feed["cell"])).collect();
    lines.sort();
    lines
}

fn post(caller: &Caller<'_>, feed: Value) -> crate::support::Answer {
    caller.post("user-feeds", feed)
}

#[test]
fn a_line_is_taken_under_either_name_and_answered_with_the_official_one() {
    let running = Running::start();
    for caller in running.callers() {
        let form = feed();
        let expected = with(without(form.clone(), "openid"), json!({"brand_id": "1004"}));
        assert_eq!(post(&caller, form.clone()).ok(), expected);
        let older = |form: Value| with(without(form, "cell"), json!({"cell_message": "16_3"}));
        let form = feed();
        let expected = with(
            without(form.clone(), "openid"),
            json!({"brand_id": "1004", "cell": "16_3"}),
        );
        assert_eq!(post(&caller, older(form)).ok(), expected);
        // Both are fine as long as they agree.
        post(&caller, with(feed(), json!({"cell_message": "15_1200_1"}))).ok();
        post(&caller, with(feed(), json!({"cell_message": null}))).ok();
        let both = with(feed(), json!({"cell_message": "1"}));
        post(&caller, both).blames("/cell_message");
    }
    let expected = ["15_1200_1"; 3].into_iter().chain(["16_3"]);
    let mut expected: Vec<&str> = expected.clone().chain(expected).collect();
    expected.sort_unstable();
    assert_eq!(lines(&running), expected);
    assert_eq!(running.notified(), 0);
}

#[test]
fn older_pages_have_more_in_the_answer() {
    let running = Running::switched("feed_cell_message");
    for caller in running.callers() {
        let answer = post(&caller, feed()).ok();
        assert_eq!(answer["openid"], OPENID);
        assert_eq!(answer["cell_message"], "15_1200_1");
        assert_eq!(answer["cell"], "15_1200_1");
    }
}

#[test]
fn of_a_line_nothing_is_asked_but_its_length() {
    let running = Running::start();
    for caller in running.callers() {
        for cell in ["0", "无此句", "99_ _x__", &"长".repeat(128)] {
            let answer = post(&caller, with(feed(), json!({"cell": cell}))).ok();
            assert_eq!(answer["cell"], cell);
        }
        for name in ["cell", "cell_message"] {
            for wrong in [json!(""), json!("长".repeat(129)), json!(15), json!(["15"])] {
                let form = with(without(feed(), "cell"), json!({name: wrong}));
                post(&caller, form).blames(&format!("/{name}"));
            }
        }
    }
}

#[test]
fn what_a_line_must_have_is_named() {
    let running = Running::start();
    for caller in running.callers() {
        let form = feed();
        for name in form.as_object().unwrap().keys() {
            let at = format!("/{name}");
            post(&caller, without(form.clone(), name)).blames(&at);
            for wrong in [json!(""), json!(7)] {
                post(&caller, with(form.clone(), json!({name: wrong}))).blames(&at);
            }
        }
        for (members, at) in [
            (json!({"out_request_no": "1".repeat(65)}), "/out_request_no"),
            (json!({"out_request_no": "1004/1"}), "/out_request_no"),
            (json!({"user_card_code": "4785 1583"}), "/user_card_code"),
            (json!({"user_card_code": "4".repeat(33)}), "/user_card_code"),
            (json!({"card_id": "p".repeat(33)}), "/card_id"),
            (json!({"openid": "o".repeat(129)}), "/openid"),
        ] {
            post(&caller, with(form.clone(), members)).blames(at);
        }
        let longest = json!({"out_request_no": format!("{:064}", caller.is_partner() as u8)});
        post(&caller, with(form, longest)).ok();
    }
    let partner = running.partner();
    let target = partner.target("user-feeds");
    partner
        .send("POST", &target, &feed().to_string())
        .blames("/brand_id");
    assert_eq!(lines(&running).len(), 2);
}

#[test]
fn a_line_is_for_a_card_that_is_there() {
    let running = Running::start();
    let [partner, brand] = running.callers();
    for caller in [&partner, &brand] {
        for other in [
            json!({"user_card_code": "1"}),
            json!({"card_id": "p-other"}),
            json!({"openid": "o-other"}),
        ] {
            let answer = post(caller, with(feed(), other));
            answer.is_refused(404, "RESOURCE_NOT_EXISTS");
        }
    }
    // One that is over is still there, one that is invalid is not.
    running.freeze("2031-01-01T00:00:00+08:00");
    post(&partner, feed()).ok();
    running
        .play(OPENID, "delete-card", json!({"card_id": CARD_ID}))
        .ok();
    for caller in [partner, brand] {
        post(&caller, feed()).is_refused(400, "INVALID_REQUEST");
    }
    assert_eq!(lines(&running).len(), 1);
}

#[test]
fn the_number_of_a_line_counts_once() {
    let running = Running::start();
    let [partner, brand] = running.callers();
    let form = feed();
    let first = post(&partner, form.clone()).ok();
    assert_eq!(post(&partner, form.clone()).ok(), first);
    let older = with(
        without(form.clone(), "cell"),
        json!({"cell_message": "15_1200_1"}),
    );
    assert_eq!(post(&partner, older).ok(), first);
    let answer = post(&partner, with(form.clone(), json!({"cell": "15_1200_2"})));
    answer.is_refused(400, "INVALID_REQUEST");
    assert_eq!(lines(&running).len(), 1);
    // The brand's numbers are its own.
    post(&brand, with(form.clone(), json!({"cell": "15_1200_2"}))).ok();
    assert_eq!(lines(&running), ["15_1200_1", "15_1200_2"]);
    // What was done is answered though the card has gone.
    running
        .play(OPENID, "delete-card", json!({"card_id": CARD_ID}))
        .ok();
    assert_eq!(post(&partner, form).ok(), first);
    // What was refused is not used up.
    let refused = feed();
    post(&partner, with(refused.clone(), json!({"openid": "o-1"})))
        .is_refused(404, "RESOURCE_NOT_EXISTS");
    running.control_ok("POST", "/_sandbox/reset", None);
    post(&partner, refused).ok();
}
