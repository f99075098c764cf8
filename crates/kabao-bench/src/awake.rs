//! Keeps the cores from halting while something is measured.
//!
//! Waking a halted core is paid for by whoever wakes it, and inside a virtual
//! machine that takes several microseconds: an answer that meets a client asleep
//! on an idle machine then costs more than the same answer under load. So that
//! figures do not depend on who else uses the machine, something of the lowest
//! priority is always ready to run.

use std::{io::Read as _, process::Stdio};

use anyhow::Result;
use tokio::process::{Child, Command};

/// The cores are awake while it lives.
#[derive(Debug)]
pub(crate) struct Awake {
    _spinning: Vec<Child>,
}

impl Awake {
    pub(crate) fn keep(cores: usize) -> Result<Self> {
        let program = std::env::current_exe()?;
        let spinning = (0..cores).map(|_| {
            let mut command = Command::new(&program);
            command.arg("spin").stdin(Stdio::piped()).kill_on_drop(true);
            Ok(command.spawn()?)
        });
        Ok(Self {
            _spinning: spinning.collect::<Result<_>>()?,
        })
    }
}

/// The other side: spins until stdin ends, which it does with the parent.
pub(crate) fn spin() -> Result<()> {
    // Hardly a percent of a core that has anything else to do.
    rustix::process::nice(19)?;
    std::thread::spawn(|| {
        loop {
            std::hint::spin_loop();
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
