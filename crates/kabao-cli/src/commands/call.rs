//! `kabao call`: any v3 endpoint.

use std::cell::RefCell;

use clap::Args;
use kabao::{
    Chain,
    core::{call::Method, template::Template},
};
use serde_json::value::RawValue;

use super::{explain, input};
use crate::{
    output::{
        json_text,
        printer::{Format, Printer},
    },
    problem::Problem,
    session::Session,
};

/// Calls an endpoint: signs the request, verifies the answer, prints its body.
///
/// The body is sent as it stands and the answer printed as it came: sealed
/// values are not touched either way.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CallArgs {
    /// GET, POST, PUT, PATCH or DELETE.
    #[arg(value_parser = method)]
    method: Method,
    /// The path without the host; {name} is filled in from --param.
    #[arg(value_parser = path)]
    path: String,
    /// A value of the path, percent-encoded when sent. Repeatable.
    #[arg(long, value_name = "NAME=VALUE", value_parser = input::pair)]
    param: Vec<(String, String)>,
    /// A query parameter. Repeatable.
    #[arg(long, value_name = "NAME=VALUE", value_parser = input::pair)]
    query: Vec<(String, String)>,
    /// The body; `-` is stdin.
    #[arg(long, value_name = "FILE|-")]
    json: Option<String>,
    /// A header. Repeatable.
    #[arg(long, value_name = "NAME=VALUE", value_parser = input::pair)]
    header: Vec<(String, String)>,
    /// Send nothing; print what would be sent, with the signed message and the
    /// parts of Authorization. (Whoever sees those could send the same request
    /// within five minutes.)
    #[arg(long)]
    explain: bool,
    /// Fetch a file from one of the few paths whose answers are not signed, such
    /// as bills.
    #[arg(long, conflicts_with = "explain")]
    download: bool,
    /// The hash that came, signed, with the file's address; another file is
    /// refused.
    #[arg(long, value_name = "HEX", requires = "download")]
    sha1: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  kabao call GET v3/certificates
  kabao call GET 'v3/brand/partner/card-member/user-cards/{user_card_code}' \\
    --param user_card_code=478515832665 --query brand_id=1004 \\
    --query card_id=pbLatjvWOibDc5-TBnbUk1pD12o0 --query openid=obLatjnx9gnqzS4myYGmLZ7LgLBA
  kabao call PATCH 'v3/brand/partner/card-member/user-cards/{user_card_code}' --json change.json \\
    --param user_card_code=478515832665 --query card_id=pbLatjvWOibDc5-TBnbUk1pD12o0 --explain";

impl CallArgs {
    pub(crate) async fn run(self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        self.check_params()?;
        let body = self.body()?;
        Session::with(profile, printer, async |session| {
            let chain = self.chain(session, body);
            if self.explain {
                self.explain(session, &chain, printer).await
            } else if self.download {
                self.download(&chain, printer).await
            } else {
                self.send(&chain, printer).await
            }
        })
        .await
    }

    async fn send(&self, chain: &Chain, printer: &Printer) -> Result<(), Problem> {
        let answer = chain.send(self.method).await?;
        printer.note(&format!(
            "{}, request id {}, verified with {}",
            answer.status(),
            answer.request_id().unwrap_or("(none)"),
            answer.verified_by(),
        ));
        print_body(answer.body(), printer)
    }

    async fn download(&self, chain: &Chain, printer: &Printer) -> Result<(), Problem> {
        let file = chain.download().await?;
        match &self.sha1 {
            Some(sha1) => printer.data(file.verify_sha1(sha1)?),
            None => {
                printer.warn("the file is not signed and was not checked; see --sha1");
                printer.data(file.into_unverified())
            }
        }
    }

    async fn explain(
        &self,
        session: &Session,
        chain: &Chain,
        printer: &Printer,
    ) -> Result<(), Problem> {
        let call = chain.call(self.method)?;
        let signed = session.client.sign(&call).await?;
        explain::print(&signed, printer)?;
        printer.note("not sent (--explain)");
        Ok(())
    }

    fn chain(&self, session: &Session, body: Option<Box<RawValue>>) -> Chain {
        let mut chain = session.client.chain(&self.path).query(&self.query);
        for (name, value) in &self.param {
            chain = chain.param(name, value);
        }
        for (name, value) in &self.header {
            chain = chain.header(name, value);
        }
        match body {
            Some(body) => chain.json(body),
            None => chain,
        }
    }

    fn body(&self) -> Result<Option<Box<RawValue>>, Problem> {
        match (&self.json, self.method) {
            (Some(_), Method::Get) => Err(Problem::new("GET has no body, so --json does not fit")),
            (_, method) if self.download && method != Method::Get => {
                Err(Problem::new("--download goes with GET"))
            }
            (Some(file), _) => input::read(file)?.json().map(Some),
            (None, _) => Ok(None),
        }
    }

    /// Every placeholder has its value, and every value its placeholder.
    fn check_params(&self) -> Result<(), Problem> {
        let asked = RefCell::new(Vec::new());
        let template =
            Template::parse(&self.path).map_err(|error| Problem::new(error.to_string()))?;
        // Any value will do: only the names that are asked for count.
        let _ = template.expand(|name| {
            asked.borrow_mut().push(name.to_owned());
            Some("x")
        });
        let asked = asked.into_inner();
        if let Some(name) = asked.iter().find(|name| !self.gives(name)) {
            return Err(
                Problem::new(format!("the path needs a value for {{{name}}}"))
                    .hint(format!("give --param {name}=VALUE")),
            );
        }
        match self.param.iter().find(|(name, _)| !asked.contains(name)) {
            None => Ok(()),
            Some((name, _)) => {
                let hint = match asked.as_slice() {
                    [] => "write {name} into PATH where the value belongs, or use --query".into(),
                    names => format!("it has {{{}}}", names.join("}, {")),
                };
                Err(Problem::new(format!("--param {name}: the path has no {{{name}}}")).hint(hint))
            }
        }
    }

    fn gives(&self, wanted: &str) -> bool {
        self.param.iter().any(|(name, _)| name == wanted)
    }
}

/// On a terminal laid out for people, elsewhere byte for byte, or as asked.
fn print_body(body: &[u8], printer: &Printer) -> Result<(), Problem> {
    let json = std::str::from_utf8(body)
        .ok()
        .filter(|text| serde_json::from_str::<&RawValue>(text).is_ok());
    match (json, printer.format) {
        (Some(json), Format::Json) => printer.data(json_text::indented(json) + "\n"),
        (Some(json), Format::Jsonl) => printer.data(json_text::compact(json) + "\n"),
        (Some(json), Format::Table) if printer.is_terminal() => {
            printer.data(json_text::indented(json) + "\n")
        }
        _ => printer.data(body),
    }
}

fn method(name: &str) -> Result<Method, String> {
    Method::from_name(name).ok_or_else(|| "one of GET, POST, PUT, PATCH, DELETE".into())
}

fn path(text: &str) -> Result<String, String> {
    if text.contains("://") {
        return Err("only the path; the host is base_url (KABAO_BASE_URL)".into());
    }
    if text.trim_matches('/').is_empty() {
        return Err("a path such as v3/certificates".into());
    }
    Ok(text.to_owned())
}
