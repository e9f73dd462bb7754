//! Serves the pages on a runtime of its own, so that callers stay synchronous.

use crate::WebOptions;
use desk::Desk;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const WORKERS: usize = 2;
/// Pages and commands being worked on at once; more wait in line.
const MAX_AT_ONCE: usize = 96;
/// Live streams never end by themselves: after this they are cut.
const STOP_WITHIN: Duration = Duration::from_millis(1500);

#[derive(Debug, Error)]
pub enum WebError {
    #[error(
        "cannot listen on {listen}; is another program using the port? Choose another one with --listen"
    )]
    Listen { listen: String, source: io::Error },
    #[error("cannot start the web interface's threads")]
    Threads(#[source] io::Error),
}

/// The web interface while it runs. Dropping it cuts everything off at once.
pub struct Running {
    pub addr: SocketAddr,
    runtime: Runtime,
    stop: oneshot::Sender<()>,
    served: JoinHandle<io::Result<()>>,
}

/// Starts serving; returns when the port is open.
pub fn start(desk: Desk, options: WebOptions) -> Result<Running, WebError> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(MAX_AT_ONCE)
        .thread_name("web")
        .enable_all()
        .build()
        .map_err(WebError::Threads)?;
    let listen = options.listen.clone();
    let refused = |source| WebError::Listen {
        listen: listen.clone(),
        source,
    };
    let listener = runtime
        .block_on(TcpListener::bind(&listen))
        .map_err(refused)?;
    let addr = listener.local_addr().map_err(refused)?;
    let service = crate::router(desk, options).into_make_service_with_connect_info::<SocketAddr>();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = runtime.spawn(async move {
        let until = async {
            // An error means that `Running` was dropped, which stops the runtime anyway.
            let _ = stopped.await;
        };
        axum::serve(listener, service)
            .with_graceful_shutdown(until)
            .await
    });
    Ok(Running {
        addr,
        runtime,
        stop,
        served,
    })
}

impl Running {
    /// `http://ADDR`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
    /// Lets requests that are being answered end, then closes.
    pub fn stop(self) {
        // Nobody listens any more when the server has ended by itself.
        let _ = self.stop.send(());
        let ended = self
            .runtime
            .block_on(async { tokio::time::timeout(STOP_WITHIN, self.served).await });
        if ended.is_err() {
            tracing::debug!("live streams were cut at the end");
        }
        self.runtime.shutdown_timeout(STOP_WITHIN);
    }
}
