//! The wire types of the member-card product: what is read is written, read and
//! written the same.
#![no_main]

use kabao_core::{
    Sealed, UserCard, UserCardChange,
    card_member::{
        Activity, ActivityChange, Card, CardChange, Image, NewActivity, NewCard, Page,
        PointBalance, PointExchange, Token, UserCardImport, UserFeed, ValidDateInformation,
    },
    certificate_list::CertificateList,
};
use serde::{Serialize, de::DeserializeOwned};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    goes_round::<UserCard<Sealed>>(bytes);
    goes_round::<UserCardChange<Sealed>>(bytes);
    goes_round::<UserCardImport<Sealed>>(bytes);
    goes_round::<Page<UserCard<Sealed>>>(bytes);
    goes_round::<Card>(bytes);
    goes_round::<NewCard>(bytes);
    goes_round::<CardChange>(bytes);
    goes_round::<Activity>(bytes);
    goes_round::<NewActivity>(bytes);
    goes_round::<ActivityChange>(bytes);
    goes_round::<PointBalance>(bytes);
    goes_round::<PointExchange>(bytes);
    goes_round::<UserFeed>(bytes);
    goes_round::<Token>(bytes);
    goes_round::<Image>(bytes);
    goes_round::<CertificateList>(bytes);
    if let Ok(validity) = serde_json::from_slice::<ValidDateInformation>(bytes) {
        let _ = validity.check("");
        let _ = validity.end(jiff::Timestamp::UNIX_EPOCH);
    }
});

fn goes_round<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(bytes) else {
        return;
    };
    let written = serde_json::to_string(&read).expect("what was read");
    let again: T = serde_json::from_str(&written).expect(&written);
    assert_eq!(
        serde_json::to_string(&again).expect("what was read"),
        written
    );
}
