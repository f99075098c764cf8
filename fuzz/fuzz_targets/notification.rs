//! Notifications: as an envelope, and as the resource inside one.
#![no_main]

use std::sync::LazyLock;

use kabao_core::{
    ApiV3Key, Sealed,
    notification::{Envelope, Event, EventError, EventKind, Notification},
    signature::Scheme,
};

static KEY: LazyLock<ApiV3Key> = LazyLock::new(|| ApiV3Key::new([7; 32]).expect("a key"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(envelope) = serde_json::from_slice::<Notification>(bytes) {
        let written = serde_json::to_vec(&envelope).expect("an envelope");
        assert_eq!(
            serde_json::from_slice::<Notification>(&written).ok(),
            Some(envelope.clone())
        );
        // Nobody has sealed it with this key.
        let refused = envelope.event(&KEY, None);
        assert!(
            matches!(refused, Err(EventError::Resource(_))),
            "{refused:?}"
        );
    }
    for kind in EventKind::ALL {
        let name = kind.name(Scheme::Wechatpay2Sha256Rsa2048);
        let Ok(read) = Event::<Sealed>::decode(&name, bytes) else {
            continue;
        };
        assert_eq!(read.kind(), Some(kind));
        let written = serde_json::to_vec(&read).expect("an event");
        let again = Event::<Sealed>::decode(&name, &written).expect("what was written");
        assert_eq!(serde_json::to_vec(&again).expect("an event"), written);
        let envelope = Envelope {
            id: "1",
            created: jiff::Timestamp::UNIX_EPOCH,
            kind,
            scheme: Scheme::Wechatpay2Sha256Rsa2048,
        };
        let posted = envelope
            .seal(&written, &KEY, "j9g1wAzF9Xn1")
            .expect("sealing");
        assert_eq!(*posted.open(&KEY).expect("opening"), written);
        assert!(posted.event(&KEY, None).is_ok());
    }
    let _ = Event::<Sealed>::decode("TRANSACTION.SUCCESS", bytes);
});
