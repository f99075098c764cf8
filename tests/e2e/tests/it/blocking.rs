//! The blocking client, from plain threads and from inside a runtime.

use std::sync::Arc;

use kabao::card_member::UserCardChange;

use crate::support::{CARD_PATH, World};

#[test]
fn the_same_calls_without_async_from_many_threads() {
    let world = World::new();
    let client: kabao::blocking::Client =
        kabao::blocking::ClientBuilder::from(kabao_e2e::merchant(&world.credentials).unwrap())
            .build()
            .unwrap();
    let client = Arc::new(client);
    let threads: Vec<_> = (0..8)
        .map(|number| {
            let (client, key) = (Arc::clone(&client), world.key());
            std::thread::spawn(move || {
                let cards = client.card_member_for("1004").user_cards();
                let change = UserCardChange::new().level(format!("等级{number}"));
                let changed = cards.update(&key, change).unwrap();
                assert_eq!(changed.level, Some(format!("等级{number}")));
                assert!(cards.get(&key).unwrap().phone_number.unwrap().is_opened());
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn it_works_inside_an_async_runtime() {
    let world = World::new();
    let query = world.query();
    world.run(async {
        let client =
            kabao::blocking::ClientBuilder::from(kabao_e2e::merchant(&world.credentials).unwrap())
                .build()
                .unwrap();
        let answer = client
            .chain(CARD_PATH)
            .param("user_card_code", "478515832665")
            .query(&query)
            .get()
            .unwrap();
        assert_eq!(answer.status(), 200);
    });
}
