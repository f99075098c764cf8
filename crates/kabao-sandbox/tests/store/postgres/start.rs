//! What is told, and what is left alone, when a database cannot be used.

use std::time::Instant;

use kabao_sandbox::{
    Sandbox,
    store::{self, StoreError, contract},
    vault::MasterKey,
};

use super::{proxy::Proxy, server::database};

fn refused(uri: &str) -> String {
    let key = MasterKey::generate().unwrap();
    let error = store::open(uri, &key).expect_err(uri);
    assert!(matches!(error, StoreError::Server { .. }), "{error:?}");
    let text = format!("{error} {error:?}");
    assert!(!text.contains("geheim"), "{text}");
    error.to_string()
}

#[test]
fn a_wrong_password_is_told_and_not_shown() {
    let Some(database) = database() else { return };
    let said = refused(&database.uri_at(database.server().port(), "geheimer"));
    assert!(said.contains("password authentication failed"), "{said}");
    assert!(said.contains("kabao@127.0.0.1"), "{said}");
    let said = refused(&database.uri().replace(":geheim", ""));
    assert!(said.contains("PGPASSWORD"), "{said}");
}

#[test]
fn a_database_that_is_not_there_is_told() {
    let Some(database) = database() else { return };
    let said = refused(&format!("{}_gone", database.uri()));
    assert!(said.contains("_gone\" does not exist"), "{said}");
    assert!(said.contains("createdb"), "{said}");
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let said = refused("postgres://kabao:geheim@127.0.0.1:9/db");
    assert!(said.contains("Connection refused"), "{said}");
    assert!(said.contains("127.0.0.1:9/db"), "{said}");
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for() {
    let Some(database) = database() else { return };
    let proxy = Proxy::to(database.server().port());
    proxy.fall_silent();
    let begin = Instant::now();
    let said = refused(&database.uri_at(proxy.port, "geheim"));
    assert!(said.contains("does not answer"), "{said}");
    assert!(begin.elapsed().as_secs() < 30, "{:?}", begin.elapsed());
    proxy.speak_again();
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let Some(database) = database() else { return };
    contract::prepare(&*database.open()).await;
    database.sql("UPDATE meta SET value = '999' WHERE name = 'schema'");
    let before = database.sql("SELECT * FROM meta ORDER BY name");
    let said = database.try_open().unwrap_err().to_string();
    assert!(
        said.contains("newer version") && said.contains("999"),
        "{said}"
    );
    let uri = database.uri();
    assert!(store::inspect(&uri).is_err());
    assert_eq!(database.sql("SELECT * FROM meta ORDER BY name"), before);
}

#[test]
fn another_programs_tables_are_left_alone() {
    for table in ["CREATE TABLE keys (a TEXT)", "CREATE TABLE meta (a TEXT)"] {
        let Some(database) = database() else { return };
        database.sql(table);
        let error = database.try_open().unwrap_err();
        assert!(matches!(error, StoreError::Server { .. }), "{error:?}");
        assert!(error.to_string().contains("another program"), "{error}");
        let tables = database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'");
        assert_eq!(tables, "1\n");
    }
}

#[tokio::test]
async fn another_master_key_is_refused_and_nothing_changes() {
    let Some(database) = database() else { return };
    contract::prepare(&*database.open()).await;
    let other = MasterKey::generate().unwrap();
    let error = store::open(&database.uri(), &other).unwrap_err();
    assert!(matches!(error, StoreError::MasterKey(_)), "{error:?}");
    let said = error.to_string();
    assert!(said.contains("KABAO_MASTER_KEY"), "{said}");
    assert!(!said.contains("geheim"), "{said}");
    let card = database.open().user_card(&contract::sample_id()).await;
    assert!(card.unwrap().is_some());
}

#[tokio::test]
async fn who_may_not_make_tables_may_use_them() {
    let Some(database) = database() else { return };
    let role = format!("guest_{}", database.name());
    database.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'geheim'"));
    let uri = database.uri().replace("//kabao:", &format!("//{role}:"));
    let said = refused(&uri);
    assert!(said.contains("may make tables"), "{said}");
    for schema in [
        include_str!("../../../migrations/postgres/0001_first.sql"),
        include_str!("../../../migrations/postgres/0002_shared.sql"),
    ] {
        database.sql(schema);
    }
    database.sql(&format!(
        "INSERT INTO meta (owner, name, value) VALUES ('platform', 'schema', '2');
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
    ));
    contract::prepare(&*store::open(&uri, &database.key).unwrap()).await;
}

#[tokio::test]
async fn the_master_key_is_kept_in_the_data_folder_and_missed_there() {
    let Some(database) = database() else { return };
    let folder = tempfile::tempdir().unwrap();
    let start = || Sandbox::builder().store(database.uri());
    let error = start().start().await.unwrap_err().to_string();
    assert!(error.contains("KABAO_MASTER_KEY"), "{error}");
    assert!(!error.contains("geheim"), "{error}");
    assert_eq!(
        database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"),
        "0\n"
    );

    let sandbox = start().data_dir(folder.path()).start().await.unwrap();
    let serial_no = sandbox.credentials().merchant.serial_no.clone();
    sandbox.stop().await;
    let again = start().data_dir(folder.path()).start().await.unwrap();
    assert_eq!(again.credentials().merchant.serial_no, serial_no);
    again.stop().await;

    let empty = tempfile::tempdir().unwrap();
    let error = start().data_dir(empty.path()).start().await.unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("master.key") && !error.contains("geheim"),
        "{error}"
    );
    // A new key would not open it, so none is made.
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[cfg(not(target_os = "macos"))]
#[tokio::test]
async fn a_look_at_a_card_is_one_round_trip() {
    let Some(database) = database() else { return };
    let proxy = Proxy::to(database.server().port());
    let uri = database.uri_at(proxy.port, "geheim");
    let store = store::open(&uri, &database.key).unwrap();
    contract::prepare(&*store).await;
    let id = contract::sample_id();
    let look = async || {
        let before = proxy.round_trips();
        assert!(store.user_card(&id).await.unwrap().is_some());
        proxy.round_trips() - before
    };
    assert!(look().await > 1, "the statement is prepared");
    assert_eq!(look().await, 1);
    let change = async || {
        let before = proxy.round_trips();
        let changed = store.change_user_card(&id, contract::count_up()).await;
        changed.unwrap().unwrap().unwrap();
        proxy.round_trips() - before
    };
    assert!(change().await > 2, "statements are prepared");
    assert_eq!(change().await, 2, "it is read and changed");
}
