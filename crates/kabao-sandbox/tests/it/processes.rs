//! Restarts, shared folders, TLS, credentials on disk.

use std::{net::TcpListener, sync::Arc, thread, time::Duration};

use kabao_sandbox::{RateLimits, Sandbox, StartError};
use serde_json::{Value, json};

use crate::support::{Running, card_target, change, copied_folder, patch_target};

#[test]
fn what_was_changed_is_there_after_a_restart_and_in_another_process() {
    let running = Running::start();
    assert_eq!(
        running
            .merchant()
            .patch(&patch_target(), &change(json!({"level": "白金"})))
            .status,
        200
    );
    // A second sandbox on the same folder, at the same time.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let second = runtime
        .block_on(
            Sandbox::builder()
                .data_dir(running.folder.path())
                .rate_limits(RateLimits::Off)
                .start(),
        )
        .unwrap();
    let mut merchant = running.merchant();
    merchant.address = second.address();
    assert_eq!(merchant.get(&card_target()).json()["level"], "白金");
    assert_eq!(
        merchant
            .patch(&patch_target(), &change(json!({"level": "黑金"})))
            .status,
        200
    );
    assert_eq!(
        running.merchant().get(&card_target()).json()["level"],
        "黑金"
    );
    runtime.block_on(second.stop());

    let mchid_serial = running.credentials.merchant.serial_no.clone();
    let folder = running.stop();
    let again = Running::in_folder(folder, |builder| builder.rate_limits(RateLimits::Off));
    assert_eq!(again.credentials.merchant.serial_no, mchid_serial);
    assert_eq!(again.merchant().get(&card_target()).json()["level"], "黑金");
}

#[test]
fn several_may_start_at_once_in_a_new_folder() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let starting: Vec<_> = (0..4)
        .map(|_| {
            let folder = Arc::clone(&folder);
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Runtime::new().unwrap();
                let sandbox = runtime
                    .block_on(Sandbox::builder().data_dir(folder.path()).start())
                    .unwrap();
                let credentials = sandbox.credentials().clone();
                runtime.block_on(sandbox.stop());
                (
                    credentials.merchant.serial_no,
                    credentials.merchant.apiv3_key.to_string(),
                )
            })
        })
        .collect();
    let mut keys: Vec<_> = starting
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    keys.dedup();
    assert_eq!(keys.len(), 1, "all must have the same keys");
}

#[test]
fn a_taken_port_is_named_and_nothing_is_written() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let error = runtime
        .block_on(Sandbox::builder().listen(address).data_dir(&data).start())
        .unwrap_err();
    assert!(matches!(error, StartError::Listen { .. }));
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    assert!(!data.exists());
}

#[test]
fn half_a_request_does_not_hold_up_the_end() {
    use std::io::Write as _;
    let running = Running::start();
    let mut half = std::net::TcpStream::connect(running.address).unwrap();
    half.write_all(b"GET / HT").unwrap();
    let idle = std::net::TcpStream::connect(running.address).unwrap();
    // It is being read before the end begins.
    running.merchant().get(&card_target());
    let begin = std::time::Instant::now();
    running.stop();
    assert!(
        begin.elapsed() < std::time::Duration::from_secs(7),
        "{:?}",
        begin.elapsed()
    );
    drop((half, idle));
}

#[test]
fn credentials_are_complete_and_private() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("credentials");
    let running = Running::with(|builder| builder.credentials_dir(&target));
    let ids: Value =
        serde_json::from_slice(&std::fs::read(target.join("credentials.json")).unwrap()).unwrap();
    for name in [
        "base_url",
        "mchid",
        "serial_no",
        "apiv3_key",
        "wechatpay_public_key_id",
        "platform_serial_no",
        "brand_id",
        "card_id",
        "openid",
    ] {
        assert!(ids[name].is_string(), "{name}: {ids}");
    }
    for name in [
        "brand_id",
        "serial_no",
        "api_key",
        "wechatpay_public_key_id",
    ] {
        assert!(ids["brand"][name].is_string(), "{name}: {ids}");
    }
    assert_eq!(ids["mchid"], "1900000001");
    for file in [
        "apiclient_key.pem",
        "apiclient_cert.pem",
        "pub_key.pem",
        "wechatpay_cert.pem",
        "brand/apiclient_key.pem",
        "brand/apiclient_cert.pem",
        "brand/pub_key.pem",
        "credentials.json",
    ] {
        let metadata = std::fs::metadata(target.join(file)).unwrap();
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777,
            0o600,
            "{file}"
        );
        assert!(metadata.len() > 0);
    }
    assert!(!target.join("ca.pem").exists());
    drop(running);
}

/// Trusts what the sandbox says it is.
fn client_config(running: &Running) -> Arc<rustls::ClientConfig> {
    let ca = running.credentials.ca_pem.clone().unwrap();
    let mut roots = rustls::RootCertStore::empty();
    let (_, der) = rustls_pki_types::pem::from_buf(&mut ca.as_bytes())
        .unwrap()
        .unwrap();
    roots.add(der.into()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Arc::new(
        rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

#[test]
fn tls_is_trusted_through_the_local_authority_under_the_production_names() {
    use std::io::{Read as _, Write as _};
    let running = Running::with(|builder| builder.tls(true));
    assert!(running.credentials.base_url.starts_with("https://"));
    let config = client_config(&running);
    for name in [
        "localhost",
        "127.0.0.1",
        "api.mch.weixin.qq.com",
        "api2.mch.weixin.qq.com",
    ] {
        let server_name = name.to_owned().try_into().unwrap();
        let mut connection =
            rustls::ClientConnection::new(Arc::clone(&config), server_name).unwrap();
        let mut socket = std::net::TcpStream::connect(running.address).unwrap();
        let mut stream = rustls::Stream::new(&mut connection, &mut socket);
        stream
            .write_all(b"GET /_sandbox/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.starts_with("HTTP/1.1 200"), "{name}: {answer}");
    }
}

#[test]
fn who_says_nothing_keeps_nobody_from_being_told_to_close() {
    use std::io::{Read as _, Write as _};
    let running = Running::with(|builder| builder.tls(true));
    let config = client_config(&running);
    let connect = || {
        let name = "localhost".to_owned().try_into().unwrap();
        let connection = rustls::ClientConnection::new(Arc::clone(&config), name).unwrap();
        let socket = std::net::TcpStream::connect(running.address).unwrap();
        let patience = Some(Duration::from_secs(30));
        socket.set_read_timeout(patience).unwrap();
        rustls::StreamOwned::new(connection, socket)
    };
    // A connection that idles, a handshake that does not come, and a request that
    // is still being sent when the end begins.
    let mut idle = connect();
    idle.write_all(b"GET /_sandbox/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    idle.read_exact(&mut [0; 12]).unwrap();
    // As late as it is sure to be taken: the next one is answered after it.
    let silent = std::net::TcpStream::connect(running.address).unwrap();
    let mut sending = connect();
    sending
        .write_all(
            b"POST /v3/x HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\
              Transfer-Encoding: chunked\r\n\r\n",
        )
        .unwrap();
    let mut asked = [0; 25];
    sending.read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");

    let stopping = thread::spawn(move || running.stop());
    let told = thread::spawn(move || {
        // It may end without a word.
        let _ = idle.read_to_end(&mut Vec::new());
    });
    while !told.is_finished() {
        let chunk = [b"400\r\n", &[b' '; 0x400][..], b"\r\n"].concat();
        sending.write_all(&chunk).unwrap();
        thread::sleep(Duration::from_millis(100));
    }
    // Long before a handshake is given up.
    silent.set_nonblocking(true).unwrap();
    let still_open = silent.peek(&mut [0]).unwrap_err();
    assert_eq!(still_open.kind(), std::io::ErrorKind::WouldBlock);
    sending.write_all(b"0\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    sending.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
    drop(sending);
    stopping.join().unwrap();
}

#[test]
fn another_store_scheme_is_refused_without_its_password() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = copied_folder();
    for uri in ["redis://user:geheim@host/0", "mysql://user:geheim@host"] {
        let builder = Sandbox::builder().data_dir(folder.path()).store(uri);
        let error = runtime.block_on(builder.start()).unwrap_err().to_string();
        assert!(error.contains("sqlite:"), "{error}");
        assert!(!error.contains("geheim"), "{error}");
    }
}
