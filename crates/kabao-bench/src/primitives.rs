//! The cryptography that no implementation can do without.

use anyhow::{Context as _, Result};
use kabao::core::{
    PrivateKey, Sealed, Sensitive,
    sensitive::{Opener as _, Sealer as _},
    signature::Verifier as _,
};

use crate::measure::{cpu_time, median, micros_each};

/// Microseconds of CPU for one operation each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Primitives {
    pub(crate) sign: f64,
    pub(crate) verify: f64,
    pub(crate) open: f64,
    pub(crate) seal: f64,
}

impl Primitives {
    /// The parts, as they stand beside a ratio.
    pub(crate) fn parts(samples: &[Self], cpu_us_per_call: f64) -> [(&'static str, f64); 5] {
        let middle = |part: fn(&Self) -> f64| median(samples.iter().map(part));
        [
            ("sign_us", middle(|sample| sample.sign)),
            ("verify_us", middle(|sample| sample.verify)),
            ("open_us", middle(|sample| sample.open)),
            ("seal_us", middle(|sample| sample.seal)),
            ("cpu_us_per_call", cpu_us_per_call),
        ]
    }
}

/// Keys to measure with.
pub(crate) struct Bench {
    key: PrivateKey,
    message: Vec<u8>,
    signature: Vec<u8>,
    value: Sensitive,
    sealed: Sealed,
}

impl Bench {
    pub(crate) fn new() -> Result<Self> {
        let key = PrivateKey::generate().context("no key")?;
        let message = vec![b'x'; 700];
        let value = Sensitive::from("13800138000");
        Ok(Self {
            signature: key.sign_now(&message)?,
            sealed: key.public_key().seal(&value)?,
            key,
            message,
            value,
        })
    }

    /// Measures each operation for some ten milliseconds, on `threads` threads
    /// at once: beside a call under load no core is idle either, and a busy
    /// neighbour makes a core slower.
    pub(crate) fn sample(&self, threads: usize) -> Primitives {
        let public = self.key.public_key();
        Primitives {
            sign: each(threads, 60, || self.key.sign_now(&self.message).is_ok()),
            verify: each(threads, 400, || {
                public.verifies(&self.message, &self.signature)
            }),
            open: each(threads, 60, || self.key.open(&self.sealed).is_ok()),
            seal: each(threads, 400, || public.seal(&self.value).is_ok()),
        }
    }
}

fn each(threads: usize, count: usize, operation: impl Fn() -> bool + Sync) -> f64 {
    let before = cpu_time();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..count {
                    std::hint::black_box(operation());
                }
            });
        }
    });
    micros_each(cpu_time().saturating_sub(before), threads * count)
}
