//! The faults on duty: those that are ordered, in all processes on one store.
//!
//! Each process has a copy (`current.rs` keeps it fresh), so that who is befallen
//! by none asks nobody, and who is befallen by one that has no end does not either.
//! What is left of a `skip` or a `count` is in the store alone, and is taken there.
//! Chance is each process's own, from the seed on.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use super::{Fault, Occasion, Part, Strike, chance::Chance, strike::Struck};
use crate::{
    app::failed,
    random,
    store::{OrderedFault, Store, StoreError},
};

/// The faults that are ordered.
#[derive(Debug)]
pub(crate) struct Faults {
    store: Arc<dyn Store>,
    copy: Mutex<Copied>,
    /// Whether there are any, which nearly every request finds there are not.
    any: AtomicBool,
}

#[derive(Debug, Default)]
struct Copied {
    /// As they were last read.
    ordered: Vec<OrderedFault>,
    /// The same, but for those that are spent since, and those of kinds that only
    /// a newer version knows.
    armed: Vec<Armed>,
}

#[derive(Debug)]
struct Armed {
    id: u64,
    fault: Fault,
    chance: Chance,
}

impl Faults {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            copy: Mutex::default(),
            any: AtomicBool::new(false),
        }
    }

    /// Orders a fault, for whoever looks from now on. The inner error is why it is
    /// not taken.
    pub(crate) async fn order(&self, fault: &Fault) -> Result<Result<(), String>, StoreError> {
        let ordered = OrderedFault {
            id: random::fault_id(),
            order: fault.to_json(),
        };
        let bytes = ordered.order.to_string().len();
        if bytes > LONGEST {
            return Ok(Err(format!(
                "an order has up to {LONGEST} bytes, this one {bytes} bytes"
            )));
        }
        let add = move |faults: &mut Vec<OrderedFault>| {
            let has_room = faults.len() < MOST;
            if has_room {
                faults.push(ordered.clone());
            }
            has_room
        };
        let (added, _) = self.store.change_faults(Arc::new(add)).await?;
        Ok(match added {
            true => Ok(()),
            false => Err(format!(
                "there are {MOST} faults already, and no more at a time; clear them first"
            )),
        })
    }

    /// Calls all off, for whoever looks from now on.
    pub(crate) async fn clear(&self) -> Result<(), StoreError> {
        let clear = |faults: &mut Vec<OrderedFault>| {
            faults.clear();
            true
        };
        self.store.change_faults(Arc::new(clear)).await?;
        Ok(())
    }

    /// What is ordered, counted down to what is left.
    pub(crate) fn ordered(&self) -> Vec<Value> {
        let copy = self.lock();
        let orders = copy.ordered.iter().map(|ordered| ordered.order.clone());
        orders.collect()
    }

    /// Makes the copy anew. Whoever has tossed goes on tossing.
    pub(crate) fn keep(&self, ordered: Vec<OrderedFault>) {
        let mut copy = self.lock();
        if copy.ordered == ordered {
            return;
        }
        let mut before = std::mem::take(&mut copy.armed);
        copy.armed = ordered
            .iter()
            .filter_map(|OrderedFault { id, order }| {
                let fault = read(order)?;
                let known = before.iter().position(|armed| armed.id == *id);
                let chance = match known {
                    Some(known) => before.swap_remove(known).chance,
                    None => Chance::new(fault.selector.seed.unwrap_or_default()),
                };
                let id = *id;
                Some(Armed { id, fault, chance })
            })
            .collect();
        copy.ordered = ordered;
        self.any.store(!copy.armed.is_empty(), Ordering::Release);
    }

    /// What befalls this one, its clock aside.
    pub(crate) async fn strike(&self, occasion: &Occasion<'_>) -> Strike {
        self.meet(occasion, &[Part::Content, Part::Way, Part::Signature])
            .await
    }

    /// How far the clock is off for this one.
    pub(crate) async fn skew(&self, occasion: &Occasion<'_>) -> Strike {
        self.meet(occasion, &[Part::Clock]).await
    }

    /// The first fault of each of these parts, until the store does not say.
    async fn meet(&self, occasion: &Occasion<'_>, parts: &[Part]) -> Strike {
        let mut strike = Strike::default();
        if !self.any.load(Ordering::Acquire) {
            return strike;
        }
        for part in parts {
            if *part == Part::Signature && !strike.shows_signature() {
                continue;
            }
            for id in self.selecting(occasion, *part) {
                match self.falls(id).await {
                    Ok(None) => {}
                    Ok(Some(struck)) => {
                        strike.faults.push(struck);
                        break;
                    }
                    // Whether it was counted is unknown; it befalls nobody.
                    Err(error) => {
                        strike.unsure = Some(failed(&error));
                        return strike;
                    }
                }
            }
        }
        strike
    }

    fn selecting(&self, occasion: &Occasion<'_>, part: Part) -> Vec<u64> {
        let copy = self.lock();
        let selecting = copy.armed.iter().filter(|armed| {
            let fault = &armed.fault;
            fault.kind.part() == part && fault.selects(occasion)
        });
        selecting.map(|armed| armed.id).collect()
    }

    /// Whether one that is selected is befallen: it may be passed over first,
    /// then chance decides, then it is counted.
    async fn falls(&self, id: u64) -> Result<Option<Struck>, StoreError> {
        let left = self.of(id, |armed| armed.fault.selector.skip);
        if left.flatten() > Some(0) && self.takes(id, SKIP).await? {
            return Ok(None);
        }
        let befallen = self.of(id, |armed| {
            let Armed { fault, chance, .. } = armed;
            let probability = fault.selector.probability;
            let is_let_off = probability.is_some_and(|probability| chance.number() >= probability);
            (!is_let_off).then(|| (Struck::new(fault, chance), fault.selector.count))
        });
        Ok(match befallen.flatten() {
            Some((_, Some(_))) if !self.takes(id, COUNT).await? => None,
            befallen => befallen.map(|(struck, _)| struck),
        })
    }

    /// Takes one of what is left in the store, if anything is.
    async fn takes(&self, id: u64, member: &'static str) -> Result<bool, StoreError> {
        let take = move |faults: &mut Vec<OrderedFault>| take(faults, id, member);
        let (taken, ordered) = self.store.change_faults(Arc::new(take)).await?;
        let left = ordered.iter().find(|ordered| ordered.id == id);
        let left = left.and_then(|ordered| read(&ordered.order));
        let mut copy = self.lock();
        match (copy.armed.iter_mut().find(|armed| armed.id == id), left) {
            (Some(armed), Some(left)) => armed.fault = left,
            _ => copy.armed.retain(|armed| armed.id != id),
        }
        self.any.store(!copy.armed.is_empty(), Ordering::Release);
        Ok(taken)
    }

    /// Asks an order that is still there.
    fn of<T>(&self, id: u64, ask: impl FnOnce(&mut Armed) -> T) -> Option<T> {
        let mut copy = self.lock();
        copy.armed.iter_mut().find(|armed| armed.id == id).map(ask)
    }

    fn lock(&self) -> MutexGuard<'_, Copied> {
        self.copy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many may be ordered, and how long each is in bytes of JSON: all are read every
/// second, and written whenever one is counted.
const MOST: usize = 1_000;
const LONGEST: usize = 4 * 1024;

const SKIP: &str = "skip";
const COUNT: &str = "count";

/// Takes one of a number that an order still has, unless that is used up. An
/// order whose count is used up goes.
fn take(faults: &mut Vec<OrderedFault>, id: u64, member: &str) -> bool {
    let Some(at) = faults.iter().position(|fault| fault.id == id) else {
        return false;
    };
    let Some(number) = faults[at].order.get_mut(member) else {
        return false;
    };
    let Some(left) = number.as_u64().and_then(|left| left.checked_sub(1)) else {
        return false;
    };
    *number = json!(left);
    if member == COUNT && left == 0 {
        faults.remove(at);
    }
    true
}

fn read(order: &Value) -> Option<Fault> {
    let fault = Fault::from_json(order.clone());
    fault
        .inspect_err(|issue| {
            tracing::warn!(issue, %order, "a fault that was ordered is not understood here");
        })
        .ok()
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;
    use crate::{store, vault::MasterKey};

    fn store() -> Arc<dyn Store> {
        let key = MasterKey::generate().expect("a key");
        store::open("memory", &key).expect("a store")
    }

    async fn order(faults: &Faults, order: Value) {
        let fault = Fault::from_json(order).expect("a fault");
        let ordered = faults.order(&fault).await.expect("asked");
        ordered.expect("there is room");
        look(faults).await;
    }

    async fn look(faults: &Faults) {
        let watched = faults.store.watched().await.expect("read");
        faults.keep(watched.faults);
    }

    async fn ordered(orders: impl IntoIterator<Item = Value>) -> Faults {
        let faults = Faults::new(store());
        for wanted in orders {
            order(&faults, wanted).await;
        }
        faults
    }

    async fn kinds(faults: &Faults, occasion: &Occasion<'_>) -> Vec<&'static str> {
        let noted = faults.strike(occasion).await.noted().into_iter();
        noted.map(|noted| noted.kind).collect()
    }

    /// Whether a request is befallen.
    async fn hits(faults: &Faults) -> bool {
        !kinds(faults, &request("GET", "/v3/x")).await.is_empty()
    }

    fn request<'a>(method: &'a str, path: &'a str) -> Occasion<'a> {
        Occasion::request(method, path, Some("get_user_card")).by("1900000001")
    }

    #[tokio::test]
    async fn strikes_as_often_as_asked_and_only_where_asked() {
        let faults = ordered([json!({
            "kind": "bad_signature", "count": 2, "skip": 1, "method": "get", "path": "/v3/",
            "caller": "1900000001", "operation": "get_user_card",
        })])
        .await;
        for other in [
            request("POST", "/v3/x"),
            request("GET", "/brand/x"),
            Occasion::request("GET", "/v3/x", Some("list_cards")).by("1900000001"),
            Occasion::request("GET", "/v3/x", Some("get_user_card")).by("1004"),
            Occasion::notification("/v3/x", "1900000001"),
        ] {
            assert!(kinds(&faults, &other).await.is_empty(), "{other:?}");
        }
        for wanted in [false, true, true, false] {
            assert_eq!(hits(&faults).await, wanted);
        }
        look(&faults).await;
        assert!(faults.ordered().is_empty());
    }

    #[tokio::test]
    async fn of_each_part_the_first_that_is_ordered_strikes() {
        let faults = ordered([
            json!({"kind": "probe", "count": 1}),
            json!({"kind": "missing_signature"}),
            json!({"kind": "delay", "ms": 1, "count": 2}),
            json!({"kind": "lost_answer"}),
            json!({"kind": "error_envelope", "count": 1}),
        ])
        .await;
        let names = async || kinds(&faults, &Occasion::request("GET", "/v3/x", None)).await;
        assert_eq!(names().await, ["error_envelope", "delay", "probe"]);
        assert_eq!(names().await, ["delay", "missing_signature"]);
        // Of what does not arrive nobody sees the signature.
        assert_eq!(names().await, ["lost_answer"]);
        faults.clear().await.expect("called off");
        look(&faults).await;
        assert!(names().await.is_empty());
    }

    #[tokio::test]
    async fn what_has_no_signature_uses_up_no_fault_of_signatures() {
        let faults = ordered([
            json!({"kind": "bad_signature", "count": 1}),
            json!({"kind": "html", "count": 1}),
        ])
        .await;
        for wanted in [&["html"][..], &["bad_signature"], &[]] {
            assert_eq!(kinds(&faults, &request("GET", "/v3/x")).await, wanted);
        }
    }

    #[tokio::test]
    async fn a_seed_befalls_the_same_ones_again() {
        let run = async |order: Value| {
            let faults = ordered([order]).await;
            let mut struck = Vec::new();
            for _ in 0..200 {
                struck.push(hits(&faults).await);
            }
            struck
        };
        let seeded = |seed: u64| json!({"kind": "probe", "probability": 0.3, "seed": seed});
        let seven = run(seeded(7)).await;
        assert_ne!(seven, run(seeded(8)).await);
        let struck = seven.iter().filter(|struck| **struck).count();
        assert!((40..=80).contains(&struck), "{struck} of 200");
        let mut counted = seeded(7);
        counted["count"] = 1000.into();
        assert_eq!(seven, run(counted).await);
        // Reading all anew begins no chance anew.
        let faults = ordered([seeded(7)]).await;
        for (number, wanted) in seven.into_iter().enumerate() {
            if number == 50 {
                order(&faults, json!({"kind": "duplicate"})).await;
            }
            assert_eq!(hits(&faults).await, wanted, "{number}");
        }
        let never = ordered([json!({"kind": "probe", "probability": 0.0})]).await;
        let always = ordered([json!({"kind": "probe", "probability": 1.0})]).await;
        for _ in 0..200 {
            assert!(!hits(&never).await && hits(&always).await);
        }
    }

    #[tokio::test]
    async fn a_clock_is_off_for_requests_and_notifications_alike() {
        let faults = ordered([json!({"kind": "clock_skew", "seconds": -90})]).await;
        for occasion in [
            Occasion::request("GET", "/v3/x", None),
            Occasion::notification("/notify", "1004"),
        ] {
            assert_eq!(faults.skew(&occasion).await.seconds(), -90);
            assert!(faults.strike(&occasion).await.noted().is_empty());
        }
    }

    #[tokio::test]
    async fn two_count_together_and_toss_apart() {
        let store = store();
        let [one, other] = [(); 2].map(|()| Faults::new(Arc::clone(&store)));
        order(&one, json!({"kind": "probe", "skip": 1, "count": 3})).await;
        assert!(!hits(&other).await, "it has not looked yet");
        look(&other).await;
        let mut struck = Vec::new();
        for _ in 0..3 {
            struck.extend([hits(&one).await, hits(&other).await]);
        }
        assert_eq!(struck, [false, true, true, true, false, false]);

        let half = json!({"kind": "probe", "probability": 0.5, "seed": 7});
        order(&one, half).await;
        look(&other).await;
        for _ in 0..50 {
            assert_eq!(hits(&one).await, hits(&other).await);
        }
        other.clear().await.expect("called off");
        look(&one).await;
        assert!(one.ordered().is_empty() && !one.any.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn there_is_an_end_to_orders() {
        let faults = ordered([]).await;
        let fault = Fault::from_json(json!({"kind": "probe"})).expect("a fault");
        let other = OrderedFault {
            id: 1,
            order: fault.to_json(),
        };
        let others = move |faults: &mut Vec<OrderedFault>| {
            faults.extend(vec![other.clone(); MOST - 1]);
            true
        };
        let others = faults.store.change_faults(Arc::new(others));
        others.await.expect("ordered");
        let order = async || faults.order(&fault).await.expect("asked");
        assert_eq!(order().await, Ok(()));
        let issue = order().await.expect_err("one too many");
        assert!(issue.contains("1000 faults"), "{issue}");
        look(&faults).await;
        assert_eq!(faults.ordered().len(), MOST);
        faults.clear().await.expect("called off");
        assert_eq!(order().await, Ok(()));
    }

    #[tokio::test]
    async fn what_a_newer_version_ordered_is_shown_and_let_be() {
        let store = store();
        let earthquake = json!({"kind": "earthquake", "count": 2});
        let ordered = OrderedFault {
            id: 1,
            order: earthquake.clone(),
        };
        let newer = move |faults: &mut Vec<OrderedFault>| {
            faults.push(ordered.clone());
            true
        };
        let newer = store.change_faults(Arc::new(newer));
        newer.await.expect("ordered");
        let faults = Faults::new(store);
        look(&faults).await;
        assert!(!hits(&faults).await);
        order(&faults, json!({"kind": "probe", "count": 1})).await;
        assert!(hits(&faults).await);
        look(&faults).await;
        assert_eq!(faults.ordered(), [earthquake]);
    }
}
