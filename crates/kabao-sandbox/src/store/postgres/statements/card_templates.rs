use kabao_core::card_member::CardState;

use super::{
    super::write::{Write, values},
    get_opt, page,
};
use crate::{
    domain::CardTemplate,
    random,
    store::{
        CardTemplatesOf, Failure, Page, Window,
        document::CardTemplateRow,
        postgres::{
            session::Session,
            text::{owned, text},
            trouble::Trouble,
        },
    },
};

pub(in super::super) async fn list(
    session: &mut Session,
    of: &CardTemplatesOf,
    window: Window,
) -> Result<Page<CardTemplate>, Trouble> {
    let state = match of.state {
        None => "$4 = ''",
        Some(_) => "state = $4",
    };
    let counted = format!("card_templates WHERE brand_id = $1 AND {state}");
    page(
        session,
        &counted,
        &format!("SELECT document, created_by_mchid, create_ms, card_id FROM {counted}"),
        "create_ms DESC, card_id",
        &[
            &text(&of.brand_id),
            &window.limit_i64(),
            &window.offset_i64(),
            &text(of.state.as_ref().map_or("", CardState::as_str)),
        ],
        |row| CardTemplateRow::open(row.try_get(0)?, get_opt(row, 1)?),
    )
    .await
}

pub(super) fn look(brand_id: &str, card_id: &str, version: i64) -> Write {
    Write::look(
        "SELECT 1 FROM card_templates
         WHERE brand_id = $1 AND card_id = $2 AND version = $3 FOR SHARE",
        values![owned(brand_id), owned(card_id), version],
    )
}

pub(super) fn insert(template: &CardTemplate) -> Result<Write, Failure> {
    let row = CardTemplateRow::of(template)?;
    Ok(Write::one(
        "INSERT INTO card_templates (brand_id, card_id, created_by_mchid, state, create_ms,
             version, document)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        values![
            owned(&template.card.brand_id),
            owned(&template.card.card_id),
            template.created_by_mchid.as_deref().map(owned),
            row.state,
            row.create_ms,
            random::number(),
            row.document,
        ],
    ))
}

pub(super) fn update(template: &CardTemplate, version: i64) -> Result<Write, Failure> {
    let row = CardTemplateRow::of(template)?;
    Ok(Write::one(
        "UPDATE card_templates SET created_by_mchid = $4, state = $5, create_ms = $6,
             version = $7, document = $8
         WHERE brand_id = $1 AND card_id = $2 AND version = $3",
        values![
            owned(&template.card.brand_id),
            owned(&template.card.card_id),
            version,
            template.created_by_mchid.as_deref().map(owned),
            row.state,
            row.create_ms,
            random::number(),
            row.document,
        ],
    ))
}
