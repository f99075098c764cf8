//! Times and nonces that people sign instead of those in the header.

/// Header and message each ask for the time: this many seconds lie between.
const APART: i64 = 10;

/// Timestamp and nonce, with the mistake that leads to them.
pub(super) fn variants(timestamp: &str, nonce: &str) -> Vec<(String, String, &'static str)> {
    const TIME: &str = "the timestamp in the header is not the one that was signed; ask for the time once, and use it in both";
    const NONCE: &str = "the nonce_str in the header is not the one that was signed; both are letter for letter the same";
    let mut all = vec![
        (timestamp.into(), nonce.to_uppercase(), NONCE),
        (timestamp.into(), nonce.to_lowercase(), NONCE),
        (timestamp.into(), String::new(), NONCE),
        (
            nonce.into(),
            timestamp.into(),
            "the nonce was signed before the timestamp; the lines are method, target, timestamp, nonce, body",
        ),
    ];
    if let Ok(seconds) = timestamp.parse::<i64>() {
        let near = (-APART..=APART).map(|off| seconds.saturating_add(off).to_string());
        all.extend(near.map(|time| (time, nonce.to_owned(), TIME)));
        let milliseconds = (0..1000).map(|fraction| format!("{timestamp}{fraction:03}"));
        all.extend(milliseconds.map(|time| {
            (
                time,
                nonce.to_owned(),
                "the timestamp was signed in milliseconds and sent in seconds; seconds are signed",
            )
        }));
    }
    all.retain(|(time, word, _)| time != timestamp || word != nonce);
    all
}
