//! The data folder: where a sandbox keeps its store and its master key.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::vault::{MasterKey, MasterKeyError};

/// A folder that only its owner can enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFolder {
    path: PathBuf,
}

impl DataFolder {
    /// Takes the folder, and makes it (mode 0700) if it is not there.
    ///
    /// # Errors
    /// [`DataFolderError`] if it cannot be made or is something else.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, DataFolderError> {
        let path = path.into();
        match private_folder(&path) {
            Ok(()) => Ok(Self { path }),
            Err(source) => Err(DataFolderError { path, source }),
        }
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The embedded store's file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path.join("sandbox.db")
    }

    /// The master key of the store in this folder: from the environment, else
    /// from the file `master.key`, which is made at the first start.
    ///
    /// # Errors
    /// [`MasterKeyError`]; a key file that was lost is not replaced while there
    /// is a store that needs it.
    pub fn master_key(&self) -> Result<MasterKey, MasterKeyError> {
        self.master_key_for(&self.database())
    }

    /// The same for a store elsewhere that keeps its master key here.
    ///
    /// # Errors
    /// As [`master_key`](Self::master_key).
    pub fn master_key_for(&self, store: &Path) -> Result<MasterKey, MasterKeyError> {
        match MasterKey::from_environment()? {
            Some(key) => Ok(key),
            None => self.master_key_from_file(store),
        }
    }

    fn master_key_from_file(&self, store: &Path) -> Result<MasterKey, MasterKeyError> {
        // The key is made before the store, so looking in the other order could
        // take another process's first start for a loss.
        let is_made = fs::metadata(store).is_ok_and(|store| store.len() > 0);
        self.master_key_unless_lost(&store.display().to_string(), is_made)
    }

    /// The key in the file, which is made unless the store was made with one
    /// before.
    pub(crate) fn master_key_unless_lost(
        &self,
        store: &str,
        is_made: bool,
    ) -> Result<MasterKey, MasterKeyError> {
        let key = self.path.join("master.key");
        if !is_made {
            return MasterKey::from_file_or_new(&key);
        }
        match MasterKey::from_file(&key) {
            Err(MasterKeyError::File { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Err(MasterKeyError::Lost {
                    key,
                    store: store.to_owned(),
                })
            }
            other => other,
        }
    }
}

/// The data folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the data folder {} cannot be used: {source}; choose another with KABAO_DATA_DIR", path.display())]
pub struct DataFolderError {
    /// The folder.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// Makes a folder that only its owner can enter, unless it is there. Its name and
/// those of its parents are on the disk before anything is in it.
///
/// # Errors
/// What the system says.
pub fn private_folder(path: &Path) -> io::Result<()> {
    let missing = path.ancestors().take_while(|folder| !folder.exists());
    let missing: Vec<&Path> = missing.collect();
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    for new in missing {
        match sync_folder(parent(new)) {
            // It may be written to and not read.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            other => other?,
        }
    }
    Ok(())
}

/// The folder that something is in.
pub(crate) fn parent(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    folder.unwrap_or(Path::new("."))
}

/// Has the names in a folder on the disk.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened like a file.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_master_key_is_not_replaced() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = DataFolder::create(parent.path().join("a/b")).expect("made");
        let path = folder.path().join("master.key");
        folder
            .master_key_from_file(&folder.database())
            .expect("made");
        fs::remove_file(&path).expect("there");
        folder
            .master_key_from_file(&folder.database())
            .expect("made again while nothing needs the old one");
        fs::remove_file(&path).expect("there");
        fs::write(folder.database(), "anything").expect("written");
        let error = folder
            .master_key_from_file(&folder.database())
            .expect_err("lost")
            .to_string();
        assert!(error.contains("master.key is not"), "{error}");
        assert!(!path.exists());
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let parent = tempfile::tempdir().expect("a folder");
        let path = parent.path().join("file");
        fs::write(&path, "").expect("written");
        let error = DataFolder::create(&path).expect_err("a file").to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
}
