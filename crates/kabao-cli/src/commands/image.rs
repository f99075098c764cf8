//! `kabao image`: pictures for cards.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use kabao::card_member::UploadImage;

use crate::{
    output::{members, printer::Printer},
    problem::Problem,
    session::Session,
};

/// What to do with pictures.
#[derive(Debug, Subcommand)]
pub(crate) enum ImageCommand {
    /// Upload a picture and show its permanent address, for --card-picture-url.
    ///
    /// JPG, BMP or PNG, at most 2 MB; about 716 by 320 pixels and under 1 MB
    /// look right on a card.
    #[command(after_help = EXAMPLES)]
    Upload(UploadArgs),
}

/// A picture.
#[derive(Debug, Args)]
pub(crate) struct UploadArgs {
    /// The file.
    file: PathBuf,
    /// Its name for WeChat, which ends in .jpg, .jpeg, .bmp or .png. [default:
    /// the file's own]
    #[arg(long, value_name = "NAME")]
    filename: Option<String>,
}

impl ImageCommand {
    pub(crate) async fn run(self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        let Self::Upload(args) = self;
        let file = std::fs::read(&args.file)
            .map_err(|error| Problem::unreadable("the picture", &args.file, &error))?;
        let filename = args.filename.unwrap_or_else(|| name_of(&args.file));
        let image = Session::with(profile, printer, async |session| {
            let upload = UploadImage::new(filename, file);
            let image = session.members_of_no_brand().send(&upload).await?;
            if session.is_embedded() {
                printer.warn(
                    "the embedded sandbox ends with this command, and nobody answers at this \
                     address then; `kabao sandbox serve` goes on",
                );
            }
            Ok(image)
        });
        members::show(&image.await?, None, printer)
    }
}

fn name_of(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

const EXAMPLES: &str = "\
Examples:
  kabao image upload card.png
  kabao image upload card.png --output json | jq -r .media_url";
