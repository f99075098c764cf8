//! Everybody but the writers: the sandbox, the shop, the members.

use kabao::card_member::UserCardKey;
use tokio::runtime::Runtime;

use crate::{
    access::Credentials,
    kept::Kept,
    process::{Home, Process},
    receiver::Shop,
    writers::{import, new_card},
};

/// Whoever takes part, but for the sandbox.
pub(crate) struct Cast<'a> {
    home: &'a Home,
    arguments: Vec<String>,
    pub(crate) credentials: Credentials,
    pub(crate) shop: Shop,
    pub(crate) notify_url: String,
    pub(crate) card_id: String,
}

impl<'a> Cast<'a> {
    /// Makes the store, a template whose notifications go to the shop, and the
    /// members whose cards are written to.
    pub(crate) fn gather(home: &'a Home, kept: &Kept, listen: &str, runtime: &Runtime) -> Self {
        let mut arguments = kept.arguments();
        let flags = [
            ["--listen", listen],
            ["--rate-limits", "off"],
            ["--card-event-retries", "1s,1s,1s"],
            ["--other-event-retries", "1s,1s,1s"],
        ];
        arguments.extend(flags.concat().into_iter().map(Into::into));
        let folder = home.path("credentials");
        let credentials = ["--credentials", folder.to_str().unwrap()].map(String::from);
        let mut sandbox = start(home, &[&arguments[..], &credentials].concat());
        let (base_url, _) = sandbox.ready();
        let credentials = Credentials::read(&folder);
        let access = credentials.access(&base_url);
        let (shop, notify_url) = runtime.block_on(Shop::open());
        shop.knows(credentials.receiver());
        let card_id = runtime.block_on(async {
            let template = new_card(0, "会员", &notify_url);
            let card_id = access
                .members
                .cards()
                .create(template)
                .await
                .unwrap()
                .card_id;
            for code in WRITTEN_TO {
                import(&access, &key(code, &card_id), 0).await.unwrap();
            }
            card_id
        });
        sandbox.kill();
        Self {
            home,
            arguments,
            credentials,
            shop,
            notify_url,
            card_id,
        }
    }

    pub(crate) fn start(&self) -> Process {
        start(self.home, &self.arguments)
    }
}

const WRITTEN_TO: [&str; 4] = ["first", "second", "points", "feeds"];

pub(crate) fn key(code: &str, card_id: &str) -> UserCardKey {
    UserCardKey::new(code, card_id, format!("o-{code}"))
}

fn start(home: &Home, arguments: &[String]) -> Process {
    let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
    home.start(&arguments)
}
