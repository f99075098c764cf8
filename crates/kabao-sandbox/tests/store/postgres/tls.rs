//! TLS to the server, as the address has it.

use std::time::{Duration, Instant};

use kabao_core::PrivateKey;
use kabao_sandbox::{
    keys::Authority,
    store::{self, contract},
};
use rcgen::{CertificateParams, Issuer, KeyPair};

use super::server::{Database, durable_database};

/// Turns TLS on, with a certificate for 127.0.0.1 of an authority that is
/// returned.
fn turn_on(database: &Database) -> String {
    let server = database.server();
    let authority = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = params.self_signed(&authority).unwrap();
    let own = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".into()])
        .unwrap()
        .signed_by(&own, &Issuer::new(params, &authority))
        .unwrap();
    let certificate = server.put("own.crt", &certificate.pem());
    let key = server.put("own.key", &own.serialize_pem());
    for setting in [
        format!("ssl_cert_file = '{}'", certificate.display()),
        format!("ssl_key_file = '{}'", key.display()),
        "ssl = on".into(),
    ] {
        database.sql(&format!("ALTER SYSTEM SET {setting}"));
    }
    database.sql("SELECT pg_reload_conf()");
    root.pem()
}

/// Waits until the connections of stores that are open are of one kind; those of
/// others may still be on their way out.
async fn wait_for_encryption(database: &Database, wanted: &str) {
    let begin = Instant::now();
    let ask = || {
        database.sql(
            "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE application_name = 'kabao-sandbox'",
        )
    };
    while ask().trim() != wanted {
        assert!(begin.elapsed() < Duration::from_secs(10), "{}", ask());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_is_said_is_encrypted_as_the_address_wants_it() {
    let Some(database) = durable_database() else {
        return;
    };
    let open = |query: &str| store::open(&format!("{}?{query}", database.uri()), &database.key);
    let said = open("sslmode=require").unwrap_err().to_string();
    assert!(said.contains("does not support TLS"), "{said}");
    open("").unwrap().clock().await.unwrap();

    let authority = turn_on(&database);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, pem: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path.display().to_string()
    };
    let right = file("right.pem", &authority);
    let other = Authority::new(PrivateKey::generate().unwrap(), jiff::Timestamp::UNIX_EPOCH);
    let wrong = file("wrong.pem", other.unwrap().certificate_pem());
    let verified = format!("sslmode=verify-full&sslrootcert={right}");
    // The server has taken notice.
    let begin = Instant::now();
    while let Err(error) = open("sslmode=require") {
        assert!(begin.elapsed() < Duration::from_secs(10), "{error}");
    }
    for (query, encrypted) in [
        ("sslmode=disable", "f"),
        ("", "t"),
        ("sslmode=require", "t"),
        (&*verified, "t"),
    ] {
        let store = open(query).unwrap();
        store.clock().await.unwrap();
        wait_for_encryption(&database, encrypted).await;
    }
    for query in [
        "sslmode=verify-full".to_owned(),
        format!("sslmode=verify-full&sslrootcert={wrong}"),
    ] {
        let said = open(&query).unwrap_err().to_string();
        assert!(said.contains("TLS"), "{said}");
    }
    // The certificate is of another name.
    let by_name = database.uri().replace("127.0.0.1", "localhost");
    let uri = format!("{by_name}?{verified}");
    let said = store::open(&uri, &database.key).unwrap_err().to_string();
    assert!(said.contains("not valid for name"), "{said}");
    let store = store::open(&format!("{by_name}?sslmode=require"), &database.key).unwrap();
    contract::prepare(&*store).await;
}
