//! What members are called for people.

/// The label of a member by its name on the wire; the same everywhere.
pub(crate) fn of(name: &str) -> String {
    LABELS
        .iter()
        .find(|(known, _)| *known == name)
        .map_or_else(|| from_name(name), |(_, label)| (*label).to_owned())
}

/// Those of which the name alone would not do.
const LABELS: &[(&str, &str)] = &[
    ("activity_channel", "Shows in"),
    ("activity_id", "Activity"),
    ("activity_state", "State"),
    ("apply_available", "Left"),
    ("apply_total", "In all"),
    ("balance_information", "Balance page"),
    ("begin_time", "Begins"),
    ("brand_id", "Brand"),
    ("card_color", "Colour"),
    ("card_id", "Template"),
    ("card_picture_url", "Picture"),
    ("card_title", "Title"),
    ("card_type", "Type"),
    ("code_jump_information", "Code page"),
    ("code_mode", "Code from"),
    ("code_type", "Code as"),
    ("common_field_list", "Asks"),
    ("create_time", "Created"),
    ("custom_field_list", "Asks"),
    ("end_time", "Ends"),
    ("exchange_coupon_template_id", "Exchange"),
    ("expire_time", "Expires"),
    ("init_level", "First level"),
    ("invalid_reason", "Reason"),
    ("invalid_time", "Invalidated"),
    ("legal_agreement", "Agreement"),
    ("media_url", "Picture"),
    ("member_information", "Member page"),
    ("modify_time", "Changed"),
    ("need_display_level", "Shows level"),
    ("need_pinned", "Pinned"),
    ("notify_url", "Notified"),
    ("openid", "User"),
    ("out_request_no", "Request"),
    ("pickup_time", "Picked up"),
    ("point_balance", "Points"),
    ("points_information", "Points page"),
    ("product_coupon_id", "Product coupon"),
    ("product_coupon_stock_list", "Gives"),
    ("product_coupon_stock_type", "Batch type"),
    ("purchase_information", "Purchase page"),
    ("record_id", "Record"),
    ("stock_id", "Batch"),
    ("user_card_code", "Card code"),
    ("user_card_state", "State"),
    ("valid_date_information", "Validity"),
    ("USER_FORM_FLAG_SEX", "Sex"),
    ("USER_FORM_FLAG_NAME", "Name"),
    ("USER_FORM_FLAG_BIRTHDAY", "Birthday"),
    ("USER_FORM_FLAG_ADDRESS", "Address"),
    ("USER_FORM_FLAG_EMAIL", "E-mail"),
    ("USER_FORM_FLAG_CITY", "City"),
];

/// `reject_reason` as `Reject reason`.
fn from_name(name: &str) -> String {
    let name = name.replace('_', " ");
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_label_speaks_for_itself() {
        assert_eq!(of("card_id"), "Template");
        assert_eq!(of("reject_reason"), "Reject reason");
        assert_eq!(of(""), "");
    }

    #[test]
    fn no_name_stands_twice() {
        let mut names: Vec<&str> = LABELS.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), LABELS.len());
    }
}
