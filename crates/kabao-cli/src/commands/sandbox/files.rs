//! How many files, and so connections, this process may have open.

/// Raises the limit as far as is allowed, and tells how many connections fit
/// beside what else is open. `None` if there is no limit.
#[cfg(unix)]
pub(super) fn most_connections() -> Option<u32> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    // The store, notifications, and those who are told that there are too many.
    const OTHERS: u64 = 256;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    );
    let limit = match raised {
        Ok(()) => maximum,
        // Some systems call it unlimited and mean less.
        Err(_) => current,
    };
    let limit = limit?;
    // With very few files, connections get half of them.
    let most = limit.saturating_sub(OTHERS).max(limit / 2).max(1);
    Some(u32::try_from(most).unwrap_or(u32::MAX))
}

/// Sockets are not counted as files.
#[cfg(not(unix))]
pub(super) fn most_connections() -> Option<u32> {
    None
}
