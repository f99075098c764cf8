//! The sandbox tells, an axum service with the SDK's receiver listens.

use std::time::Duration;

use axum::{Router, extract::State, routing::post};
use kabao::notification::{Ack, Delivery, Event, Receiver};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};

use crate::support::World;

const PATIENCE: Duration = Duration::from_secs(20);

/// A shop that notes what it is told, and fails to take as many as it is told.
#[derive(Clone)]
struct Shop {
    receiver: Receiver,
    told: mpsc::UnboundedSender<Delivery>,
}

impl axum::extract::FromRef<Shop> for Receiver {
    fn from_ref(shop: &Shop) -> Self {
        shop.receiver.clone()
    }
}

async fn notified(State(shop): State<Shop>, delivery: Delivery) -> Ack {
    // The first time something is in the way.
    let ack = match delivery.seen_before {
        false => Ack::failure("数据库忙"),
        true => Ack::success(),
    };
    let _ = shop.told.send(delivery);
    ack
}

/// Where the shop listens, and what it is told.
pub async fn open(receiver: Receiver) -> (String, mpsc::UnboundedReceiver<Delivery>) {
    let (told, heard) = mpsc::unbounded_channel();
    let shop = Shop { receiver, told };
    let service = Router::new()
        .route("/notify", post(notified))
        .with_state(shop);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/notify", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    (url, heard)
}

pub async fn echo(client: &kabao::Client, notify_url: &str) {
    let sealed = client.seal("密语").await.unwrap();
    let key = client.sealing_key().await.unwrap();
    client
        .chain("v3/security/echo")
        .header("Wechatpay-Serial", key.id().as_str())
        .json(json!({
            "echo_message": "你好",
            "encrypted_echo_message": sealed,
            "notify_url": notify_url,
        }))
        .post()
        .await
        .unwrap();
}

pub fn next(world: &World, heard: &mut mpsc::UnboundedReceiver<Delivery>) -> Delivery {
    let delivery = world.run(async { timeout(PATIENCE, heard.recv()).await });
    delivery.unwrap().unwrap()
}

fn newest(world: &World) -> Value {
    world.control("GET", "/_sandbox/notifications", None)["data"][0].clone()
}

/// The newest notification's attempts, once there are so many.
fn after_attempts(world: &World, count: usize) -> Value {
    for _ in 0..1000 {
        let newest = newest(world);
        if newest["attempts"]
            .as_array()
            .is_some_and(|all| all.len() >= count)
        {
            return newest;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{}", newest(world));
}

fn shift_clock(world: &World, seconds: i64) {
    let body = json!({"offset_seconds": seconds});
    world.control("PUT", "/_sandbox/clock", Some(body));
}

#[test]
fn a_probe_is_refused_a_failure_retried_and_the_event_taken() {
    let world = World::new();
    let client = world.merchant();
    let api_v3_key = &*world.credentials.merchant.apiv3_key;
    let receiver = client.notifications(api_v3_key).build().unwrap();
    let (url, mut heard) = world.run(open(receiver));
    let fault = json!({"kind": "probe_notification", "count": 1});
    world.control("POST", "/_sandbox/faults", Some(fault));
    world.run(echo(&client, &url));

    let seen = after_attempts(&world, 1);
    assert_eq!(seen["attempts"][0]["status"], 401, "{seen}");
    let error = seen["attempts"][0]["error"].as_str().unwrap();
    assert!(
        error.contains("a deliberate probe by WeChat Pay"),
        "{error}"
    );
    assert!(heard.try_recv().is_err());

    shift_clock(&world, 16);
    let first = next(&world, &mut heard);
    assert!(!first.seen_before, "the probe left no mark");
    let seen = after_attempts(&world, 2);
    assert_eq!(seen["attempts"][1]["status"], 500);

    shift_clock(&world, 60);
    let second = next(&world, &mut heard);
    assert!(second.seen_before);
    assert_eq!(
        (&second.id, &second.event_type),
        (&first.id, &first.event_type)
    );
    let Event::SecurityEcho(echo) = second.event else {
        panic!("{:?}", second.event);
    };
    assert_eq!(echo.encrypt_echo_message.unwrap().expose(), "密语");
    let seen = after_attempts(&world, 3);
    assert_eq!(seen["state"], "DELIVERED");
    assert_eq!(seen["id"], second.id.as_str());
}

#[test]
fn no_spoiled_notification_is_taken_and_each_comes_again() {
    for kind in [
        "bad_signature",
        "missing_signature",
        "stale_signature",
        "unknown_serial",
        "clock_skew",
    ] {
        let world = World::new();
        let client = world.merchant();
        let api_v3_key = &*world.credentials.merchant.apiv3_key;
        let receiver = client.notifications(api_v3_key).build().unwrap();
        let (url, mut heard) = world.run(open(receiver));
        world.order(match kind {
            "clock_skew" => json!({"kind": kind, "seconds": 400, "path": "/notify", "count": 1}),
            _ => json!({"kind": kind, "on": "notification", "count": 1}),
        });
        world.run(echo(&client, &url));
        let seen = after_attempts(&world, 1);
        assert_eq!(seen["attempts"][0]["status"], 401, "{kind}: {seen}");
        assert!(heard.try_recv().is_err(), "{kind}");
        shift_clock(&world, 16);
        assert!(!next(&world, &mut heard).seen_before, "{kind}");
    }
}
