use super::super::{
    text::owned,
    write::{Write, values},
};
use crate::{random, store::Record};

pub(super) fn look(brand_id: &str, kind: &str, id: &str, version: i64) -> Write {
    Write::look(
        "SELECT 1 FROM records
         WHERE brand_id = $1 AND kind = $2 AND id = $3 AND version = $4 FOR SHARE",
        values![owned(brand_id), owned(kind), owned(id), version],
    )
}

pub(super) fn insert(brand_id: &str, record: &Record) -> Write {
    Write::one(
        "INSERT INTO records (brand_id, kind, id, version, document)
         VALUES ($1, $2, $3, $4, $5)",
        values![
            owned(brand_id),
            owned(&record.kind),
            owned(&record.id),
            random::number(),
            record.document.clone(),
        ],
    )
}

pub(super) fn update(brand_id: &str, record: &Record, version: i64) -> Write {
    Write::one(
        "UPDATE records SET version = $5, document = $6
         WHERE brand_id = $1 AND kind = $2 AND id = $3 AND version = $4",
        values![
            owned(brand_id),
            owned(&record.kind),
            owned(&record.id),
            version,
            random::number(),
            record.document.clone(),
        ],
    )
}
