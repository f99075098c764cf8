//! What is known to be refused is found before anything is sent: each limit of
//! the documentation from both sides, and the member that is named.

mod formats;
mod lengths;
mod missing;

use kabao_core::{
    UserCardChange, UserCardKey,
    card_member::*,
    field::FieldError,
    operation::{Caller, Operation as _},
};

type Checked = Result<(), FieldError>;

/// The member that is named, and what has to name it.
type Case = (&'static str, fn() -> Checked);

const CARD_ID: &str = "pbLatjvWOibDc5-TBnbUk1pD12o0";
const OPENID: &str = "obLatjnx9gnqzS4myYGmLZ7LgLBA";

fn card() -> NewCard {
    NewCard::new("100002322019090134234sfdf", "wxea9c30890f48d5ae", "测试卡")
        .card_color("#FFFF00")
        .card_picture_url("https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0")
        .benefits("会员折扣、专属价")
        .notify_url("https://www.weixin.qq.com/wxpay/notify.php")
}

fn create(card: NewCard) -> Checked {
    CreateCard { card }.check()
}

fn change(change: CardChange) -> Checked {
    let card_id = CARD_ID.into();
    UpdateCard { card_id, change }.check()
}

fn key() -> UserCardKey {
    UserCardKey::new("478515832665", CARD_ID, OPENID)
}

fn update(change: UserCardChange) -> Checked {
    UpdateUserCard { key: key(), change }.check()
}

fn confirm(change: UserCardChange) -> Checked {
    let (key, state) = (key(), ConfirmState::Success);
    ConfirmUserCard { key, state, change }.check()
}

fn card_to_import() -> UserCardImport {
    UserCardImport::new(CARD_ID, "478515832665", ValidDateInformation::permanent())
}

fn import(card: UserCardImport) -> Checked {
    let openid = OPENID.into();
    ImportUserCardByOpenid { openid, card }.check()
}

fn activity() -> NewActivity {
    NewActivity {
        out_request_no: "1".into(),
        card_id: CARD_ID.into(),
        activity_channel: ActivityChannel::MerchantAppComponent,
        title: "入会享券".into(),
        sub_title: "5张满减券".into(),
        begin_time: "2030-01-20T13:29:35.120+08:00".into(),
        end_time: "2030-01-29T13:29:35.120+08:00".into(),
        apply_total: 1000,
        product_coupon_stock_list: vec![ProductCouponStock::new("7011388", "98065001")],
    }
}

fn start(change: impl FnOnce(&mut NewActivity)) -> Checked {
    let mut activity = activity();
    change(&mut activity);
    CreateActivity { activity }.check()
}

fn retitle(change: impl FnOnce(&mut ActivityChange)) -> Checked {
    let activity = activity();
    let mut changed = ActivityChange {
        title: activity.title,
        sub_title: activity.sub_title,
        begin_time: activity.begin_time,
        end_time: activity.end_time,
    };
    change(&mut changed);
    let activity_id = "371067".into();
    let change = changed;
    UpdateActivity {
        activity_id,
        change,
    }
    .check()
}

fn sync(out_request_no: String) -> Checked {
    SyncUserPoints {
        key: key(),
        out_request_no,
        point_balance: 1000,
    }
    .check()
}

fn feed(out_request_no: String, cell: String) -> Checked {
    CreateUserFeed {
        key: key(),
        out_request_no,
        cell,
    }
    .check()
}

fn answer(change: impl FnOnce(&mut ConfirmPointExchange)) -> Checked {
    let mut answer = ConfirmPointExchange {
        key: key(),
        record_id: "WfTb8hfabrPAiw".into(),
        exchange_coupon_template_id: "0Flpo7FqTQ".into(),
        result: ExchangeResult::Allow,
        reject_reason: None,
    };
    change(&mut answer);
    answer.check()
}

fn invalidate(invalid_reason: Option<String>) -> Checked {
    InvalidateUserCard {
        key: key(),
        invalid_reason,
    }
    .check()
}

/// Which member the check names.
#[track_caller]
fn refused(checked: Checked) -> String {
    checked.expect_err("refused").field
}

fn titled(card_title: impl Into<String>) -> NewCard {
    NewCard {
        card_title: card_title.into(),
        ..card()
    }
}

fn card_with(validity: ValidDateInformation) -> NewCard {
    card().valid_date_information(validity)
}

fn question<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> CardUserInformation {
    CardUserInformation::new().custom(CustomFieldType::CheckBox, name, values)
}

fn purchase(appid: &str, path: &str) -> PurchaseInformation {
    let page = serde_json::json!({ "price": 990, "jump_appid": appid, "jump_path": path });
    serde_json::from_value(page).expect("a page")
}

fn pre_auth(card_id: &str, openid: &str) -> Checked {
    let (card_id, openid) = (card_id.into(), openid.into());
    CreatePreAuthToken { card_id, openid }.check()
}

fn pay_view(card_id: &str, openid: &str) -> Checked {
    let (card_id, openid) = (card_id.into(), openid.into());
    CreatePayViewToken { card_id, openid }.check()
}

fn get(key: UserCardKey) -> Checked {
    GetUserCard { key }.check()
}

#[test]
fn what_is_well_formed_passes() {
    for checked in [
        create(card()),
        change(CardChange::new()),
        update(UserCardChange::new()),
        confirm(UserCardChange::new()),
        import(card_to_import()),
        start(|_| {}),
        retitle(|_| {}),
        sync("100002322019090134234sfdf".into()),
        feed("1".into(), "15_1200_1".into()),
        answer(|_| {}),
        invalidate(None),
        ListCards::new().state(CardState::Effective).check(),
        ListActivities::new().card_id(CARD_ID).check(),
        ListUserCards::of(OPENID).offset(40).limit(1).check(),
        UploadImage::new("card.PNG", &b"\x89PNG"[..]).check(),
        Caller::Brand.check(),
    ] {
        assert_eq!(checked, Ok(()));
    }
}
