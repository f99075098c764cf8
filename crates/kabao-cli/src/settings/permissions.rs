//! Files that more people can touch than should.

use std::path::Path;

/// A remark if others could change the file, and so where requests go.
pub(crate) fn writable_by_others(path: &Path) -> Option<String> {
    let mode = mode(path)?;
    (mode & 0o022 != 0).then(|| {
        let path = path.display();
        format!("{path} can be changed by other users (mode {mode:03o}); run chmod go-w {path}")
    })
}

/// A remark if others could read a secret.
pub(crate) fn readable_by_others(path: &Path) -> Option<String> {
    let mode = mode(path)?;
    (mode & 0o077 != 0).then(|| {
        let path = path.display();
        format!("{path} is open to other users (mode {mode:03o}); run chmod 600 {path}")
    })
}

#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(path).ok()?;
    Some(metadata.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Option<u32> {
    None
}
