//! `kabao sandbox merchant` and `kabao sandbox brand`: who may call.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use http::Method;
use kabao::core::query::encode_component;
use serde_json::{Value, json};

use super::handed_out::Folder;
use crate::{
    commands::input,
    output::{
        members,
        printer::{Format, Printer},
        table::{self, Cell},
    },
    problem::Problem,
    steering::{Aim, Steering},
};

/// What to do with merchants.
#[derive(Debug, Subcommand)]
pub(crate) enum MerchantCommand {
    /// List them, without their secrets.
    List,
    /// Let another one call.
    Add {
        /// Its number; drawn if it is not given.
        #[arg(long)]
        mchid: Option<String>,
        /// Without platform certificates, as merchants that join today.
        #[arg(long)]
        public_key_only: bool,
        #[command(flatten)]
        to: To,
    },
    /// Take the platform certificates from it, or give them back.
    PublicKeyOnly {
        /// Which merchant.
        mchid: String,
        /// Whether it is to have the public key alone.
        #[arg(action = clap::ArgAction::Set)]
        public_key_only: bool,
    },
    /// Give it another API certificate; the old one holds until it is revoked.
    ///
    /// A key is made, and handed out with all its other credentials; unless a
    /// request or a public key is brought: then nobody else has the private key,
    /// and the certificate goes to stdout.
    RenewCertificate {
        /// Which merchant.
        mchid: String,
        #[command(flatten)]
        brought: Brought,
        #[command(flatten)]
        to: To,
    },
    /// End an API certificate.
    RevokeCertificate {
        /// Whose.
        mchid: String,
        /// Which.
        serial_no: String,
    },
}

/// What to do with brands.
#[derive(Debug, Subcommand)]
pub(crate) enum BrandCommand {
    /// List them, without their secrets.
    List,
    /// Let another one call.
    Add {
        /// Its number; drawn if it is not given.
        #[arg(long)]
        brand_id: Option<String>,
        #[command(flatten)]
        to: To,
    },
    /// Let a merchant manage its members.
    Grant {
        /// Which brand.
        brand_id: String,
        /// Which merchant.
        mchid: String,
    },
    /// No longer let a merchant manage its members.
    Withdraw {
        /// Which brand.
        brand_id: String,
        /// Which merchant.
        mchid: String,
    },
    /// Give it another API certificate; the old one holds until it is revoked.
    ///
    /// A key is made, and handed out with all its other credentials; unless a
    /// request or a public key is brought: then nobody else has the private key,
    /// and the certificate goes to stdout.
    RenewCertificate {
        /// Which brand.
        brand_id: String,
        #[command(flatten)]
        brought: Brought,
        #[command(flatten)]
        to: To,
    },
    /// End an API certificate.
    RevokeCertificate {
        /// Whose.
        brand_id: String,
        /// Which.
        serial_no: String,
    },
}

/// What a certificate is to be about.
#[derive(Debug, Args)]
pub(crate) struct Brought {
    /// A certificate request (PEM), as `openssl req -new` writes it; - is stdin.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["public_key", "credentials"])]
    csr: Option<String>,
    /// A public key (PEM); - is stdin.
    #[arg(long, value_name = "FILE", conflicts_with = "credentials")]
    public_key: Option<String>,
}

impl Brought {
    fn ask(self, path: String, folder: Option<Folder>) -> Result<Ask, Problem> {
        let brought = match (self.csr, self.public_key) {
            (Some(file), _) => Some(("csr", file)),
            (None, Some(file)) => Some(("public_key", file)),
            (None, None) => None,
        };
        let Some((member, file)) = brought else {
            return Ok(Ask::new(Method::POST, path, None, Show::Keys(folder)));
        };
        let body = json!({ member: input::read(&file)?.text });
        Ok(Ask::new(Method::POST, path, Some(body), Show::Certificate))
    }
}

/// Where keys that are handed out go.
#[derive(Debug, Args)]
pub(crate) struct To {
    /// A folder to write credentials.json, keys and certificates to, under the
    /// names of `sandbox serve --credentials`. Without it they are all in the
    /// answer, which takes --output json.
    #[arg(long, value_name = "DIR")]
    credentials: Option<PathBuf>,
}

/// A request to the control plane, and what to do with its answer.
struct Ask {
    method: Method,
    /// Below `/_sandbox/`.
    path: String,
    body: Option<Value>,
    show: Show,
}

enum Show {
    /// A list of callers, under such headings.
    List(&'static Columns),
    Object,
    /// A certificate, as a file.
    Certificate,
    /// Keys, which go to a folder if there is one.
    Keys(Option<Folder>),
}

impl Ask {
    fn new(method: Method, path: String, body: Option<Value>, show: Show) -> Self {
        Self {
            method,
            path,
            body,
            show,
        }
    }

    async fn run(self, aim: Aim<'_>, printer: &Printer) -> Result<(), Problem> {
        // Keys that nobody can write down would be lost.
        match &self.show {
            Show::Keys(Some(folder)) => folder.check()?,
            Show::Keys(None) if printer.format == Format::Table => {
                return Err(
                    Problem::new("a table cannot hold the keys that are handed out")
                        .hint("give --credentials DIR, or --output json"),
                );
            }
            _ => {}
        }
        let outcome = Steering::with_now(aim, printer, async |steering| {
            let Self {
                method, path, body, ..
            } = &self;
            let control = &steering.control;
            control.call(method.clone(), path, body.as_ref()).await
        });
        let (answer, now) = outcome.await?;
        match self.show {
            Show::List(columns) => list(&answer, columns, printer),
            Show::Object => members::show(&answer, now, printer),
            Show::Certificate if printer.format == Format::Table => {
                printer.note(&format!("serial_no {}", text(answer.get("serial_no"))));
                printer.data(text(answer.get("apiclient_cert.pem")))
            }
            Show::Certificate => members::show(&answer, now, printer),
            Show::Keys(None) => members::show(&answer, now, printer),
            Show::Keys(Some(folder)) => {
                let rest = folder.write(answer)?;
                printer.note(&format!("keys are in {}", folder.path().display()));
                members::show(&rest, now, printer)
            }
        }
    }
}

impl MerchantCommand {
    pub(crate) async fn run(self, aim: Aim<'_>, printer: &Printer) -> Result<(), Problem> {
        let ask = match self {
            Self::List => Ask::new(Method::GET, "merchants".into(), None, Show::List(MERCHANTS)),
            Self::Add {
                mchid,
                public_key_only,
                to,
            } => {
                let mut body = json!({ "public_key_only": public_key_only });
                if let Some(mchid) = mchid {
                    body["mchid"] = mchid.into();
                }
                let show = Show::Keys(to.credentials.map(Folder::of_a_new_merchant));
                Ask::new(Method::POST, "merchants".into(), Some(body), show)
            }
            Self::PublicKeyOnly {
                mchid,
                public_key_only,
            } => {
                let body = json!({ "public_key_only": public_key_only });
                let path = format!("merchants/{}", encode_component(&mchid));
                Ask::new(Method::PUT, path, Some(body), Show::Object)
            }
            Self::RenewCertificate { mchid, brought, to } => {
                let path = format!("merchants/{}/certificates", encode_component(&mchid));
                let folder = to.credentials.map(|path| Folder::of_merchant(path, mchid));
                brought.ask(path, folder)?
            }
            Self::RevokeCertificate { mchid, serial_no } => {
                let [mchid, serial_no] = [mchid, serial_no].map(|id| encode_component(&id));
                let path = format!("merchants/{mchid}/certificates/{serial_no}");
                Ask::new(Method::DELETE, path, None, Show::Object)
            }
        };
        ask.run(aim, printer).await
    }
}

impl BrandCommand {
    pub(crate) async fn run(self, aim: Aim<'_>, printer: &Printer) -> Result<(), Problem> {
        let grant = |method, brand_id: &str, mchid: &str| {
            let [brand_id, mchid] = [brand_id, mchid].map(encode_component);
            let path = format!("brands/{brand_id}/merchants/{mchid}");
            Ask::new(method, path, None, Show::List(GRANTED))
        };
        let ask = match self {
            Self::List => Ask::new(Method::GET, "brands".into(), None, Show::List(BRANDS)),
            Self::Add { brand_id, to } => {
                let body = brand_id.map(|brand_id| json!({ "brand_id": brand_id }));
                let show = Show::Keys(to.credentials.map(Folder::of_a_new_brand));
                Ask::new(Method::POST, "brands".into(), body, show)
            }
            Self::Grant { brand_id, mchid } => grant(Method::PUT, &brand_id, &mchid),
            Self::Withdraw { brand_id, mchid } => grant(Method::DELETE, &brand_id, &mchid),
            Self::RenewCertificate {
                brand_id,
                brought,
                to,
            } => {
                let path = format!("brands/{}/certificates", encode_component(&brand_id));
                let folder = to.credentials.map(|path| Folder::of_brand(path, brand_id));
                brought.ask(path, folder)?
            }
            Self::RevokeCertificate {
                brand_id,
                serial_no,
            } => {
                let [brand_id, serial_no] = [brand_id, serial_no].map(|id| encode_component(&id));
                let path = format!("brands/{brand_id}/certificates/{serial_no}");
                Ask::new(Method::DELETE, path, None, Show::Object)
            }
        };
        ask.run(aim, printer).await
    }
}

/// Headings, and the member below each.
type Columns = [(&'static str, &'static str)];

pub(super) const MERCHANTS: &Columns = &[
    ("Merchant", "mchid"),
    ("Certificates", "serial_nos"),
    ("By public key", "public_key_percent"),
    ("Public key only", "public_key_only"),
    ("Brands", "brand_ids"),
];

const BRANDS: &Columns = &[
    ("Brand", "brand_id"),
    ("Certificates", "serial_nos"),
    ("Merchants", "mchids"),
];

const GRANTED: &Columns = &[("Merchant", "mchid")];

/// Shows `data` of an answer.
pub(super) fn list(answer: &Value, columns: &Columns, printer: &Printer) -> Result<(), Problem> {
    let rows = answer.get("data").and_then(Value::as_array);
    let rows: &[Value] = rows.map_or(&[], Vec::as_slice);
    match printer.format {
        Format::Json => printer.json(&rows),
        Format::Jsonl => rows.iter().try_for_each(|row| printer.json(row)),
        Format::Table if rows.is_empty() => {
            printer.note("there are none");
            Ok(())
        }
        Format::Table => {
            let head: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
            let line = |row: &Value| -> Vec<Cell> {
                let members = columns.iter().map(|(_, member)| text(row.get(member)));
                members.map(Cell::from).collect()
            };
            let lines: Vec<_> = rows.iter().map(line).collect();
            printer.data(table::columns_of(&head, &lines, printer.paint()))
        }
    }
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let texts: Vec<String> = items.iter().map(|item| text(Some(item))).collect();
            texts.join(" ")
        }
        Some(other) => other.to_string(),
    }
}
