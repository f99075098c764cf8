//! Documented names of enums: each has its variant, no other name has one, and
//! a name from tomorrow survives.

use kabao_core::card_member::{
    ActivityChannel, ActivityState, CardState, CardType, CodeMode, CodeType, CommonFieldName,
    ConfirmState, CustomFieldType, ExchangeResult, ExchangeState, UserCardEventState,
    UserCardState, ValidDateType,
};

macro_rules! documented {
    ($($test:ident: $enum:ty = $($name:literal)+;)+) => {$(
        #[test]
        fn $test() {
            assert_eq!(<$enum>::KNOWN, [$($name),+]);
            for name in <$enum>::KNOWN {
                let value = <$enum>::from(*name);
                assert!(value.is_known(), "{name}");
                assert_eq!((value.as_str(), value.to_string().as_str()), (*name, *name));
            }
            let text = r#""NAME_OF_TOMORROW""#;
            let value: $enum = serde_json::from_str(text).expect("any name");
            assert_eq!(value, <$enum>::Unknown("NAME_OF_TOMORROW".into()));
            assert_eq!(serde_json::to_string(&value).expect("JSON"), text);
        }
    )+};
}

documented! {
    card_type: CardType = "NORMAL" "PURCHASE" "BALANCE";
    code_mode: CodeMode = "SYSTEM_ALLOCATE" "MERCHANT_ALLOCATE";
    code_type: CodeType =
        "NONE_CODE" "BAR_CODE" "QR_CODE" "BAR_CODE_AND_QR_CODE" "JUMP_MINI_PROGRAM";
    valid_date_type: ValidDateType = "FIX_TIME_RANGE" "FIX_TERM" "PERMANENT";
    common_field_name: CommonFieldName =
        "USER_FORM_FLAG_SEX" "USER_FORM_FLAG_NAME" "USER_FORM_FLAG_BIRTHDAY"
        "USER_FORM_FLAG_ADDRESS" "USER_FORM_FLAG_EMAIL" "USER_FORM_FLAG_CITY";
    custom_field_type: CustomFieldType = "CHECK_BOX" "RADIO";
    card_state: CardState = "CARD_EFFECTIVE" "CARD_INVALID";
    user_card_state: UserCardState = "UNACTIVATED" "EFFECTIVE" "EXPIRED" "INVALID";
    // The API's names and those of the older pages.
    user_card_event_state: UserCardEventState =
        "UNACTIVATED" "NOT_EFFECTIVE" "EFFECTIVE" "EXPIRED" "INVALID" "UNAVAILABLE" "DELETE";
    confirm_state: ConfirmState =
        "CREATE_CARD_SUCCESS" "CREATE_CARD_FAIL" "CREATE_CARD_ALREADY_EXISTS";
    // The wire spells it so.
    activity_channel: ActivityChannel = "MECHANT_APP_COMPONENT";
    activity_state: ActivityState =
        "MEMBERSHIP_ACTIVITY_CREATED" "MEMBERSHIP_ACTIVITY_EFFECTIVE"
        "MEMBERSHIP_ACTIVITY_TERMINATED" "MEMBERSHIP_ACTIVITY_EXPIRED";
    exchange_result: ExchangeResult =
        "POINT_EXCHANGE_COUPON_ALLOW" "POINT_EXCHANGE_COUPON_REJECT";
    exchange_state: ExchangeState =
        "POINT_EXCHANGE_COUPON_SUCCESS" "POINT_EXCHANGE_COUPON_FAIL";
}
