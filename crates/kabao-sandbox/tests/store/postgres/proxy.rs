//! A way to a server that can fall silent, as a network does.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

/// Passes bytes on, from the port it listens on to another of this machine.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    way: Arc<Way>,
}

#[derive(Default)]
struct Way {
    is_silent: Mutex<bool>,
    speaks_again: Condvar,
    /// How often all connections were lost.
    losses: AtomicUsize,
    round_trips: AtomicUsize,
}

impl Proxy {
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let way = Arc::new(Way::default());
        let shared = Arc::clone(&way);
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                // A server that is away lets its client down.
                if let Ok(server) = TcpStream::connect(("127.0.0.1", port)) {
                    Way::join(&shared, &client, &server);
                }
            }
        });
        Self { port: own, way }
    }

    /// From now on nothing arrives, and nothing is refused either.
    pub(crate) fn fall_silent(&self) {
        *self.way.is_silent.lock().unwrap() = true;
    }

    /// What was held back arrives.
    pub(crate) fn speak_again(&self) {
        *self.way.is_silent.lock().unwrap() = false;
        self.way.speaks_again.notify_all();
    }

    /// The connections that there are pass nothing on any more, and do not end. New
    /// ones are as good as ever.
    pub(crate) fn lose_connections(&self) {
        self.way.losses.fetch_add(1, Ordering::SeqCst);
    }

    /// How often a client has spoken after a server, on any connection.
    pub(crate) fn round_trips(&self) -> usize {
        self.way.round_trips.load(Ordering::SeqCst)
    }
}

impl Way {
    fn join(way: &Arc<Self>, client: &TcpStream, server: &TcpStream) {
        let is_clients_turn = Arc::new(AtomicBool::new(true));
        let losses = way.losses.load(Ordering::SeqCst);
        for (mut from, mut to, is_client) in [
            (
                client.try_clone().unwrap(),
                server.try_clone().unwrap(),
                true,
            ),
            (
                server.try_clone().unwrap(),
                client.try_clone().unwrap(),
                false,
            ),
        ] {
            let (way, is_clients_turn) = (Arc::clone(way), Arc::clone(&is_clients_turn));
            from.set_nodelay(true).unwrap();
            thread::spawn(move || {
                let mut bytes = [0; 16 << 10];
                loop {
                    let read = from.read(&mut bytes).unwrap_or(0);
                    way.wait();
                    if way.losses.load(Ordering::SeqCst) > losses {
                        // Whoever has an end of it is left hanging.
                        std::mem::forget((from, to));
                        return;
                    }
                    if is_clients_turn.swap(!is_client, Ordering::SeqCst) && is_client {
                        way.round_trips.fetch_add(1, Ordering::SeqCst);
                    }
                    if read == 0 || to.write_all(&bytes[..read]).is_err() {
                        break;
                    }
                }
                // Either end may be gone already.
                let _ = to.shutdown(Shutdown::Both);
                let _ = from.shutdown(Shutdown::Both);
            });
        }
    }

    fn wait(&self) {
        let silent = self.is_silent.lock().unwrap();
        drop(
            self.speaks_again
                .wait_while(silent, |silent| *silent)
                .unwrap(),
        );
    }
}
