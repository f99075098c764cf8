use zeroize::Zeroizing;

use crate::{
    store::{Failure, KeyPurpose, StoredKey},
    vault::{Compartment, Vault},
};

/// One row of `keys` beside its position.
pub(in crate::store) struct KeyRow {
    pub(in crate::store) owner: String,
    pub(in crate::store) purpose: String,
    pub(in crate::store) id: String,
    pub(in crate::store) certificate_pem: Option<String>,
    /// Sealed.
    pub(in crate::store) secret: Vec<u8>,
}

impl KeyRow {
    pub(in crate::store) fn seal(key: &StoredKey, vault: &Vault) -> Result<Self, Failure> {
        let purpose = key.purpose.as_str();
        let place = place(&key.owner, purpose, &key.id);
        Ok(Self {
            owner: key.owner.clone(),
            purpose: purpose.to_owned(),
            id: key.id.clone(),
            certificate_pem: key.certificate_pem.clone(),
            secret: vault.seal(Compartment::Keys, &place, key.secret.as_bytes())?,
        })
    }

    pub(in crate::store) fn open(self, vault: &Vault) -> Result<StoredKey, Failure> {
        let place = place(&self.owner, &self.purpose, &self.id);
        let opened = vault.open(Compartment::Keys, &place, &self.secret)?;
        Ok(StoredKey {
            purpose: KeyPurpose::from_name(&self.purpose)
                .ok_or_else(|| format!("`{}` is not a purpose of a key", self.purpose))?,
            secret: Zeroizing::new(std::str::from_utf8(&opened)?.to_owned()),
            owner: self.owner,
            id: self.id,
            certificate_pem: self.certificate_pem,
        })
    }
}

fn place<'a>(owner: &'a str, purpose: &'a str, id: &'a str) -> [&'a str; 4] {
    ["keys", owner, purpose, id]
}
