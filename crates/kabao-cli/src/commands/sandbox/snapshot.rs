//! `kabao sandbox snapshot`: all that a sandbox holds, as one file.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use clap::Subcommand;

use crate::{
    output::{members, printer::Printer},
    problem::Problem,
    steering::{Aim, Steering},
};

/// What to do with a snapshot.
#[derive(Debug, Subcommand)]
pub(crate) enum SnapshotCommand {
    /// Write all that the sandbox holds into a file, keys included.
    ///
    /// Secrets and personal values are sealed with the sandbox's master key, so
    /// that the file may lie in a repository; whoever has the key can load it.
    Save {
        /// The file, or - for stdout.
        file: PathBuf,
    },
    /// Put what a file holds in place of all that the sandbox holds.
    ///
    /// The sandbox must have the master key of the one that was saved. A file
    /// that is damaged or something else changes nothing.
    Load {
        /// The file, or - for stdin.
        file: PathBuf,
    },
}

const PATH: &str = "snapshot";

impl SnapshotCommand {
    pub(crate) async fn run(self, aim: Aim<'_>, printer: &Printer) -> Result<(), Problem> {
        match self {
            Self::Save { file } => {
                let saved = Steering::with(aim, printer, async |steering| {
                    steering.control.get_bytes(PATH).await
                });
                write(&file, &saved.await?, printer)
            }
            Self::Load { file } => {
                let text = read(&file)?;
                let loaded = Steering::with(aim, printer, async |steering| {
                    steering.control.put_bytes(PATH, text).await
                });
                let answer = loaded.await?;
                if answer["keys_changed"] == true {
                    printer.note(
                        "the keys are others now; credentials that were written before no longer \
                         fit, `sandbox serve --credentials` writes them anew",
                    );
                }
                members::show(&answer, None, printer)
            }
        }
    }
}

fn is_stream(file: &Path) -> bool {
    file == Path::new("-")
}

fn read(file: &Path) -> Result<Vec<u8>, Problem> {
    let read = if is_stream(file) {
        let mut text = Vec::new();
        io::stdin().read_to_end(&mut text).map(|_| text)
    } else {
        fs::read(file)
    };
    read.map_err(|error| Problem::unreadable("the snapshot", file, &error))
}

fn write(file: &Path, text: &[u8], printer: &Printer) -> Result<(), Problem> {
    if is_stream(file) {
        return printer.data(text);
    }
    fs::write(file, text).map_err(|error| {
        Problem::new(format!("cannot write the snapshot {}", file.display())).caused_by(&error)
    })
}
