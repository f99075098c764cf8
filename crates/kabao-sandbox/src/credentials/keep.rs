//! The folder of credentials, which follows the keys.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::watch;

use super::Credentials;
use crate::{
    app::App,
    keys::{Keys, KeysError, Span},
};

/// How often to look whether keys have changed.
const LOOK: Duration = Duration::from_secs(1);

/// Writes the folder again when keys have changed, here or in another process,
/// until `stop` turns true or its sender is gone. It holds those of the edition
/// `written` now.
pub(crate) async fn keep(
    app: Arc<App>,
    folder: PathBuf,
    mut written: (u64, Span),
    mut stop: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let Ok(keys) = app.current.keys().await else {
            continue;
        };
        if keys.edition() == written {
            continue;
        }
        match write(&app, &keys, folder.clone()).await {
            Ok(()) => written = keys.edition(),
            Err(error) => tracing::error!(%error, "the credentials could not be written again"),
        }
    }
}

async fn write(
    app: &App,
    keys: &Keys,
    folder: PathBuf,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let authority = match app.base_url.starts_with("https:") {
        true => Some(keys.tls_authority()?),
        false => None,
    };
    let mut credentials = Credentials::of(keys, &*app.base_url, authority.as_ref())?;
    credentials.name_card_of(&app.initial);
    let written = tokio::task::spawn_blocking(move || credentials.write(&folder)).await;
    Ok(written.map_err(|_| KeysError::Interrupted)??)
}
