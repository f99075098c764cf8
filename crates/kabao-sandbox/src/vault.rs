//! Secrets and personal data at rest: what the store holds opens only with the
//! master key, which is kept elsewhere.

use std::{env, fmt, io, path::Path, path::PathBuf};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf, rand,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::folder;

/// The variable that gives the master key, instead of a file.
pub const MASTER_KEY_VARIABLE: &str = "KABAO_MASTER_KEY";

const KEY_LEN: usize = 32;

/// The key from which all others at rest are derived. `Debug` shows nothing of
/// it and the memory is wiped on drop.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; KEY_LEN]>);

impl MasterKey {
    /// Makes a new one; whatever it seals is lost with it.
    ///
    /// # Errors
    /// [`MasterKeyError::NoRandomness`].
    pub fn generate() -> Result<Self, MasterKeyError> {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        rand::fill(&mut *bytes).map_err(|_| MasterKeyError::NoRandomness)?;
        Ok(Self(bytes))
    }

    /// Reads the variable [`MASTER_KEY_VARIABLE`]; `None` if it is not set or
    /// empty.
    ///
    /// # Errors
    /// [`MasterKeyError::Malformed`].
    pub fn from_environment() -> Result<Option<Self>, MasterKeyError> {
        match env::var_os(MASTER_KEY_VARIABLE).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => Self::parse(MASTER_KEY_VARIABLE, &text.to_string_lossy()).map(Some),
        }
    }

    /// Takes 64 hexadecimal digits or 44 characters of base64.
    ///
    /// # Errors
    /// [`MasterKeyError::Malformed`], which shows `origin` and not the text.
    pub fn parse(origin: &str, text: &str) -> Result<Self, MasterKeyError> {
        let text = text.trim();
        let bytes = match text.len() {
            64 => from_hex(text),
            44 => STANDARD.decode(text).ok().map(Zeroizing::new),
            _ => None,
        };
        bytes
            .and_then(|bytes| <[u8; KEY_LEN]>::try_from(bytes.as_slice()).ok())
            .map(|key| Self(Zeroizing::new(key)))
            .ok_or_else(|| MasterKeyError::Malformed {
                origin: origin.to_owned(),
                length: text.chars().count(),
            })
    }

    /// Reads the key file, or makes it if there is none. Of several processes
    /// that do so at once one makes it and the others read that one.
    ///
    /// # Errors
    /// [`MasterKeyError`] names the file.
    pub fn from_file_or_new(path: &Path) -> Result<Self, MasterKeyError> {
        match Self::from_file(path) {
            Err(MasterKeyError::File { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Self::generate()?.write_new(path)?;
                Self::from_file(path)
            }
            other => other,
        }
    }

    /// Reads the key file.
    ///
    /// # Errors
    /// [`MasterKeyError`] names the file.
    pub fn from_file(path: &Path) -> Result<Self, MasterKeyError> {
        let text = std::fs::read(path).map(Zeroizing::new);
        let text = text.map_err(|source| MasterKeyError::file(path, source))?;
        let text = Zeroizing::new(String::from_utf8_lossy(&text).into_owned());
        Self::parse(&path.display().to_string(), &text)
    }

    /// The file is complete before it has its name, and a name that exists is
    /// left alone.
    fn write_new(&self, path: &Path) -> Result<(), MasterKeyError> {
        use std::io::Write as _;
        let write = || {
            let folder = folder::parent(path);
            // Mode 0600 from the beginning.
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(to_hex(&*self.0).as_bytes())?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            match file.persist_noclobber(path) {
                Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => {
                    Err(error.error)
                }
                // The name too is on the disk before anything is sealed.
                _ => folder::sync_folder(folder),
            }
        };
        // Of the unfinished file nobody needs to know.
        write().map_err(|source| MasterKeyError::file(path, system_error(source)))
    }

    fn derive(&self, purpose: &'static str) -> Result<Zeroizing<[u8; KEY_LEN]>, VaultError> {
        let mut key = Zeroizing::new([0; KEY_LEN]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"kabao sandbox store")
            .extract(&*self.0)
            .expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|derived| derived.fill(&mut *key))
            .map_err(|_| VaultError::Refused)?;
        Ok(key)
    }
}

/// What the system said, without the name of a temporary file.
pub(crate) fn system_error(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(_) => error,
        None => error.kind().into(),
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// The master key could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MasterKeyError {
    /// Neither hexadecimal nor base64 of 32 bytes.
    #[error(
        "the master key in {origin} is not usable: it is 64 hexadecimal digits or 44 characters of base64 (32 bytes), this has {length} characters; `openssl rand -hex 32` makes one"
    )]
    Malformed {
        /// The variable or file.
        origin: String,
        /// How many characters there were.
        length: usize,
    },
    /// The key file could not be read or made.
    #[error("the master key file {} cannot be used: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The data folder has a store but no longer the key it was made with.
    #[error(
        "{store} is there, but its master key {} is not; put that back, set {MASTER_KEY_VARIABLE} to its text, or begin anew with another store",
        key.display()
    )]
    Lost {
        /// Where the key was.
        key: PathBuf,
        /// What cannot be opened without it: a path, or an address without a
        /// password.
        store: String,
    },
    /// There is no place for the master key of a store that is elsewhere.
    #[error(
        "{store} does not keep its own master key; set {MASTER_KEY_VARIABLE} (`openssl rand -hex 32` makes one, the same for every instance), or choose a data folder for the file `master.key`"
    )]
    Nowhere {
        /// The address, without a password.
        store: String,
    },
    /// The system gives no randomness.
    #[error("the system gives no randomness for a new master key")]
    NoRandomness,
}

impl MasterKeyError {
    fn file(path: &Path, source: io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }
}

/// What is sealed: each kind has its own key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compartment {
    /// Private keys and API keys.
    Keys,
    /// Phone numbers and form answers.
    Personal,
}

/// Seals what rests in a store and opens it again: AES-256-GCM, the nonce in
/// front, bound to the place where it rests so that it cannot be moved.
pub struct Vault {
    keys: LessSafeKey,
    personal: LessSafeKey,
    fingerprint: String,
}

impl Vault {
    /// A vault under this master key.
    ///
    /// # Errors
    /// [`VaultError`] if the cryptographic library refuses.
    pub fn new(master_key: &MasterKey) -> Result<Self, VaultError> {
        let cipher = |purpose| {
            UnboundKey::new(&AES_256_GCM, &*master_key.derive(purpose)?)
                .map(LessSafeKey::new)
                .map_err(|_| VaultError::Refused)
        };
        Ok(Self {
            keys: cipher("keys")?,
            personal: cipher("personal")?,
            fingerprint: to_hex(&master_key.derive("fingerprint")?[..16]).to_string(),
        })
    }

    /// Tells master keys apart and says nothing else about them.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Seals `plaintext` for one place: a table and the row's key.
    ///
    /// # Errors
    /// [`VaultError::Refused`] if the system gives no randomness.
    pub fn seal(
        &self,
        compartment: Compartment,
        place: &[&str],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| VaultError::Refused)?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + plaintext.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let tag = self
            .cipher(compartment)
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bound_to(place)),
                &mut sealed[NONCE_LEN..],
            )
            .map_err(|_| VaultError::Refused)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what was sealed for the same place.
    ///
    /// # Errors
    /// [`VaultError::Damaged`] if it was altered or moved.
    pub fn open(
        &self,
        compartment: Compartment,
        place: &[&str],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let damaged = || VaultError::Damaged {
            place: place.join("/"),
        };
        let (nonce, block) = sealed.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut opened = Zeroizing::new(block.to_vec());
        let length = self
            .cipher(compartment)
            .open_in_place(nonce, Aad::from(bound_to(place)), &mut opened)
            .map_err(|_| damaged())?
            .len();
        opened.truncate(length);
        Ok(opened)
    }

    fn cipher(&self, compartment: Compartment) -> &LessSafeKey {
        match compartment {
            Compartment::Keys => &self.keys,
            Compartment::Personal => &self.personal,
        }
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(..)")
    }
}

/// Something at rest could not be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The sealed bytes are not what was put there.
    #[error("the sealed value at {place} was altered or belongs elsewhere")]
    Damaged {
        /// Table and row.
        place: String,
    },
    /// No randomness, or a key that was not taken.
    #[error("the cryptographic library refused to seal")]
    Refused,
}

/// Lengths in front, so that ("ab", "c") is not ("a", "bc").
fn bound_to(place: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(place.iter().map(|part| part.len() + 8).sum());
    for part in place {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

fn from_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    for pair in text.as_bytes().chunks_exact(2) {
        let [high, low] = [pair[0], pair[1]].map(|digit| (digit as char).to_digit(16));
        bytes.push(u8::try_from(high? << 4 | low?).ok()?);
    }
    Some(bytes)
}

fn to_hex(bytes: &[u8]) -> Zeroizing<String> {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    let mut hex = Zeroizing::new(String::with_capacity(bytes.len() * 2));
    for byte in bytes {
        hex.push(digit(byte >> 4));
        hex.push(digit(byte & 15));
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn vault() -> Vault {
        Vault::new(&MasterKey::parse("test", HEX).expect("64 digits")).expect("a key")
    }

    #[test]
    fn hex_and_base64_give_the_same_key() {
        let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let other = MasterKey::parse("test", &format!("{base64}\n")).expect("44 characters");
        assert_eq!(*other.0, *MasterKey::parse("test", HEX).expect("hex").0);
    }

    #[test]
    fn a_malformed_key_is_named_and_not_shown() {
        for bad in ["", "secret-passphrase", &HEX[1..], &HEX.replace('0', "g")] {
            let error = MasterKey::parse("KABAO_MASTER_KEY", bad)
                .expect_err(bad)
                .to_string();
            assert!(error.contains("KABAO_MASTER_KEY"), "{error}");
            assert!(bad.is_empty() || !error.contains(bad), "{error}");
        }
    }

    #[test]
    fn a_sealed_value_opens_in_its_place_only() {
        let vault = vault();
        let sealed = vault
            .seal(
                Compartment::Personal,
                &["user_cards", "1004", "ab"],
                b"13800138000",
            )
            .expect("sealed");
        let open =
            |compartment, place: &[&str], bytes: &[u8]| vault.open(compartment, place, bytes);
        let place = ["user_cards", "1004", "ab"];
        let opened = open(Compartment::Personal, &place, &sealed).expect("opened");
        assert_eq!(opened.as_slice(), b"13800138000");
        assert!(open(Compartment::Keys, &place, &sealed).is_err());
        assert!(
            open(
                Compartment::Personal,
                &["user_cards", "1004a", "b"],
                &sealed
            )
            .is_err()
        );
        assert!(open(Compartment::Personal, &place, &sealed[..20]).is_err());
        assert!(open(Compartment::Personal, &place, &[]).is_err());
        let mut altered = sealed;
        altered[NONCE_LEN] ^= 1;
        assert!(open(Compartment::Personal, &place, &altered).is_err());
    }

    #[test]
    fn processes_that_start_at_once_agree_on_a_key_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("master.key");
        let keys: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| MasterKey::from_file_or_new(&path).expect("a key")))
                .collect();
            starts
                .into_iter()
                .map(|start| start.join().expect("no panic"))
                .collect()
        });
        assert!(keys.windows(2).all(|pair| *pair[0].0 == *pair[1].0));
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("listing").count(),
            1
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path)
                .expect("the file")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
