//! The thread that serves the sockets, and how a thread waits for an answer without a runtime of
//! its own: one that belongs to a runtime already would not be let into another.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, Runtime};

/// One thread for all connections of a store.
pub(crate) struct Line {
    /// Always there; taken when it is dropped.
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Line {
    pub fn open() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("store-line")
            .enable_all()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Waiting for its end would not be allowed everywhere where a store may be dropped.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The outcome, or `None` when it takes longer.
pub(super) fn wait<F: Future>(work: F, within: Duration) -> Option<F::Output> {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut work = pin!(work);
    let end = Instant::now() + within;
    loop {
        if let Poll::Ready(outcome) = work.as_mut().poll(&mut context) {
            return Some(outcome);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        std::thread::park_timeout(left);
    }
}

/// Between two tries to reach a server.
pub(crate) fn pause(time: Duration) {
    wait(std::future::pending::<()>(), time);
}
