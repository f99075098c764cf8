//! The sandbox inside the command, for those who configured nothing.

use std::{error::Error, io, path::Path};

use kabao::PrivateKey;
use kabao_sandbox::{
    Sandbox, StartError, credentials::CredentialsError, keys::KeysError, store::StoreError,
    vault::MasterKeyError,
};

use crate::{
    output::printer::Printer,
    problem::Problem,
    settings::{Access, Defaults, Identity, SandboxSettings, WechatpayPublicKey},
};

/// A running sandbox and how to call it.
pub(crate) struct Embedded {
    pub(crate) sandbox: Sandbox,
    pub(crate) access: Access,
    pub(crate) sample_ids: Defaults,
}

/// Starts it on a free loopback port. Calls go there over HTTP, signed and
/// sealed like any other.
pub(crate) async fn start(
    data_dir: &Path,
    settings: SandboxSettings,
    printer: &Printer,
) -> Result<Embedded, Problem> {
    let sandbox = settings
        .apply(Sandbox::builder().data_dir(data_dir))?
        .start()
        .await
        .map_err(|error| start_problem(&error))?;
    printer.note(&format!(
        "using the embedded sandbox (state in {}); nothing leaves this machine",
        data_dir.display()
    ));
    let credentials = sandbox.credentials();
    let merchant = &credentials.merchant;
    let private_key = PrivateKey::from_pem(&merchant.private_key_pem).map_err(|error| {
        Problem::new("the sandbox's own merchant key cannot be used").caused_by(&error)
    })?;
    let access = Access {
        identity: Identity::Merchant(merchant.mchid.clone()),
        serial_no: merchant.serial_no.clone(),
        private_key,
        wechatpay_public_key: Some(WechatpayPublicKey {
            id: merchant.wechatpay_public_key_id.clone(),
            pem: merchant.wechatpay_public_key_pem.clone(),
        }),
        apiv3_key: None,
        base_url: Some(sandbox.base_url().to_owned()),
        root_certificate: None,
        control_token: None,
    };
    let sample_ids = Defaults {
        brand_id: Some(credentials.brand.brand_id.clone()),
        card_id: Some(credentials.card_id.clone()),
        openid: Some(credentials.openid.clone()),
    };
    Ok(Embedded {
        sandbox,
        access,
        sample_ids,
    })
}

/// Why a sandbox did not start, and the way out.
pub(crate) fn start_problem(error: &StartError) -> Problem {
    let problem = Problem::new("the sandbox cannot start").caused_by(error);
    let io = io_kind(error);
    match error {
        StartError::Listen { .. } if io == Some(io::ErrorKind::AddrInUse) => problem.hint(
            "another program has this port; choose another, or port 0 for a free one: \
             --listen 127.0.0.1:0",
        ),
        StartError::Listen { .. } if io == Some(io::ErrorKind::PermissionDenied) => problem.hint(
            "this user may not listen there; choose a port from 1024, or port 0 for a free one: \
             --listen 127.0.0.1:0",
        ),
        StartError::Listen { .. } => problem.hint("--listen takes an address of this machine"),
        // They say what to do themselves.
        StartError::Store(
            StoreError::Uri { .. } | StoreError::Server { .. } | StoreError::MasterKey(_),
        )
        | StartError::MasterKey(
            MasterKeyError::Nowhere { .. } | MasterKeyError::Malformed { .. },
        )
        | StartError::Credentials(CredentialsError::Foreign { .. }) => problem,
        StartError::Store(StoreError::Damaged { .. }) => problem.hint(
            "restore it, move it away to begin anew, or choose another with KABAO_DATA_DIR or \
             `sandbox serve --store`",
        ),
        StartError::Credentials(_)
            if matches!(
                io,
                Some(io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory)
            ) =>
        {
            problem.hint("a file is in the way; --credentials takes a folder: name another")
        }
        StartError::Store(StoreError::Unavailable { .. })
        | StartError::Keys(KeysError::Store(StoreError::Unavailable { .. })) => {
            problem.hint("nothing was lost; once that is mended, start again")
        }
        StartError::Store(StoreError::Backend { .. }) => problem.hint(
            "nothing was lost; once that is mended start again, or choose another folder with \
             KABAO_DATA_DIR",
        ),
        StartError::DataFolder(_)
        | StartError::MasterKey(MasterKeyError::File { .. })
        | StartError::Credentials(_)
            if io.and_then(way_out).is_some() =>
        {
            problem.hint(io.and_then(way_out).unwrap_or_default())
        }
        StartError::Store(_) | StartError::Keys(_) | StartError::MasterKey(_) => problem.hint(
            "nothing was touched; restore the folder, move it away to begin anew, or choose \
             another with KABAO_DATA_DIR",
        ),
        _ => problem,
    }
}

/// What to do about a file or folder that the system refuses.
fn way_out(refusal: io::ErrorKind) -> Option<&'static str> {
    match refusal {
        io::ErrorKind::PermissionDenied => Some(
            "nothing was touched; it belongs to another user, or forbids its own: look at owner \
             and permissions, or choose another folder",
        ),
        io::ErrorKind::ReadOnlyFilesystem => {
            Some("nothing was touched; its file system is mounted read-only: choose another folder")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(
            "nothing was lost; make room on that disk and start again, or choose another folder",
        ),
        _ => None,
    }
}

fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let mut error = Some(error);
    while let Some(current) = error {
        if let Some(io) = current.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        error = current.source();
    }
    None
}
