//! A data folder that goes away with the test.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use kabao_sandbox::{
    store::{self, Store, StoreError, contract},
    vault::MasterKey,
};
use tempfile::TempDir;

pub(crate) struct Place {
    folder: TempDir,
    pub(crate) key: MasterKey,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            key: MasterKey::parse("test", &"5a".repeat(32)).unwrap(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("a store.db")
    }

    pub(crate) fn open(&self) -> Arc<dyn Store> {
        self.try_open().unwrap()
    }

    pub(crate) fn try_open(&self) -> Result<Arc<dyn Store>, StoreError> {
        open(&self.file(), &self.key)
    }

    /// Makes a filled store and closes it.
    pub(crate) async fn fill(&self) {
        contract::prepare(&*self.open()).await;
    }

    /// Every file of the folder with its bytes. Not for a store that is open in
    /// this process: reading the file by hand drops SQLite's locks.
    pub(crate) fn files(&self) -> BTreeMap<OsString, Vec<u8>> {
        let entries = fs::read_dir(self.folder()).unwrap();
        entries
            .map(|entry| entry.unwrap())
            .map(|entry| {
                (
                    entry.file_name(),
                    fs::read(entry.path()).unwrap_or_default(),
                )
            })
            .collect()
    }
}

pub(crate) fn open(path: &Path, key: &MasterKey) -> Result<Arc<dyn Store>, StoreError> {
    store::open(&format!("sqlite:{}", path.display()), key)
}
