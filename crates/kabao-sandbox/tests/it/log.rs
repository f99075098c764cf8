//! What the log tells, down to its finest level.

use std::{
    fmt::{Debug, Write as _},
    sync::{Arc, Mutex},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::{
    notifications::after_attempts,
    receiver::Receiver,
    support::{Running, echoed},
};

/// Every line about notifications, of all tests that run meanwhile.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("kabao_sandbox::notify")
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let mut lines = self.0.lock().unwrap();
        writeln!(lines, "{}", line.0).unwrap();
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

#[test]
fn of_an_answer_the_log_has_the_status_alone() {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let running = Running::start();
    let answering = Receiver::saying(500, r#"{"message":"no 13700137000"}"#);
    let elsewhere = "https://log.invalid/notify";
    let [answered, unanswered] = [&*answering.url, elsewhere].map(|url| {
        echoed(&running, url);
        let sent = after_attempts(&running, url, 1);
        let id = sent["id"].as_str().unwrap();
        let lines = log.0.lock().unwrap();
        let line = lines.lines().find(|line| line.contains(id));
        line.unwrap().to_owned()
    });
    assert!(answered.contains("status=500"), "{answered}");
    assert!(!answered.contains("13700137000"), "{answered}");
    // Why there is no answer, the sandbox says itself.
    assert!(
        unanswered.contains("log.invalid is not among"),
        "{unanswered}"
    );
}
