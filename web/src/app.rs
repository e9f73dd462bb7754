//! What all requests share.

use crate::WebOptions;
use crate::flood::Flood;
use desk::Desk;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// Open live streams in all; one more is answered with 503 and the page works without.
const MAX_STREAMS: usize = 512;
/// Requests with files received at once; beyond it files are left out and the words are taken.
const MAX_RECEIVING: usize = 16;
/// How long the watcher may outlive the router.
const WATCH_TURN: Duration = Duration::from_millis(250);

pub(crate) struct App {
    pub desk: Desk,
    pub options: WebOptions,
    /// Rises with every stored change.
    pub changes: watch::Receiver<u64>,
    pub streams: Arc<Semaphore>,
    /// How many reports come, and from where.
    pub flood: Flood,
    /// Requests with files that are being received.
    pub receiving: Semaphore,
    /// Requests of programs under way.
    pub keys: desk::idempotency::Keys,
}

impl App {
    pub fn new(desk: Desk, options: WebOptions) -> Self {
        let (sender, changes) = watch::channel(0);
        let watched = desk.clone();
        // One thread waits for all the streams. It ends when the last receiver is gone.
        let spawned = std::thread::Builder::new()
            .name("web-changes".to_owned())
            .spawn(move || {
                let mut seen = 0;
                while !sender.is_closed() {
                    let now = watched.wait_for_change(seen, WATCH_TURN);
                    if now != seen {
                        seen = now;
                        sender.send_replace(now);
                    }
                }
            });
        if let Err(error) = spawned {
            tracing::warn!(%error, "no thread for live updates; pages must be reloaded by hand");
        }
        Self {
            desk,
            options,
            changes,
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            flood: Flood::default(),
            receiving: Semaphore::new(MAX_RECEIVING),
            keys: desk::idempotency::Keys::default(),
        }
    }
}
