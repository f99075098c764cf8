//! What other engines do otherwise, done by PostgreSQL.

use kabao_sandbox::store::{
    self,
    contract::{self, shared},
};

use super::server::database;

/// CockroachDB's whole numbers divide to a decimal.
#[tokio::test]
async fn calls_are_counted_where_whole_numbers_divide_to_a_decimal() {
    let Some(database) = database() else { return };
    database.sql(
        "CREATE FUNCTION divided(BIGINT, BIGINT) RETURNS NUMERIC IMMUTABLE
             RETURN $1::NUMERIC OPERATOR(pg_catalog./) $2;
         CREATE OPERATOR / (FUNCTION = divided, LEFTARG = BIGINT, RIGHTARG = BIGINT)",
    );
    let uri = database.uri_where("-c search_path=public,pg_catalog");
    let store = store::open(&uri, &database.key).unwrap();
    contract::prepare(&*store).await;
    shared::calls_are_used_up_and_come_back(&*store).await;
}
