//! Operations made from the members of a request, wherever they stand in it.

use bytes::Bytes;
use kabao_core::{
    UserCardChange, UserCardKey,
    card_member::{
        ConfirmPointExchange, ConfirmUserCard, CreateActivity, CreateCard, CreatePayViewToken,
        CreatePreAuthToken, CreateUserFeed, DeleteCard, GetActivity, GetCard, GetUserCard,
        ImportUserCardByOpenid, ImportUserCardByPhone, InvalidateCard, InvalidateUserCard,
        ListActivities, ListCards, ListUserCards, SyncUserPoints, TerminateActivity,
        UpdateActivity, UpdateCard, UpdateUserCard, UploadImage,
    },
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::any::AnyOperation;

/// The operations of the product.
pub(crate) const NAMES: [&str; 24] = [
    "create_card",
    "list_cards",
    "get_card",
    "update_card",
    "delete_card",
    "invalidate_card",
    "create_membership_activity",
    "list_membership_activities",
    "get_membership_activity",
    "update_membership_activity",
    "terminate_membership_activity",
    "create_pre_auth_token",
    "create_pay_view_token",
    "list_user_cards",
    "get_user_card",
    "update_user_card",
    "import_user_card_by_openid",
    "import_user_card_by_phone",
    "confirm_user_card",
    "invalidate_user_card",
    "create_user_feed",
    "sync_user_points",
    "confirm_point_exchange_coupon",
    "upload_image",
];

/// Members by name.
pub(crate) struct Given(pub(crate) Map<String, Value>);

impl Given {
    /// One member.
    fn one<T: DeserializeOwned>(&self, name: &str) -> T {
        let value = self.0.get(name).cloned().unwrap_or_default();
        serde_json::from_value(value).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// All members, as one type.
    fn all<T: DeserializeOwned>(&self) -> T {
        serde_json::from_value(Value::Object(self.0.clone())).expect("members of the type")
    }

    /// The change among the members; it refuses members that it does not know.
    fn change(&self) -> UserCardChange {
        let mut members = self.0.clone();
        let others = ["brand_id", "card_id", "openid", "user_card_code"];
        for name in others.iter().chain(&["user_card_confirm_state"]) {
            members.remove(*name);
        }
        Self(members).all()
    }

    fn key(&self) -> UserCardKey {
        UserCardKey {
            user_card_code: self.one("user_card_code"),
            card_id: self.one("card_id"),
            openid: self.one("openid"),
        }
    }
}

/// The operation of a name. Nothing is checked, so that any value will do.
pub(crate) fn operation(name: &str, given: &Given) -> Box<dyn AnyOperation> {
    match name {
        "create_card" => Box::new(CreateCard { card: given.all() }),
        "list_cards" => Box::new(ListCards {
            state: given.one("state"),
            offset: given.one("offset"),
            limit: given.one("limit"),
        }),
        "get_card" => Box::new(GetCard {
            card_id: given.one("card_id"),
        }),
        "update_card" => Box::new(UpdateCard {
            card_id: given.one("card_id"),
            change: given.all(),
        }),
        "delete_card" => Box::new(DeleteCard {
            card_id: given.one("card_id"),
        }),
        "invalidate_card" => Box::new(InvalidateCard {
            card_id: given.one("card_id"),
        }),
        "upload_image" => Box::new(UploadImage {
            filename: given.one::<Value>("meta")["filename"]
                .to_string()
                .replace('"', ""),
            file: Bytes::from_static(b"card"),
        }),
        _ => activity(name, given)
            .or_else(|| member(name, given))
            .or_else(|| points(name, given))
            .unwrap_or_else(|| panic!("{name} is described and has no type")),
    }
}

fn activity(name: &str, given: &Given) -> Option<Box<dyn AnyOperation>> {
    Some(match name {
        "create_membership_activity" => Box::new(CreateActivity {
            activity: given.all(),
        }),
        "list_membership_activities" => Box::new(ListActivities {
            card_id: given.one("card_id"),
            activity_state: given.one("activity_state"),
            offset: given.one("offset"),
            limit: given.one("limit"),
        }),
        "get_membership_activity" => Box::new(GetActivity {
            activity_id: given.one("activity_id"),
        }),
        "update_membership_activity" => Box::new(UpdateActivity {
            activity_id: given.one("activity_id"),
            change: given.all(),
        }),
        "terminate_membership_activity" => Box::new(TerminateActivity {
            activity_id: given.one("activity_id"),
        }),
        _ => return None,
    })
}

fn member(name: &str, given: &Given) -> Option<Box<dyn AnyOperation>> {
    Some(match name {
        "create_pre_auth_token" => Box::new(given.all::<CreatePreAuthToken>()),
        "create_pay_view_token" => Box::new(given.all::<CreatePayViewToken>()),
        "list_user_cards" => Box::new(ListUserCards {
            openid: given.one("openid"),
            user_card_state: given.one("user_card_state"),
            offset: given.one("offset"),
            limit: given.one("limit"),
        }),
        "get_user_card" => Box::new(GetUserCard { key: given.key() }),
        "update_user_card" => Box::new(UpdateUserCard {
            key: given.key(),
            change: given.change(),
        }),
        "confirm_user_card" => Box::new(ConfirmUserCard {
            key: given.key(),
            state: given.one("user_card_confirm_state"),
            change: given.change(),
        }),
        "invalidate_user_card" => Box::new(InvalidateUserCard {
            key: given.key(),
            invalid_reason: given.one("invalid_reason"),
        }),
        "import_user_card_by_openid" => Box::new(ImportUserCardByOpenid {
            openid: given.one("openid"),
            card: given.all(),
        }),
        "import_user_card_by_phone" => Box::new(ImportUserCardByPhone { card: given.all() }),
        _ => return None,
    })
}

fn points(name: &str, given: &Given) -> Option<Box<dyn AnyOperation>> {
    Some(match name {
        "create_user_feed" => Box::new(CreateUserFeed {
            key: given.key(),
            out_request_no: given.one("out_request_no"),
            cell: given.one("cell"),
        }),
        "sync_user_points" => Box::new(SyncUserPoints {
            key: given.key(),
            out_request_no: given.one("out_request_no"),
            point_balance: given.one("point_balance"),
        }),
        "confirm_point_exchange_coupon" => Box::new(ConfirmPointExchange {
            key: given.key(),
            record_id: given.one("record_id"),
            exchange_coupon_template_id: given.one("exchange_coupon_template_id"),
            result: given.one("result"),
            reject_reason: given.one("reject_reason"),
        }),
        _ => return None,
    })
}
