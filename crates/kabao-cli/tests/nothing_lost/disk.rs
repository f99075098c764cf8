//! A small disk of a test's own.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
};

/// A file system in memory, mounted until it is dropped.
pub(crate) struct Disk {
    place: PathBuf,
}

impl Disk {
    /// Mounts one of that size at `place`, which is made. `None` if that cannot be
    /// done here, which is said aloud.
    pub(crate) fn mount(place: &Path, size: &str, owner: Option<(u32, u32)>) -> Option<Self> {
        if !is_root() {
            skip("only root can mount a small disk");
            return None;
        }
        fs::create_dir_all(place).unwrap();
        let mounted = Command::new("mount")
            .args([
                "-t",
                "tmpfs",
                "-o",
                &format!("size={size},mode=0700"),
                "kabao-test",
            ])
            .arg(place)
            .output()
            .unwrap();
        if !mounted.status.success() {
            let said = String::from_utf8_lossy(&mounted.stderr);
            skip(&format!("a small disk cannot be mounted here: {said}"));
            return None;
        }
        if let Some((user, group)) = owner {
            chown(place, Some(user), Some(group)).unwrap();
        }
        let place = place.to_owned();
        Some(Self { place })
    }

    /// Leaves no room.
    pub(crate) fn fill(&self) {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(self.ballast())
            .unwrap();
        let full = loop {
            if let Err(error) = file.write_all(&[0; 4096]) {
                break error;
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::StorageFull, "{full}");
    }

    /// Leaves so many KiB of room.
    pub(crate) fn fill_up_to(&self, room: u64) {
        self.fill();
        let file = File::options().write(true).open(self.ballast()).unwrap();
        let size = file.metadata().unwrap().len();
        file.set_len(size - room * 1024).unwrap();
    }

    /// Takes away what filled it.
    pub(crate) fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    /// Takes no more writes, as after an error of the disk.
    pub(crate) fn make_read_only(&self) {
        let mut mount = Command::new("mount");
        mount.args(["-o", "remount,ro"]).arg(&self.place);
        assert!(mount.status().unwrap().success());
    }

    fn ballast(&self) -> PathBuf {
        self.place.join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whoever still has a file on it keeps it for a while.
        let mut unmount = Command::new("umount");
        let _ = unmount.arg("-l").arg(&self.place).status();
    }
}

pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Says what does not run here, past the harness, which shows nothing of a test
/// that passes. For root, where everything must run, it is a failure.
pub(crate) fn skip(why: &str) {
    let must = std::env::var_os("KABAO_REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(
        !must || !is_root(),
        "{why}, and KABAO_REQUIRE_ALL=1 wants it"
    );
    let said = format!("\nSKIPPED: {why}\n");
    io::stderr().write_all(said.as_bytes()).unwrap();
}
