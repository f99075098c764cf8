//! What a template may look like, beyond the lengths of its own texts.

use kabao_core::{
    card_member::{
        Card, CardType, CardUserInformation, CodeMode, CodeType, CommonFieldName, CustomFieldType,
        JumpInformation,
    },
    extra::Extra,
    field::FieldError,
};

use crate::refusal::Refusal;

/// Refuses a template that is not well formed.
pub(crate) fn check(card: &Card) -> Result<(), Refusal> {
    known(
        "/card_type",
        &card.card_type,
        CardType::is_known,
        CardType::KNOWN,
    )?;
    known(
        "/code_mode",
        &card.code_mode,
        CodeMode::is_known,
        CodeMode::KNOWN,
    )?;
    known(
        "/code_type",
        &card.code_type,
        CodeType::is_known,
        CodeType::KNOWN,
    )?;
    color(&card.card_color)?;
    if !is_appid(&card.appid) {
        return Err(blame("/appid", &card.appid, "应为wx开头的APPID"));
    }
    let validity = card.valid_date_information.check("/valid_date_information");
    validity.map_err(|error| Refusal::unfit(&error))?;
    for (at, page) in pages(card) {
        at_most(&format!("{at}/jump_appid"), page.0, 32)?;
        at_most(&format!("{at}/jump_path"), page.1, 128)?;
    }
    if card.code_type == CodeType::JumpMiniProgram {
        leads_somewhere(card.code_jump_information.as_ref())?;
    }
    if card.need_display_level == Some(true) && card.init_level.is_none() {
        let issue = "need_display_level为true时必填";
        return Err(blame("/init_level", "", issue));
    }
    card.user_information.as_ref().map_or(Ok(()), questions)
}

/// Drops the members that are not of the form, as the real service does.
pub(crate) fn without_unknown(mut card: Card) -> Card {
    card.extra.clear();
    card.valid_date_information.extra.clear();
    let pages = [
        &mut card.code_jump_information,
        &mut card.member_information,
        &mut card.points_information,
        &mut card.balance_information,
    ];
    for page in pages.into_iter().flatten() {
        page.extra.clear();
    }
    if let Some(purchase) = &mut card.purchase_information {
        purchase.extra.clear();
    }
    if let Some(form) = &mut card.user_information {
        form.extra.clear();
        let customs = form.custom_field_list.iter_mut().flatten();
        customs.for_each(|question| question.extra = Extra::default());
    }
    card
}

/// Where a page of a mini program stands in a template, its appid and its path.
type PageOf<'a> = (&'static str, (Option<&'a str>, Option<&'a str>));

/// The pages of mini programs that a template opens.
fn pages(card: &Card) -> Vec<PageOf<'_>> {
    let jumps = [
        ("/code_jump_information", &card.code_jump_information),
        ("/member_information", &card.member_information),
        ("/points_information", &card.points_information),
        ("/balance_information", &card.balance_information),
    ];
    let jumps = jumps.into_iter().filter_map(|(at, jump)| {
        let jump = jump.as_ref()?;
        Some((at, (jump.jump_appid.as_deref(), jump.jump_path.as_deref())))
    });
    let purchase = card.purchase_information.as_ref().map(|purchase| {
        let page = (
            purchase.jump_appid.as_deref(),
            purchase.jump_path.as_deref(),
        );
        ("/purchase_information", page)
    });
    jumps.chain(purchase).collect()
}

fn leads_somewhere(jump: Option<&JumpInformation>) -> Result<(), Refusal> {
    let given = |text: Option<&String>| text.is_some_and(|text| !text.is_empty());
    for (name, text) in [
        ("jump_appid", jump.and_then(|jump| jump.jump_appid.as_ref())),
        ("jump_path", jump.and_then(|jump| jump.jump_path.as_ref())),
    ] {
        if !given(text) {
            let at = format!("/code_jump_information/{name}");
            return Err(blame(&at, "", "code_type为JUMP_MINI_PROGRAM时必填"));
        }
    }
    Ok(())
}

fn questions(form: &CardUserInformation) -> Result<(), Refusal> {
    let at = "/user_information";
    for (index, name) in form.common_field_list.iter().flatten().enumerate() {
        let at = format!("{at}/common_field_list/{index}");
        known(&at, name, CommonFieldName::is_known, CommonFieldName::KNOWN)?;
    }
    let customs = form.custom_field_list.as_deref().unwrap_or_default();
    if customs.len() > 1 {
        let at = format!("{at}/custom_field_list");
        return Err(blame(
            &at,
            &customs.len().to_string(),
            "目前最多1个自定义问题",
        ));
    }
    for question in customs {
        let at = format!("{at}/custom_field_list/0");
        if let Some(kind) = &question.kind {
            let at = format!("{at}/type");
            known(&at, kind, CustomFieldType::is_known, CustomFieldType::KNOWN)?;
        }
        at_most(&format!("{at}/name"), question.name.as_deref(), 32)?;
        let values = question.values.as_deref().unwrap_or_default();
        if values.len() > 10 {
            let at = format!("{at}/values");
            return Err(blame(&at, &values.len().to_string(), "最多10个选项"));
        }
        for (index, value) in values.iter().enumerate() {
            at_most(&format!("{at}/values/{index}"), Some(value), 8)?;
        }
    }
    Ok(())
}

fn known<E: ToString>(
    at: &str,
    value: &E,
    is_known: impl Fn(&E) -> bool,
    names: &[&str],
) -> Result<(), Refusal> {
    match is_known(value) {
        true => Ok(()),
        false => {
            let issue = format!("应为{}之一", names.join("、"));
            Err(blame(at, &value.to_string(), issue))
        }
    }
}

fn color(value: &str) -> Result<(), Refusal> {
    let hex = value.strip_prefix('#').unwrap_or_default();
    match hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(()),
        false => Err(blame("/card_color", value, "应为#RRGGBB格式的16进制颜色")),
    }
}

fn is_appid(text: &str) -> bool {
    let rest = text.strip_prefix("wx").unwrap_or_default();
    !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn at_most(at: &str, text: Option<&str>, limit: usize) -> Result<(), Refusal> {
    let length = text.map_or(0, |text| text.chars().count());
    match length <= limit {
        true => Ok(()),
        false => {
            let issue = format!("长度不能超过{limit}个字符，实际{length}个");
            Err(blame(at, text.unwrap_or_default(), issue))
        }
    }
}

fn blame(at: &str, value: &str, issue: impl Into<String>) -> Refusal {
    let shown: String = value.chars().take(40).collect();
    Refusal::param("body", &FieldError::new(at, shown, issue))
}
