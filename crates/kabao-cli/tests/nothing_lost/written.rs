//! Everything that was written, compared with what is kept and what was heard.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    cast::key,
    kept::Kept,
    receiver::{Book, Cause, Why},
    users::Users,
    writers::{
        Changes, Feeds, Imports, Lives, Numbered, Points, Tally, Templates, balance_after,
        write_through,
    },
};

pub(crate) struct Written {
    changes: [Changes; 2],
    points: Numbered<Points>,
    feeds: Numbered<Feeds>,
    templates: Numbered<Templates>,
    imports: Numbered<Imports>,
    users: [Users; 2],
}

/// All writers at once, until the last life is over.
pub(crate) async fn write_all(card_id: String, notify_url: String, lives: Lives) -> Written {
    let key = |code| key(code, &card_id);
    let templates = Templates {
        notify_url,
        card_ids: Vec::new(),
    };
    let imports = Imports {
        card_id: card_id.clone(),
    };
    let (first, second, points, feeds, templates, imports, ann, bob) = tokio::join!(
        write_through(Changes::of(key("first")), lives.clone()),
        write_through(Changes::of(key("second")), lives.clone()),
        write_through(Numbered::new(Points(key("points"))), lives.clone()),
        write_through(Numbered::new(Feeds(key("feeds"))), lives.clone()),
        write_through(Numbered::new(templates), lives.clone()),
        write_through(Numbered::new(imports), lives.clone()),
        write_through(Users::new("Ann", &card_id), lives.clone()),
        write_through(Users::new("Bob", &card_id), lives.clone()),
    );
    Written {
        changes: [first, second],
        points,
        feeds,
        templates,
        imports,
        users: [ann, bob],
    }
}

impl Written {
    pub(crate) fn tally(&self, book: &Book) -> Tally {
        let numbered = [
            self.points.tally,
            self.feeds.tally,
            self.templates.tally,
            self.imports.tally,
        ];
        let changes = self.changes.iter().map(|changes| changes.tally);
        let users = self.users.iter().map(|users| {
            // Only now it is known which of these were made.
            let heard = |cause: &&Cause| book.heard.values().any(|heard| heard.cause == **cause);
            let made = users.perhaps.iter().filter(heard).count();
            let applied = users.tally.applied + made;
            Tally {
                applied,
                ..users.tally
            }
        });
        changes.chain(users).chain(numbered).sum()
    }

    /// How many changes are kept, each once: the counts on the cards, the numbers
    /// that were used, the steps of users.
    pub(crate) fn found(&self, kept: &Kept, book: &Book) -> usize {
        let counted: u64 = self.changes.iter().map(|changes| changes.count).sum();
        let numbered = self.points(kept) + self.feeds(kept) + self.templates(kept);
        let numbered = numbered + self.imports(kept);
        let users = self.users.iter();
        let steps: usize = users.map(|users| steps(users, kept, book)).sum();
        usize::try_from(counted + numbered).unwrap() + steps
    }

    /// One balance, the last one; and every number was used once.
    fn points(&self, kept: &Kept) -> u64 {
        let balances = documents(kept, "point_balance");
        let balances: Vec<_> = balances.iter().map(|kept| &kept["point_balance"]).collect();
        assert_eq!(balances, [balance_after(self.points.done)]);
        let ids = kept.rows("SELECT id FROM records WHERE kind = 'request_number'");
        let used = ids.iter().filter(|id| id.contains(" sync_user_points "));
        assert_eq!(used.count() as u64, self.points.done);
        self.points.done
    }

    fn feeds(&self, kept: &Kept) -> u64 {
        let feeds = documents(kept, "feed");
        let cells = feeds.iter().map(|feed| text(feed, "cell").to_owned());
        let wanted = (1..=self.feeds.done).map(|number| number.to_string());
        once_each("feeds", cells, wanted);
        self.feeds.done
    }

    fn templates(&self, kept: &Kept) -> u64 {
        let ids = &self.templates.kind.card_ids;
        assert_eq!(ids.len() as u64, self.templates.done);
        // Beside them there are the sample's and the members' own.
        let own = &self.imports.kind.card_id;
        let sql = format!(
            "SELECT card_id FROM card_templates WHERE created_by_mchid IS NOT NULL
             AND card_id NOT IN ('{own}', 'pbLatjvWOibDc5-TBnbUk1pD12o0')"
        );
        once_each("templates", kept.rows(&sql), ids.iter().cloned());
        self.templates.done
    }

    fn imports(&self, kept: &Kept) -> u64 {
        let sql = "SELECT user_card_code FROM user_cards WHERE openid LIKE 'oImported%'";
        let wanted = 1..=self.imports.done;
        let wanted = wanted.map(|number| self.imports.kind.key(number).user_card_code);
        once_each("imports", kept.rows(sql), wanted);
        self.imports.done
    }

    /// Each notification that is owed was heard under one id, and none besides.
    pub(crate) fn notifications_arrived(&self, kept: &Kept, book: &Book) {
        assert!(book.wrong.is_empty(), "{:?}", book.wrong);
        let ids = kept.rows("SELECT id FROM notifications WHERE state = 'DELIVERED'");
        once_each("delivered", ids, book.heard.keys().cloned());
        let others = "SELECT id FROM notifications WHERE state <> 'DELIVERED'";
        assert_eq!(kept.rows(others), [""; 0]);
        let mut heard: BTreeMap<&Cause, &str> = BTreeMap::new();
        for (id, notification) in &book.heard {
            let other = heard.insert(&notification.cause, id);
            assert_eq!(other, None, "{:?} was told twice", notification.cause);
        }
        for users in &self.users {
            for (cause, told) in &users.owed {
                let id = heard.remove(cause);
                assert!(id.is_some(), "{cause:?} was not heard");
                // If the id was told, it is that one.
                assert!(told.is_none() || told.as_deref() == id, "{cause:?}");
            }
            for cause in &users.perhaps {
                heard.remove(cause);
            }
        }
        assert!(heard.is_empty(), "nobody caused {heard:?}");
    }
}

/// What of a line of users is kept: who joined, is confirmed, asked, left.
fn steps(users: &Users, kept: &Kept, book: &Book) -> usize {
    let rows = |condition: &str| {
        let name = users.name;
        let sql = "SELECT user_card_code FROM user_cards WHERE openid LIKE";
        kept.rows(&format!("{sql} 'o{name}%' {condition}"))
    };
    let owed = |why: Why| {
        let causes = users.owed.keys().filter(move |cause| cause.event == why);
        causes.map(|cause| cause.user_card_code.clone())
    };
    // A card and what is told of it are there together.
    let joined = rows("");
    once_each("joined", joined.clone(), owed(Why::Joined));
    let left = rows("AND state = 'INVALID'");
    once_each("left", left.clone(), owed(Why::Deleted));
    let confirmed = rows("AND state <> 'UNACTIVATED'");
    let asked = book.heard.values().filter(|heard| {
        heard.cause.event == Why::AskedForPoints && joined.contains(&heard.cause.user_card_code)
    });
    joined.len() + confirmed.len() + asked.count() + left.len()
}

fn documents(kept: &Kept, kind: &str) -> Vec<Value> {
    let sql = format!("SELECT document FROM records WHERE kind = '{kind}'");
    let rows = kept.rows(&sql).into_iter();
    rows.map(|row| serde_json::from_str(&row).unwrap())
        .collect()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

/// The same, in any order, and nothing twice.
pub(crate) fn once_each(
    what: &str,
    there: impl IntoIterator<Item = String>,
    wanted: impl IntoIterator<Item = String>,
) {
    let there: Vec<_> = there.into_iter().collect();
    let set: BTreeSet<_> = there.iter().cloned().collect();
    assert_eq!(set.len(), there.len(), "{what}: something is there twice");
    let wanted: BTreeSet<_> = wanted.into_iter().collect();
    let missing: Vec<_> = wanted.difference(&set).collect();
    let extra: Vec<_> = set.difference(&wanted).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "{what}: {missing:?} are missing, {extra:?} are too much"
    );
}
