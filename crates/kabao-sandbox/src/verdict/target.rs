//! Request targets that people sign instead of the one they send.

use kabao_core::query::{decode_component, decode_pairs, encode_component};

/// Each with the mistake that leads to it.
pub(super) fn variants(target: &str, host: &str) -> Vec<(String, &'static str)> {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let mut all = Vec::new();
    let mut add = |variant: String, mistake| {
        if variant != target && !all.iter().any(|(known, _)| *known == variant) {
            all.push((variant, mistake));
        }
    };
    let with_query = |path: &str| match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    if let Some(query) = query {
        if query.is_empty() {
            add(path.to_owned(), "the `?` was sent and not signed");
        }
        add(
            path.to_owned(),
            "the query was not signed; path and query are signed as sent",
        );
        add(
            format!("{path}?"),
            "the query was not signed; path and query are signed as sent",
        );
        for (reordered, mistake) in reorderings(query) {
            add(format!("{path}?{reordered}"), mistake);
        }
        for recoded in recodings(query) {
            add(
                format!("{path}?{recoded}"),
                "the query was re-encoded after signing; it is signed exactly as sent",
            );
        }
    } else {
        add(
            format!("{path}?"),
            "a `?` was signed although there is no query",
        );
    }
    if let Some(decoded) = decode_component(path) {
        add(
            with_query(&decoded),
            "the path was signed decoded; it is signed percent-encoded, as sent",
        );
    }
    add(
        with_query(&lower_escapes(path)),
        "the path was signed with lower-case escapes; it is signed exactly as sent",
    );
    if let Some(again) = encoded_again(path) {
        add(
            with_query(&again),
            "the path was encoded differently when signed; it is signed exactly as sent",
        );
    }
    add(
        target.replace('%', "%25"),
        "the escapes were escaped once more when signed; path and query are signed as sent",
    );
    if decode_component(&target.replace("%25", "%")).is_some() {
        add(
            target.replace("%25", "%"),
            "the escapes were escaped once more when sent; path and query are signed as sent",
        );
    }
    for scheme in ["https", "http"] {
        for host in [host, "api.mch.weixin.qq.com", "api2.mch.weixin.qq.com"] {
            add(
                format!("{scheme}://{host}{target}"),
                "the whole URL was signed; only path and query are, without the host",
            );
        }
    }
    add(
        format!("{host}{target}"),
        "the host was signed; only path and query are",
    );
    add(
        target.trim_start_matches('/').to_owned(),
        "the path was signed without its leading slash",
    );
    add(
        with_query(&format!("{}/", path.trim_end_matches('/'))),
        "a trailing slash was signed that was not sent",
    );
    add(
        with_query(path.trim_end_matches('/')),
        "the trailing slash was not signed",
    );
    all
}

fn reorderings(query: &str) -> Vec<(String, &'static str)> {
    const MISTAKE: &str = "the query was signed in another order; it is signed in the order sent";
    const FEW: usize = 5;
    let pairs: Vec<&str> = query.split('&').collect();
    let mut orders = Vec::new();
    let mut sorted = pairs.clone();
    sorted.sort_unstable();
    orders.push(sorted);
    orders.push(pairs.iter().rev().copied().collect());
    if pairs.len() <= FEW {
        permute(&mut pairs.clone(), 0, &mut orders);
    }
    orders
        .into_iter()
        .map(|order| (order.join("&"), MISTAKE))
        .collect()
}

fn permute<'a>(pairs: &mut Vec<&'a str>, from: usize, orders: &mut Vec<Vec<&'a str>>) {
    if from == pairs.len() {
        orders.push(pairs.clone());
        return;
    }
    for place in from..pairs.len() {
        pairs.swap(from, place);
        permute(pairs, from + 1, orders);
        pairs.swap(from, place);
    }
}

fn recodings(query: &str) -> Vec<String> {
    let mut all = vec![
        query.replace("%20", "+"),
        query.replace('+', "%20"),
        query.replace('&', "&amp;"),
        lower_escapes(query),
    ];
    all.extend(decode_component(query));
    all.extend(decode_component(&query.replace('+', " ")));
    if let Some(pairs) = decode_pairs(query) {
        let encode = |encode: &dyn Fn(&str) -> String| {
            let pairs = pairs
                .iter()
                .map(|(name, value)| format!("{}={}", encode(name), encode(value)));
            pairs.collect::<Vec<_>>().join("&")
        };
        all.push(encode(&|text| encode_component(text)));
        all.push(encode(&|text| encode_component(text).replace("%20", "+")));
        // What browsers and several libraries leave alone.
        all.push(encode(&|text| {
            [
                "%3A", "%24", "%2C", "%2F", "%40", "%21", "%27", "%28", "%29", "%2A",
            ]
            .iter()
            .zip([":", "$", ",", "/", "@", "!", "'", "(", ")", "*"])
            .fold(encode_component(text), |text, (escape, plain)| {
                text.replace(escape, plain)
            })
        }));
    }
    all
}

fn encoded_again(path: &str) -> Option<String> {
    let decoded = decode_component(path)?;
    Some(
        decoded
            .split('/')
            .map(encode_component)
            .collect::<Vec<_>>()
            .join("/"),
    )
}

fn lower_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_escape = 0;
    for character in text.chars() {
        if in_escape > 0 {
            in_escape -= 1;
            out.push(character.to_ascii_lowercase());
        } else {
            in_escape = if character == '%' { 2 } else { 0 };
            out.push(character);
        }
    }
    out
}
