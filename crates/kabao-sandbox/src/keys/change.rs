//! What may be done to keys. Rules of the key book: they know neither HTTP nor
//! SQL, and are given the time.

use std::time::Duration;

use jiff::Timestamp;
use kabao_core::keyring::KeyId;

use super::{CallerKind, Migration, PLATFORM, authority::FIVE_YEARS};
use crate::{
    refusal::Refusal,
    store::{KeyBook, KeyPurpose, StoredKey},
};

/// Takes a new merchant or brand in, with all its keys.
pub(crate) fn add_caller(
    book: &mut KeyBook,
    kind: CallerKind,
    id: &str,
    keys: &[StoredKey],
) -> Result<(), Refusal> {
    if knows(book, kind, id) {
        return Err(taken(kind, id));
    }
    book.keys.extend_from_slice(keys);
    Ok(())
}

/// Gives a caller another API certificate. The others stay valid.
pub(crate) fn add_certificate(
    book: &mut KeyBook,
    kind: CallerKind,
    id: &str,
    certificate: StoredKey,
) -> Result<(), Refusal> {
    known(book, kind, id)?;
    book.keys.push(certificate);
    Ok(())
}

/// Ends an API certificate, unless the caller has no other whose private key is
/// here: its credentials can be handed out again.
pub(crate) fn revoke_certificate(
    book: &mut KeyBook,
    kind: CallerKind,
    id: &str,
    serial_no: &str,
) -> Result<(), Refusal> {
    known(book, kind, id)?;
    let item = kind.item();
    let is_own = |key: &StoredKey| key.purpose == kind.api_certificate() && key.owner == id;
    let is_named = |key: &StoredKey| is_own(key) && KeyId::new(&key.id) == KeyId::new(serial_no);
    if !book.keys.iter().any(is_named) {
        return Err(Refusal::not_exists(format!(
            "{item} {id} has no certificate {serial_no}"
        )));
    }
    let stays = |key: &&StoredKey| is_own(key) && !is_named(key) && !key.secret.is_empty();
    if !book.keys.iter().any(|key| stays(&key)) {
        return Err(Refusal::invalid_request(format!(
            "{serial_no} is the only certificate of {item} {id} whose key is here; \
             give it another first"
        )));
    }
    book.keys.retain(|key| !is_named(key));
    Ok(())
}

/// How one platform certificate follows another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rotation {
    /// How long the new one is known before it signs.
    pub(crate) notice: Duration,
    /// How long the old ones stay from then on.
    pub(crate) overlap: Duration,
}

/// Puts a new platform certificate in force, which signs once the notice is over.
/// Those before it go when the overlap is over, too, and those that are gone
/// already leave the book.
pub(crate) fn rotate(
    book: &mut KeyBook,
    certificate: StoredKey,
    now: Timestamp,
    Rotation { notice, overlap }: Rotation,
) -> Result<(), Refusal> {
    if notice >= FIVE_YEARS {
        return Err(Refusal::invalid_request(format!(
            "notice_seconds: {} is as long as a certificate is valid, or longer; \
             it would never sign",
            notice.as_secs()
        )));
    }
    let begin = later("notice_seconds", now, notice)?;
    let end = later("overlap_seconds", begin, overlap)?.as_millisecond();
    let KeyBook { keys, settings } = book;
    keys.retain(|key| !has_come(settings.retiring.get(&key.id), now));
    settings
        .retiring
        .retain(|_, instant| !has_come(Some(instant), now));
    for older in keys.iter().filter(|key| is_platform_certificate(key)) {
        let ends = settings
            .retiring
            .entry(older.id.clone())
            .or_insert(i64::MAX);
        *ends = end.min(*ends);
        let ends = *ends;
        // One that is gone before its turn has none.
        if settings.takeover_ms(&older.id) >= Some(ends) {
            settings.drop_takeover(&older.id);
        }
    }
    if begin > now {
        settings.set_takeover_ms(&certificate.id, begin.as_millisecond());
    }
    keys.push(certificate);
    Ok(())
}

fn later(member: &str, time: Timestamp, by: Duration) -> Result<Timestamp, Refusal> {
    time.checked_add(by).map_err(|_| {
        Refusal::invalid_request(format!(
            "{member}: {} is beyond the end of time",
            by.as_secs()
        ))
    })
}

/// Moves a merchant, or all that have certificates, along the way to the public
/// key.
pub(crate) fn migrate(
    book: &mut KeyBook,
    mchid: Option<&str>,
    thousandths: u16,
) -> Result<(), Refusal> {
    let moved = match mchid {
        Some(mchid) => {
            known(book, CallerKind::Merchant, mchid)?;
            if book.settings.public_key_only.contains(mchid) {
                return Err(Refusal::invalid_request(format!(
                    "mchid {mchid} has no platform certificates to come from; \
                     set public_key_only to false first"
                )));
            }
            vec![mchid.to_owned()]
        }
        None => merchants(book)
            .filter(|mchid| !book.settings.public_key_only.contains(*mchid))
            .map(ToOwned::to_owned)
            .collect(),
    };
    let migrations = &mut book.settings.migrations;
    for mchid in moved {
        match thousandths >= Migration::WHOLE {
            true => migrations.remove(&mchid),
            false => migrations.insert(mchid, thousandths),
        };
    }
    Ok(())
}

/// Takes the platform certificates from a merchant, or gives them back.
pub(crate) fn set_public_key_only(
    book: &mut KeyBook,
    mchid: &str,
    public_key_only: bool,
) -> Result<(), Refusal> {
    known(book, CallerKind::Merchant, mchid)?;
    let settings = &mut book.settings;
    match public_key_only {
        true => {
            settings.migrations.remove(mchid);
            settings.public_key_only.insert(mchid.to_owned());
        }
        false => {
            settings.public_key_only.remove(mchid);
        }
    }
    Ok(())
}

/// Whether an instant that is planned (milliseconds) has come.
pub(super) fn has_come(instant: Option<&i64>, now: Timestamp) -> bool {
    instant.is_some_and(|instant| *instant <= now.as_millisecond())
}

fn is_platform_certificate(key: &StoredKey) -> bool {
    key.owner == PLATFORM && key.purpose == KeyPurpose::PlatformCertificate
}

fn merchants(book: &KeyBook) -> impl Iterator<Item = &str> {
    let secrets = book.keys.iter();
    secrets
        .filter(|key| key.purpose == CallerKind::Merchant.secret())
        .map(|key| &*key.owner)
}

fn knows(book: &KeyBook, kind: CallerKind, id: &str) -> bool {
    let mut keys = book.keys.iter();
    keys.any(|key| key.owner == id && key.purpose == kind.secret())
}

fn known(book: &KeyBook, kind: CallerKind, id: &str) -> Result<(), Refusal> {
    match knows(book, kind, id) {
        true => Ok(()),
        false => Err(unknown(kind, id)),
    }
}

/// 400: there is such a merchant or brand already.
pub(crate) fn taken(kind: CallerKind, id: &str) -> Refusal {
    Refusal::already_exists(format!(
        "{} {id} is here already; choose another, or give it another certificate",
        kind.item()
    ))
}

/// 404: there is no such merchant or brand.
pub(crate) fn unknown(kind: CallerKind, id: &str) -> Refusal {
    Refusal::not_exists(format!("{} {id} is not known here", kind.item()))
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn key(owner: &str, purpose: KeyPurpose, id: &str) -> StoredKey {
        StoredKey {
            owner: owner.into(),
            purpose,
            id: id.into(),
            certificate_pem: None,
            secret: Zeroizing::new("a key".into()),
        }
    }

    fn platform(id: &str) -> StoredKey {
        key(PLATFORM, KeyPurpose::PlatformCertificate, id)
    }

    fn book() -> KeyBook {
        let keys = ["1", "2"].map(|mchid| {
            [
                key(mchid, KeyPurpose::MerchantApi, &format!("A{mchid}")),
                key(mchid, KeyPurpose::MerchantApiV3, "k"),
            ]
        });
        KeyBook {
            keys: [keys.concat(), vec![platform("P1")]].concat(),
            ..KeyBook::default()
        }
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn seconds(notice: u64, overlap: u64) -> Rotation {
        Rotation {
            notice: Duration::from_secs(notice),
            overlap: Duration::from_secs(overlap),
        }
    }

    fn planned(book: &KeyBook) -> Vec<(String, i64)> {
        let planned = book.settings.retiring.iter();
        planned.map(|(name, at)| (name.clone(), *at)).collect()
    }

    #[test]
    fn an_older_certificate_never_lives_longer_through_another_rotation() {
        let mut book = book();
        let mut rotate = |id, now, overlap| {
            rotate(&mut book, platform(id), second(now), seconds(0, overlap)).expect("rotated");
            planned(&book)
        };
        rotate("P2", 0, 10);
        let ends = rotate("P3", 5, 100);
        assert_eq!(ends, [("P1".into(), 10_000), ("P2".into(), 105_000)]);
        let ends = rotate("P4", 10, 1);
        assert_eq!(ends, [("P2".into(), 11_000), ("P3".into(), 11_000)]);
        let left = book.keys.iter().filter(|key| is_platform_certificate(key));
        let left: Vec<_> = left.map(|key| &*key.id).collect();
        assert_eq!(left, ["P2", "P3", "P4"]);
    }

    #[test]
    fn the_overlap_begins_when_the_notice_is_over() {
        let mut book = book();
        let mut rotate = |id, now, notice, overlap| {
            rotate(
                &mut book,
                platform(id),
                second(now),
                seconds(notice, overlap),
            )
            .expect("rotated");
            planned(&book)
        };
        let plan = rotate("P2", 0, 10, 5);
        assert_eq!(
            plan,
            [("P1".into(), 15_000), ("takeover P2".into(), 10_000)]
        );
        // One that comes in between, and signs before it.
        let plan = rotate("P3", 5, 0, 60);
        let wanted = [("P1", 15_000), ("P2", 65_000), ("takeover P2", 10_000)];
        assert_eq!(plan, wanted.map(|(name, at)| (name.into(), at)));
        // What has come is forgotten.
        let plan = rotate("P4", 15, 1, 1);
        let wanted = [("P2", 17_000), ("P3", 17_000), ("takeover P4", 16_000)];
        assert_eq!(plan, wanted.map(|(name, at)| (name.into(), at)));
        // One that will be gone before its turn has none.
        rotate("P5", 20, 100, 0);
        let plan = rotate("P6", 21, 0, 10);
        assert!(plan.contains(&("P5".into(), 31_000)), "{plan:?}");
        assert!(
            !plan.iter().any(|(name, _)| name == "takeover P5"),
            "{plan:?}"
        );
    }

    #[test]
    fn a_rotation_that_would_never_end_is_refused() {
        let mut book = book();
        for (rotation, member) in [
            (seconds(0, u64::MAX), "overlap_seconds"),
            (seconds(1, u64::MAX), "overlap_seconds"),
            (seconds(u64::MAX, 0), "notice_seconds"),
            (seconds(FIVE_YEARS.as_secs(), 0), "notice_seconds"),
        ] {
            let refused = rotate(&mut book, platform("P2"), second(11), rotation);
            let refused = refused.expect_err(member);
            assert_eq!(refused.code, "INVALID_REQUEST");
            assert!(refused.message.starts_with(member), "{}", refused.message);
            assert_eq!(planned(&book), []);
        }
        let last = Timestamp::MAX;
        let refused = rotate(&mut book, platform("P2"), last, seconds(1, 0));
        let refused = refused.expect_err("the end of time").message;
        assert!(refused.contains("end of time"), "{refused}");
    }

    #[test]
    fn everybody_moves_but_who_has_nowhere_to_come_from() {
        let mut book = book();
        set_public_key_only(&mut book, "2", true).expect("set");
        migrate(&mut book, None, 300).expect("moved");
        assert_eq!(book.settings.migrations, [("1".into(), 300)].into());
        let refused = migrate(&mut book, Some("2"), 300).expect_err("refused");
        assert_eq!(refused.code, "INVALID_REQUEST");
        let refused = migrate(&mut book, Some("3"), 300).expect_err("refused");
        assert_eq!(refused.code, "RESOURCE_NOT_EXISTS");
        migrate(&mut book, Some("1"), 1000).expect("moved");
        assert!(book.settings.migrations.is_empty());
    }

    #[test]
    fn the_last_certificate_stays() {
        let mut book = book();
        let revoke = |book: &mut KeyBook, serial: &str| {
            revoke_certificate(book, CallerKind::Merchant, "1", serial)
        };
        assert!(revoke(&mut book, "A1").is_err());
        let other = key("1", KeyPurpose::MerchantApi, "B1");
        add_certificate(&mut book, CallerKind::Merchant, "1", other).expect("added");
        // Another's is not touched, and letters may be small.
        assert_eq!(
            revoke(&mut book, "A2").expect_err("refused").code,
            "RESOURCE_NOT_EXISTS"
        );
        // What is certified for a key that is elsewhere does not replace it.
        let mut brought = key("1", KeyPurpose::MerchantApi, "C1");
        brought.secret = Zeroizing::default();
        add_certificate(&mut book, CallerKind::Merchant, "1", brought).expect("added");
        revoke(&mut book, "a1").expect("revoked");
        assert!(revoke(&mut book, "B1").is_err());
        revoke(&mut book, "C1").expect("revoked");
        assert!(add_caller(&mut book, CallerKind::Merchant, "1", &[]).is_err());
    }
}
