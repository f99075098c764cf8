//! Those who write, and know what was acknowledged to them.

use std::sync::{Arc, atomic::Ordering};

use kabao::{
    ErrorKind,
    card_member::{NewCard, UserCardChange, UserCardImport, UserCardKey, ValidDateInformation},
};
use tokio::sync::watch;

use crate::access::{Access, Died, answered};

/// What has become of changes.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    /// Answered with 200.
    pub(crate) acknowledged: usize,
    /// Nobody said whether they were made.
    pub(crate) unknown: usize,
    /// Unknown, and made, as the next life showed.
    pub(crate) applied: usize,
    /// Unknown, and then acknowledged under the same number.
    pub(crate) repeated: usize,
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |sum, tally| Self {
            acknowledged: sum.acknowledged + tally.acknowledged,
            unknown: sum.unknown + tally.unknown,
            applied: sum.applied + tally.applied,
            repeated: sum.repeated + tally.repeated,
        })
    }
}

/// One who writes one thing after the other.
pub(crate) trait Writer: Send + 'static {
    /// Looks for what was acknowledged in the last life, and settles what nobody
    /// knows.
    fn check(&mut self, access: &Access) -> impl Future<Output = Result<(), Died>> + Send;

    /// Writes once.
    fn write(&mut self, access: &Access) -> impl Future<Output = Result<(), Died>> + Send;
}

/// The lives of a sandbox, as they come.
pub(crate) type Lives = watch::Receiver<Option<Arc<Access>>>;

/// Lets `writer` write in every life, until the last one.
pub(crate) async fn write_through<W: Writer>(mut writer: W, mut lives: Lives) -> W {
    loop {
        lives.changed().await.expect("a last life");
        let life = lives.borrow_and_update().clone().unwrap();
        match live(&mut writer, &life).await {
            Err(Died) if !life.is_last => {}
            end => {
                end.expect("the last life is not taken");
                return writer;
            }
        }
    }
}

async fn live(writer: &mut impl Writer, life: &Access) -> Result<(), Died> {
    writer.check(life).await?;
    if life.is_last {
        return Ok(());
    }
    loop {
        writer.write(life).await?;
        life.made.fetch_add(1, Ordering::Relaxed);
    }
}

/// Counts up in three members of its own card at once, one of them sealed.
pub(crate) struct Changes {
    key: UserCardKey,
    pub(crate) count: u64,
    is_unknown: bool,
    pub(crate) tally: Tally,
}

impl Changes {
    pub(crate) fn of(key: UserCardKey) -> Self {
        Self {
            key,
            count: 0,
            is_unknown: false,
            tally: Tally::default(),
        }
    }

    async fn stored(&self, access: &Access) -> Result<u64, Died> {
        let card = answered(access.members.user_cards().get(&self.key).await)?;
        let phone = card.phone_number.as_ref().unwrap().expose();
        // An import has no attach.
        let texts = [card.level.as_deref(), card.attach.as_deref()];
        let numbers = texts.map(|text| text.unwrap_or("0").parse::<u64>().unwrap());
        let half = format!("half a change: {numbers:?} {phone}");
        assert_eq!(numbers[0], numbers[1], "{half}");
        assert_eq!(phone, phone_number(numbers[0]), "{half}");
        Ok(numbers[0])
    }
}

/// Eleven digits with the count in them.
pub(crate) fn phone_number(count: u64) -> String {
    format!("138{count:08}")
}

/// A change that is visible in three places.
pub(crate) fn counted(count: u64) -> UserCardChange {
    UserCardChange::new()
        .level(count.to_string())
        .attach(count.to_string())
        .phone_number(phone_number(count))
}

impl Writer for Changes {
    async fn check(&mut self, access: &Access) -> Result<(), Died> {
        if (self.count, self.is_unknown) == (0, false) {
            return Ok(());
        }
        let stored = match (self.count, self.stored(access).await?) {
            (count, stored) if stored == count => stored,
            (count, stored) if stored == count + 1 && self.is_unknown => {
                self.tally.applied += 1;
                stored
            }
            (count, stored) => panic!("{count} acknowledged, {stored} there"),
        };
        (self.count, self.is_unknown) = (stored, false);
        Ok(())
    }

    async fn write(&mut self, access: &Access) -> Result<(), Died> {
        let count = self.count + 1;
        let cards = access.members.user_cards();
        self.is_unknown = true;
        self.tally.unknown += 1;
        answered(cards.update(&self.key, counted(count)).await)?;
        self.is_unknown = false;
        self.tally.unknown -= 1;
        self.tally.acknowledged += 1;
        self.count = count;
        Ok(())
    }
}

/// Sends what has a number of the merchant's own, and repeats it under the same
/// number until it is acknowledged.
pub(crate) struct Numbered<K> {
    pub(crate) kind: K,
    /// How many are acknowledged.
    pub(crate) done: u64,
    /// Whether the next one may have been made.
    is_unknown: bool,
    pub(crate) tally: Tally,
}

/// What can be sent again.
pub(crate) trait Repeatable: Send + 'static {
    /// Sends the `number`th.
    fn send(
        &mut self,
        access: &Access,
        number: u64,
    ) -> impl Future<Output = Result<(), Died>> + Send;

    /// Whether the `number`th is there, if that can be asked for.
    fn is_there(
        &self,
        access: &Access,
        number: u64,
    ) -> impl Future<Output = Result<Option<bool>, Died>> + Send;

    /// Sends the `number`th with something else in it, which must be refused.
    fn contradict(
        &self,
        access: &Access,
        number: u64,
    ) -> impl Future<Output = Result<(), Died>> + Send;
}

impl<K: Repeatable> Numbered<K> {
    pub(crate) fn new(kind: K) -> Self {
        Self {
            kind,
            done: 0,
            is_unknown: false,
            tally: Tally::default(),
        }
    }
}

impl<K: Repeatable + Sync> Writer for Numbered<K> {
    async fn check(&mut self, access: &Access) -> Result<(), Died> {
        if self.done > 0 {
            let there = self.kind.is_there(access, self.done).await?;
            assert_ne!(there, Some(false), "{} was acknowledged", self.done);
            // The same again has the same answer and does nothing.
            let earlier = self.done.div_ceil(2);
            match access.life % 3 {
                0 => self.kind.send(access, earlier).await?,
                1 => self.kind.contradict(access, earlier).await?,
                _ => {}
            }
        }
        if self.is_unknown {
            // All of it or nothing.
            self.kind.is_there(access, self.done + 1).await?;
            self.kind.send(access, self.done + 1).await?;
            self.is_unknown = false;
            self.done += 1;
            self.tally.acknowledged += 1;
            self.tally.repeated += 1;
        }
        Ok(())
    }

    async fn write(&mut self, access: &Access) -> Result<(), Died> {
        self.is_unknown = true;
        self.tally.unknown += 1;
        self.kind.send(access, self.done + 1).await?;
        self.is_unknown = false;
        self.tally.unknown -= 1;
        self.tally.acknowledged += 1;
        self.done += 1;
        Ok(())
    }
}

/// Points: the balance is told, and no API reads it back.
pub(crate) struct Points(pub(crate) UserCardKey);

impl Repeatable for Points {
    async fn send(&mut self, access: &Access, number: u64) -> Result<(), Died> {
        let balance = balance_after(number);
        let points = access.members.points();
        let answer = answered(points.sync(&self.0, request_no(number), balance).await)?;
        assert_eq!(answer.point_balance, balance);
        Ok(())
    }

    async fn is_there(&self, _: &Access, _: u64) -> Result<Option<bool>, Died> {
        Ok(None)
    }

    async fn contradict(&self, access: &Access, number: u64) -> Result<(), Died> {
        let points = access.members.points();
        refused(points.sync(&self.0, request_no(number), 7).await)
    }
}

/// The balance that the `number`th report tells.
pub(crate) fn balance_after(number: u64) -> i64 {
    10 * i64::try_from(number).unwrap()
}

/// Lines of news on a card.
pub(crate) struct Feeds(pub(crate) UserCardKey);

impl Repeatable for Feeds {
    async fn send(&mut self, access: &Access, number: u64) -> Result<(), Died> {
        let feeds = access.members.feeds();
        let sent = feeds.create(&self.0, request_no(number), number.to_string());
        answered(sent.await).map(drop)
    }

    async fn is_there(&self, _: &Access, _: u64) -> Result<Option<bool>, Died> {
        Ok(None)
    }

    async fn contradict(&self, access: &Access, number: u64) -> Result<(), Died> {
        let feeds = access.members.feeds();
        refused(feeds.create(&self.0, request_no(number), "other").await)
    }
}

/// New templates, each with its title.
pub(crate) struct Templates {
    pub(crate) notify_url: String,
    /// The ids that were given to them.
    pub(crate) card_ids: Vec<String>,
}

impl Repeatable for Templates {
    async fn send(&mut self, access: &Access, number: u64) -> Result<(), Died> {
        let card = new_card(number, &format!("第{number}张"), &self.notify_url);
        let card = answered(access.members.cards().create(card).await)?;
        let index = usize::try_from(number - 1).unwrap();
        match self.card_ids.get(index) {
            Some(known) => assert_eq!(*known, card.card_id, "made twice"),
            None => self.card_ids.push(card.card_id),
        }
        Ok(())
    }

    async fn is_there(&self, access: &Access, number: u64) -> Result<Option<bool>, Died> {
        let index = usize::try_from(number - 1).unwrap();
        // Of one that is not acknowledged nobody knows the id.
        let Some(card_id) = self.card_ids.get(index) else {
            return Ok(None);
        };
        found(access.members.cards().get(card_id).await)
    }

    async fn contradict(&self, access: &Access, number: u64) -> Result<(), Died> {
        let card = new_card(number, "别的", &self.notify_url);
        refused(access.members.cards().create(card).await)
    }
}

pub(crate) fn new_card(number: u64, title: &str, notify_url: &str) -> NewCard {
    NewCard::new(request_no(number), "wxea9c30890f48d5ae", title)
        .card_color("#FFFF00")
        .card_picture_url("https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0")
        .benefits("会员折扣、专属价")
        .notify_url(notify_url)
}

/// Members from elsewhere.
pub(crate) struct Imports {
    pub(crate) card_id: String,
}

impl Imports {
    pub(crate) fn key(&self, number: u64) -> UserCardKey {
        let (code, openid) = (format!("im{number}"), format!("oImported{number}"));
        UserCardKey::new(code, &*self.card_id, openid)
    }
}

impl Repeatable for Imports {
    async fn send(&mut self, access: &Access, number: u64) -> Result<(), Died> {
        import(access, &self.key(number), number).await
    }

    async fn is_there(&self, access: &Access, number: u64) -> Result<Option<bool>, Died> {
        let card = access.members.user_cards().get(&self.key(number)).await;
        if let Ok(card) = &card {
            let phone = card.phone_number.as_ref().unwrap().expose();
            let level = card.level.as_deref().unwrap();
            assert_eq!(
                (level, phone),
                (&*number.to_string(), &*phone_number(number))
            );
        }
        found(card)
    }

    async fn contradict(&self, access: &Access, number: u64) -> Result<(), Died> {
        let key = self.key(number);
        let import = UserCardImport::new(&key.card_id, "other", ValidDateInformation::permanent());
        let cards = access.members.user_cards();
        refused(cards.import_by_openid(key.openid, import).await)
    }
}

/// Makes a member with the count in two members, one of them sealed.
pub(crate) async fn import(access: &Access, key: &UserCardKey, count: u64) -> Result<(), Died> {
    let validity = ValidDateInformation::permanent();
    let mut import = UserCardImport::new(&key.card_id, &key.user_card_code, validity);
    import.level = Some(count.to_string());
    import.phone_number = Some(phone_number(count).into());
    let cards = access.members.user_cards();
    answered(cards.import_by_openid(&key.openid, import).await).map(drop)
}

fn request_no(number: u64) -> String {
    format!("number-{number}")
}

fn found<T>(answer: kabao::Result<T>) -> Result<Option<bool>, Died> {
    match answer {
        Err(error) if error.status().is_some_and(|status| status == 404) => Ok(Some(false)),
        other => answered(other).map(|_| Some(true)),
    }
}

fn refused<T: std::fmt::Debug>(answer: kabao::Result<T>) -> Result<(), Died> {
    match answer {
        Err(error) if error.kind() == ErrorKind::Refused => Ok(()),
        other => answered(other).map(|answer| panic!("a number was used twice: {answer:?}")),
    }
}
