#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    time::Instant,
};

use kabao_core::call::Method;

use super::*;
use crate::{
    testing::{
        API_V3_KEY, By, Fake, PUBLIC_KEY_ID, Reply, certificate_list, keys, merchant, plain, signed,
    },
    transport::Stage,
};

fn builder(fake: &Arc<Fake>) -> ClientBuilder {
    Client::builder(merchant())
        .wechatpay_public_key(PUBLIC_KEY_ID, keys().platform.public_key().to_spki_pem())
        .transport(Arc::<Fake>::clone(fake))
}

fn client(fake: &Arc<Fake>) -> Client {
    builder(fake).build().unwrap()
}

fn fake() -> Arc<Fake> {
    Fake::slow(Duration::from_millis(1), |_, _| {
        signed(By::PublicKey, 200, "{}")
    })
}

#[test]
fn three_spellings_one_call() {
    let client = client(&fake());
    const PATH: &str = "v3/card-member/{user_card_code}";
    let chains: [Chain; 3] = [
        client.chain(PATH).param("user_card_code", 1),
        client[PATH].param("user_card_code", 1),
        crate::chain!(client, v3.cardMember._user_card_code_).param("user_card_code", 1),
    ];
    let calls = chains.map(|chain| {
        assert_eq!(chain.get().unwrap().status(), 200);
        chain.call(Method::Get).unwrap()
    });
    assert_eq!(calls[0], calls[1]);
    assert_eq!(calls[0], calls[2]);
    assert!(client.seal("13800138000").is_ok());
}

#[tokio::test]
async fn it_works_inside_a_runtime() {
    let fake = fake();
    let client = client(&fake);
    client.chain("v3/x").get().unwrap();
    client.clone().chain("v3/x").post().unwrap();
    drop(client);
    assert_eq!(fake.count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_inside_a_runtime_of_many_threads() {
    let client = client(&fake());
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.chain("v3/x").get().map(|_| ()) })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

#[test]
fn certificates_are_downloaded_on_the_private_thread() {
    let fake = Fake::new(|_, request| match request.uri().path() {
        "/v3/certificates" => certificate_list(By::Certificate(0), &[0], API_V3_KEY),
        _ => signed(By::Certificate(0), 200, "{}"),
    });
    let settings = Client::builder(merchant()).auto_certificates(API_V3_KEY);
    let client = settings.transport(fake).build().unwrap();
    client.chain("v3/x").get().unwrap();
}

/// Tokio lets a task poll only so often before it has to yield, which a
/// blocking call never does.
#[test]
fn one_task_can_make_many_calls() {
    use tokio::runtime::Builder;
    for mut flavour in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let fake = fake();
        let client = client(&fake);
        let calls = async move { (0..300).try_for_each(|_| client.chain("v3/x").get().map(drop)) };
        let (done, outcome) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = flavour.worker_threads(2).enable_all().build().unwrap();
            let task = runtime.spawn(calls);
            done.send(runtime.block_on(task).unwrap()).unwrap();
        });
        outcome
            .recv_timeout(Duration::from_secs(120))
            .unwrap()
            .unwrap();
        assert_eq!(fake.count(), 300);
    }
}

#[test]
fn it_works_from_many_threads() {
    let fake = fake();
    let client = client(&fake);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10 {
                    client.chain("v3/x").get().unwrap();
                }
            });
        }
    });
    assert_eq!(fake.count(), 80);
}

#[test]
fn deadlines_and_failures_are_the_same() {
    let slow = builder(&Fake::new(|_, _| Reply::Never))
        .timeout(Duration::from_millis(400))
        .build()
        .unwrap();
    let start = Instant::now();
    let error = slow.chain("v3/x").post().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.may_have_taken_effect());
    assert!(start.elapsed() < Duration::from_secs(20));

    let broken = client(&Fake::new(|_, _| Reply::Fails(Stage::Sent)));
    assert_eq!(
        broken.chain("v3/x").post().unwrap_err().kind(),
        ErrorKind::Network
    );
    // A carrier that panics takes nobody with it.
    let panics = client(&Fake::new(|_, _| panic!("on purpose")));
    assert_eq!(
        panics.chain("v3/x").post().unwrap_err().kind(),
        ErrorKind::Network
    );
}

#[test]
fn sockets_live_on_the_private_thread() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        for _ in 0..2 {
            let mut bytes = Vec::new();
            let mut byte = [0];
            while !bytes.ends_with(b"\r\n\r\n") {
                stream.read_exact(&mut byte).unwrap();
                bytes.push(byte[0]);
            }
            let mut response = plain(200, "{}");
            let now = crate::testing::now();
            crate::testing::sign(&mut response, By::PublicKey, b"{}", now);
            let mut text = String::from("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n");
            for (name, value) in response.headers() {
                text += &format!("{name}: {}\r\n", value.to_str().unwrap());
            }
            stream
                .write_all(format!("{text}\r\n{{}}").as_bytes())
                .unwrap();
        }
    });
    let client = Client::builder(merchant())
        .wechatpay_public_key(PUBLIC_KEY_ID, keys().platform.public_key().to_spki_pem())
        .base_url(format!("http://{address}"))
        .build()
        .unwrap();
    // The second call, from another thread, reuses the first one's connection.
    client.chain("v3/x").get().unwrap();
    let other = client.clone();
    std::thread::spawn(move || other.chain("v3/x").get().unwrap())
        .join()
        .unwrap();
    server.join().unwrap();
}
