//! `kabao call --explain`: a signed request, taken apart.

use kabao::client::SignedRequest;
use kabao::core::{authorization::Authorization, signature::Scheme};
use serde_json::{Map, Value, json};

use crate::{
    output::{
        paint::Tone,
        printer::{Format, Printer},
        width::printable,
    },
    problem::Problem,
};

/// Prints what would be sent.
pub(crate) fn print(signed: &SignedRequest, printer: &Printer) -> Result<(), Problem> {
    match printer.format {
        Format::Table => printer.data(for_people(signed, printer)),
        Format::Json | Format::Jsonl => printer.json(&for_programs(signed)),
    }
}

fn for_people(signed: &SignedRequest, printer: &Printer) -> String {
    let request = signed.request();
    let heading = |text: &str| printer.paint().tone(Tone::Bold, text);
    let mut out = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in headers(signed) {
        out.push_str(&format!("{name}: {}\n", printable(&value)));
    }
    if !request.body().is_empty() {
        let body = String::from_utf8_lossy(request.body());
        out.push_str(&format!("\n{}\n", printable(&body)));
    }
    out.push_str(&format!(
        "\n{}\n",
        heading("Signed message, each line ended by a line feed")
    ));
    let message = String::from_utf8_lossy(signed.message());
    for line in message.split_terminator('\n') {
        out.push_str(&format!("  {}\n", printable(line)));
    }
    if let Some(authorization) = authorization(signed) {
        out.push_str(&format!("\n{}\n", heading("Authorization")));
        for (name, value) in parts(&authorization) {
            out.push_str(&format!("  {name:<13}  {value}\n"));
        }
    }
    out
}

fn for_programs(signed: &SignedRequest) -> Value {
    let request = signed.request();
    let headers: Map<_, _> = headers(signed)
        .map(|(name, value)| (name, Value::String(value)))
        .collect();
    let authorization: Map<_, _> = authorization(signed)
        .iter()
        .flat_map(parts)
        .map(|(name, value)| (name.to_owned(), Value::String(value)))
        .collect();
    json!({
        "method": request.method().as_str(),
        "url": request.uri().to_string(),
        "headers": headers,
        "body": String::from_utf8_lossy(request.body()),
        "message": String::from_utf8_lossy(signed.message()),
        "authorization": authorization,
    })
}

fn headers(signed: &SignedRequest) -> impl Iterator<Item = (String, String)> + use<'_> {
    signed.request().headers().iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.to_string(), value)
    })
}

fn authorization(signed: &SignedRequest) -> Option<Authorization> {
    let value = signed.request().headers().get("authorization")?;
    value.to_str().ok()?.parse().ok()
}

fn parts(authorization: &Authorization) -> [(&'static str, String); 6] {
    let scheme: Scheme = authorization.scheme;
    [
        ("scheme", scheme.to_string()),
        (scheme.identity_item(), authorization.identity.clone()),
        ("serial_no", authorization.serial_no.clone()),
        ("timestamp", authorization.timestamp.clone()),
        ("nonce_str", authorization.nonce.clone()),
        ("signature", authorization.signature.clone()),
    ]
}
