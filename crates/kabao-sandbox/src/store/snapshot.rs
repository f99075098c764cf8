//! All that a store holds, as one file that goes into any other store with the
//! same master key.
//!
//! It is JSON in a stable order, so that a repository shows what changed. Secrets
//! and personal data are in it as they rest in a store: sealed, each bound to its
//! place. A seal over the whole shows damage; spaces and line breaks between
//! members may change.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kabao_core::card_member::Card;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    ClockSetting, Contents, Everything, Failure, KeyBook, KeySettings, Record,
    document::{KeyRow, OwedRow, UserCardRow},
};
use crate::{
    domain::{Activity, CardTemplate, UserCard, UserCardId},
    vault::{Compartment, Vault},
};

/// The form that this version writes, and the only one so far.
const VERSION: u32 = 1;

const PLACE: [&str; 1] = ["snapshot"];

/// Stands before the seal, which is the last member.
const SEAL: &[u8] = b",\"seal\":\"";

/// Why a file was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It is something else.
    #[error("this is not a snapshot of a sandbox")]
    Foreign,
    /// A newer program has written it.
    #[error("the snapshot has form {found}, this program knows {VERSION}; use a newer kabao")]
    Newer {
        /// Its form.
        found: u32,
    },
    /// It cannot be opened here.
    #[error(
        "the snapshot was made with another master key (fingerprint {found}, this sandbox's is \
         {own}); start the sandbox with that one, as KABAO_MASTER_KEY or `master.key`"
    )]
    MasterKey {
        /// Whose it was made with.
        found: String,
        /// Whose would open.
        own: String,
    },
    /// Something in it was changed, or is missing.
    #[error("the snapshot is damaged: {issue}")]
    Damaged {
        /// What.
        issue: String,
    },
    /// It could not be written.
    #[error("the snapshot cannot be written")]
    Unwritable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Writes a snapshot.
///
/// # Errors
/// [`SnapshotError::Unwritable`] if sealing fails.
pub fn write(everything: &Everything, vault: &Vault) -> Result<Vec<u8>, SnapshotError> {
    written(everything, vault).map_err(SnapshotError::Unwritable)
}

/// Reads a snapshot, all of it or nothing.
///
/// # Errors
/// [`SnapshotError`] says why it is not taken.
pub fn read(text: &[u8], vault: &Vault) -> Result<Everything, SnapshotError> {
    let damaged = |issue: &dyn std::fmt::Display| SnapshotError::Damaged {
        issue: issue.to_string(),
    };
    let head: Head = serde_json::from_slice(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof if text.starts_with(b"{\n  \"kabao_snapshot\"") => {
            damaged(&"it ends early")
        }
        _ => SnapshotError::Foreign,
    })?;
    if head.kabao_snapshot > VERSION {
        let found = head.kabao_snapshot;
        return Err(SnapshotError::Newer { found });
    }
    if head.master_key != vault.fingerprint() {
        return Err(SnapshotError::MasterKey {
            found: head.master_key,
            own: vault.fingerprint().to_owned(),
        });
    }
    if !is_sealed(text, &head.seal, vault) {
        return Err(damaged(&"it is not what was saved"));
    }
    let file: File = serde_json::from_slice(text).map_err(|error| damaged(&error))?;
    file.open(vault).map_err(|error| damaged(&error))
}

fn written(everything: &Everything, vault: &Vault) -> Result<Vec<u8>, Failure> {
    let mut file = File::of(everything, vault)?;
    let unsealed = serde_json::to_vec(&file)?;
    let digest = digest_before_seal(&unsealed).ok_or("there is no place for a seal")?;
    let seal = vault.seal(Compartment::Keys, &PLACE, &digest)?;
    file.seal = STANDARD.encode(seal);
    let mut text = serde_json::to_vec_pretty(&file)?;
    text.push(b'\n');
    Ok(text)
}

fn is_sealed(text: &[u8], seal: &str, vault: &Vault) -> bool {
    let compact = without_space(text);
    let sealed = STANDARD.decode(seal).ok();
    let opened = sealed.and_then(|seal| vault.open(Compartment::Keys, &PLACE, &seal).ok());
    // Nothing may stand after it, which it would not cover.
    compact.ends_with(&[SEAL, seal.as_bytes(), b"\"}"].concat())
        && opened.is_some_and(|digest| digest_before_seal(&compact).as_deref() == Some(&**digest))
}

/// Of the compact text up to the seal.
fn digest_before_seal(compact: &[u8]) -> Option<Vec<u8>> {
    let end = compact
        .windows(SEAL.len())
        .rposition(|window| window == SEAL)?;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, compact.get(..end)?);
    Some(digest.as_ref().to_vec())
}

/// JSON without what stands between its parts.
fn without_space(text: &[u8]) -> Vec<u8> {
    let (mut is_text, mut is_escaped) = (false, false);
    let keep = |byte: &&u8| {
        match **byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            byte => return is_text || !byte.is_ascii_whitespace(),
        }
        true
    };
    text.iter().filter(keep).copied().collect()
}

/// What says whether the rest can be read.
#[derive(Deserialize)]
struct Head {
    kabao_snapshot: u32,
    master_key: String,
    seal: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kabao_snapshot: u32,
    /// The fingerprint.
    master_key: String,
    clock: String,
    grants: Vec<Grant>,
    card_templates: Vec<Template>,
    user_cards: Vec<Held>,
    activities: Vec<Activity>,
    records: Vec<Kept>,
    notifications: Vec<Told>,
    key_settings: KeySettings,
    keys: Vec<Key>,
    seal: String,
}

#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Grant {
    brand_id: String,
    mchid: String,
}

#[derive(Serialize, Deserialize)]
struct Template {
    created_by_mchid: Option<String>,
    card: Card,
}

#[derive(Serialize, Deserialize)]
struct Held {
    brand_id: String,
    card_id: String,
    user_card_code: String,
    openid: String,
    state: String,
    document: Value,
    /// Sealed.
    personal: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    brand_id: String,
    kind: String,
    id: String,
    document: Value,
}

#[derive(Serialize, Deserialize)]
struct Told {
    brand_id: String,
    id: String,
    card_id: Option<String>,
    event_type: String,
    notify_url: String,
    scheme: String,
    identity: String,
    create_ms: i64,
    state: String,
    next_attempt_ms: Option<i64>,
    /// Sealed.
    body: String,
    /// Sealed.
    attempts: String,
}

#[derive(Serialize, Deserialize)]
struct Key {
    owner: String,
    purpose: String,
    id: String,
    certificate_pem: Option<String>,
    /// Sealed.
    secret: String,
}

impl File {
    /// The seal is still to come.
    fn of(everything: &Everything, vault: &Vault) -> Result<Self, Failure> {
        let Everything { contents, key_book } = everything;
        let mut file = Self {
            kabao_snapshot: VERSION,
            master_key: vault.fingerprint().to_owned(),
            clock: contents.clock.to_stored(),
            grants: contents.grants.iter().map(Grant::of).collect(),
            card_templates: contents.card_templates.iter().map(Template::of).collect(),
            user_cards: all(&contents.user_cards, |card| Held::of(card, vault))?,
            activities: contents.activities.clone(),
            records: all(&contents.records, Kept::of)?,
            notifications: all(&contents.notifications, |owed| {
                Ok(Told::of(OwedRow::seal(owed, vault)?))
            })?,
            key_settings: KeySettings {
                version: 0,
                ..key_book.settings.clone()
            },
            keys: all(&key_book.keys, |key| Ok(Key::of(KeyRow::seal(key, vault)?)))?,
            seal: String::new(),
        };
        file.grants.sort();
        let by = |card: &Card| (card.brand_id.clone(), card.card_id.clone());
        file.card_templates
            .sort_by_key(|template| by(&template.card));
        file.user_cards
            .sort_by(|one, other| one.key().cmp(&other.key()));
        let by = |activity: &Activity| (activity.brand_id.clone(), activity.activity_id.clone());
        file.activities.sort_by_key(by);
        file.records
            .sort_by(|one, other| one.key().cmp(&other.key()));
        file.notifications.sort_by(|one, other| {
            (one.create_ms, &one.brand_id, &one.id).cmp(&(
                other.create_ms,
                &other.brand_id,
                &other.id,
            ))
        });
        Ok(file)
    }

    fn open(self, vault: &Vault) -> Result<Everything, Failure> {
        Ok(Everything {
            contents: Contents {
                clock: ClockSetting::from_stored(Some(&self.clock))?,
                grants: self.grants.into_iter().map(Grant::open).collect(),
                card_templates: self
                    .card_templates
                    .into_iter()
                    .map(Template::open)
                    .collect(),
                user_cards: all(self.user_cards, |card| card.open(vault))?,
                activities: self.activities,
                records: all(self.records, Kept::open)?,
                notifications: all(self.notifications, |told| told.open()?.open(vault))?,
            },
            key_book: KeyBook {
                keys: all(self.keys, |key| key.open()?.open(vault))?,
                settings: self.key_settings,
            },
        })
    }
}

fn all<I: IntoIterator, T>(
    of: I,
    make: impl FnMut(I::Item) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    of.into_iter().map(make).collect()
}

impl Grant {
    fn of((mchid, brand_id): &(String, String)) -> Self {
        Self {
            brand_id: brand_id.clone(),
            mchid: mchid.clone(),
        }
    }

    fn open(self) -> (String, String) {
        (self.mchid, self.brand_id)
    }
}

impl Template {
    fn of(template: &CardTemplate) -> Self {
        Self {
            created_by_mchid: template.created_by_mchid.clone(),
            card: template.card.clone(),
        }
    }

    fn open(self) -> CardTemplate {
        CardTemplate {
            card: self.card,
            created_by_mchid: self.created_by_mchid,
        }
    }
}

impl Held {
    fn key(&self) -> (&str, &str, &str) {
        (&self.brand_id, &self.card_id, &self.user_card_code)
    }

    fn of(card: &UserCard, vault: &Vault) -> Result<Self, Failure> {
        let row = UserCardRow::seal(card, vault)?;
        Ok(Self {
            brand_id: card.id.brand_id.clone(),
            card_id: card.id.card_id.clone(),
            user_card_code: card.id.user_card_code.clone(),
            openid: row.openid,
            state: row.state,
            document: serde_json::from_str(&row.document)?,
            personal: row.personal.map(|sealed| STANDARD.encode(sealed)),
        })
    }

    fn open(self, vault: &Vault) -> Result<UserCard, Failure> {
        let id = UserCardId {
            brand_id: self.brand_id,
            card_id: self.card_id,
            user_card_code: self.user_card_code,
        };
        let row = UserCardRow {
            openid: self.openid,
            // They follow from the others.
            pickup_ms: 0,
            end_ms: None,
            state: self.state,
            document: self.document.to_string(),
            personal: self
                .personal
                .map(|text| STANDARD.decode(text))
                .transpose()?,
        };
        row.open(id, vault)
    }
}

impl Kept {
    fn key(&self) -> (&str, &str, &str) {
        (&self.brand_id, &self.kind, &self.id)
    }

    fn of((brand_id, record): &(String, Record)) -> Result<Self, Failure> {
        Ok(Self {
            brand_id: brand_id.clone(),
            kind: record.kind.clone(),
            id: record.id.clone(),
            document: serde_json::from_str(&record.document)?,
        })
    }

    fn open(self) -> Result<(String, Record), Failure> {
        let record = Record {
            kind: self.kind,
            id: self.id,
            document: self.document.to_string(),
        };
        Ok((self.brand_id, record))
    }
}

impl Told {
    fn of(row: OwedRow) -> Self {
        Self {
            brand_id: row.brand_id,
            id: row.id,
            card_id: row.card_id,
            event_type: row.event_type,
            notify_url: row.notify_url,
            scheme: row.scheme,
            identity: row.identity,
            create_ms: row.create_ms,
            state: row.state,
            next_attempt_ms: row.next_attempt_ms,
            body: STANDARD.encode(row.body),
            attempts: row.attempts,
        }
    }

    fn open(self) -> Result<OwedRow, Failure> {
        Ok(OwedRow {
            brand_id: self.brand_id,
            id: self.id,
            card_id: self.card_id,
            event_type: self.event_type,
            notify_url: self.notify_url,
            scheme: self.scheme,
            identity: self.identity,
            body: STANDARD.decode(self.body)?,
            create_ms: self.create_ms,
            state: self.state,
            attempts: self.attempts,
            next_attempt_ms: self.next_attempt_ms,
            // Whoever was at it works for another store.
            leased_until_ms: None,
        })
    }
}

impl Key {
    fn of(row: KeyRow) -> Self {
        Self {
            owner: row.owner,
            purpose: row.purpose,
            id: row.id,
            certificate_pem: row.certificate_pem,
            secret: STANDARD.encode(row.secret),
        }
    }

    fn open(self) -> Result<KeyRow, Failure> {
        Ok(KeyRow {
            owner: self.owner,
            purpose: self.purpose,
            id: self.id,
            certificate_pem: self.certificate_pem,
            secret: STANDARD.decode(self.secret)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample, vault::MasterKey};

    fn vault() -> Vault {
        Vault::new(&MasterKey::generate().expect("a key")).expect("a vault")
    }

    fn sample() -> Everything {
        Everything {
            contents: sample::contents(),
            key_book: KeyBook::default(),
        }
    }

    fn issue(text: &[u8], vault: &Vault) -> String {
        read(text, vault).expect_err("refused").to_string()
    }

    #[test]
    fn nothing_sensitive_is_in_it_and_its_layout_may_change() {
        let vault = vault();
        let text = write(&sample(), &vault).expect("written");
        let shown = String::from_utf8(text.clone()).expect("UTF-8");
        assert!(
            shown.contains("钻石会员") && !shown.contains("13800138000"),
            "{shown}"
        );
        let value: Value = serde_json::from_slice(&text).expect("JSON");
        for layout in [
            text,
            value.to_string().into_bytes(),
            shown.replace('\n', "\r\n").into_bytes(),
        ] {
            let read = read(&layout, &vault).expect("read").contents;
            let [found, wanted] = [read.user_cards, sample::contents().user_cards]
                .map(|cards| cards[0].phone_number.clone().expect("a number"));
            assert_eq!(found.expose(), wanted.expose());
            assert_eq!(read.card_templates, sample::contents().card_templates);
        }
    }

    #[test]
    fn what_is_foreign_damaged_or_of_another_key_is_refused_and_says_so() {
        let vault = vault();
        let text = String::from_utf8(write(&sample(), &vault).expect("written")).expect("UTF-8");
        for foreign in ["", "[]", "{}", "PK\u{3}\u{4}", r#"{"kabao_snapshot": "x"}"#] {
            assert!(
                issue(foreign.as_bytes(), &vault).contains("not a snapshot"),
                "{foreign}"
            );
        }
        let newer = text.replace("\"kabao_snapshot\": 1", "\"kabao_snapshot\": 2");
        assert!(issue(newer.as_bytes(), &vault).contains("use a newer kabao"));
        let short = &text.as_bytes()[..text.len() / 2];
        assert!(issue(short, &vault).contains("ends early"));
        for (from, to) in [
            ("钻石会员", "黑金会员"),
            ("running 0", "running 1"),
            ("\"records\": []", "\"records\": [ ], \"records\": []"),
            ("\n}", ",\n\"more\": 1}"),
        ] {
            assert!(text.contains(from), "{from}");
            let damaged = issue(text.replacen(from, to, 1).as_bytes(), &vault);
            assert!(damaged.contains("damaged"), "{from}: {damaged}");
        }
        let other = self::vault();
        let issue = issue(text.as_bytes(), &other);
        assert!(issue.contains("another master key"), "{issue}");
        assert!(issue.contains(vault.fingerprint()) && issue.contains(other.fingerprint()));
    }
}
