//! Looks a name up once for a request and lets only addresses through that may be reached.
//!
//! ```text
//! name ─► looked up, once ─► every address judged ─► the connection goes to exactly these
//! ```
//! Nothing looks the name up a second time, so an answer that changes between the check and the
//! connection changes nothing.

use super::allow::AllowList;
use super::range::inward;
use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Addresses of one answer that are looked at; a host with more is tried at its first.
const MAX_ADDRESSES: usize = 16;
/// Addresses that are tried for one request.
const MAX_TRIED: usize = 4;
/// Look-ups under way at once, each a thread that a dead name server may keep for half a minute.
const MAX_LOOKUPS: usize = 16;

/// Who turns a name into addresses. Called once for each request, on a thread that may be left
/// behind when the time is up.
pub trait Lookup: Send + Sync + 'static {
    fn addresses(&self, host: &str, port: u16) -> std::io::Result<Vec<IpAddr>>;
}

/// The system's name service.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn addresses(&self, host: &str, port: u16) -> std::io::Result<Vec<IpAddr>> {
        let found = (host, port).to_socket_addrs()?;
        Ok(found.map(|a| a.ip()).take(MAX_ADDRESSES).collect())
    }
}

/// Why a host was not connected to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stopped {
    #[error("the host leads to {0}")]
    Inward(&'static str),
    #[error("too many names are being looked up")]
    Busy,
}

#[derive(Clone)]
pub(super) struct Guard {
    pub lookup: Arc<dyn Lookup>,
    pub allow: AllowList,
    pub under_way: Arc<AtomicUsize>,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

impl Guard {
    /// The addresses of a host, all of which may be reached.
    pub fn reachable(
        &self,
        host: &str,
        port: u16,
        time: Duration,
    ) -> Result<Vec<IpAddr>, ureq::Error> {
        let found = self.look_up(host, port, time)?;
        for address in &found {
            // One bad address spoils the answer: else the good ones would only have to be down.
            if let Some(inward) = inward(*address)
                && !self.allow.permits(host, *address, inward)
            {
                return Err(ureq::Error::Other(Box::new(Stopped::Inward(inward.word()))));
            }
        }
        Ok(found)
    }

    fn look_up(&self, host: &str, port: u16, time: Duration) -> Result<Vec<IpAddr>, ureq::Error> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse() {
            return Ok(vec![address]);
        }
        let slot = Slot::take(&self.under_way)
            .ok_or_else(|| ureq::Error::Other(Box::new(Stopped::Busy)))?;
        let (lookup, name) = (Arc::clone(&self.lookup), bare.to_owned());
        let (answer, answered) = mpsc::sync_channel(1);
        let looked = move || {
            // Nobody may be waiting any more.
            let _ = answer.send(lookup.addresses(&name, port));
            drop(slot);
        };
        std::thread::Builder::new()
            .name("look-up".into())
            .spawn(looked)
            .map_err(ureq::Error::Io)?;
        match answered.recv_timeout(time) {
            Ok(Ok(found)) if !found.is_empty() => Ok(found),
            Ok(_) => Err(ureq::Error::HostNotFound),
            Err(_) => Err(ureq::Error::Timeout(ureq::Timeout::Resolve)),
        }
    }
}

impl Resolver for Guard {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default();
        let port = match (uri.port_u16(), uri.scheme_str()) {
            (Some(port), _) => port,
            (None, Some("https")) => 443,
            (None, _) => 80,
        };
        let mut allowed = self.empty();
        let found = self.reachable(host, port, *timeout.after)?;
        for address in found.into_iter().take(MAX_TRIED) {
            allowed.push(SocketAddr::new(address, port));
        }
        Ok(allowed)
    }
}

/// One look-up of those that may be under way.
struct Slot(Arc<AtomicUsize>);

impl Slot {
    fn take(under_way: &Arc<AtomicUsize>) -> Option<Self> {
        let before = under_way.fetch_add(1, Ordering::SeqCst);
        let slot = Self(Arc::clone(under_way));
        (before < MAX_LOOKUPS).then_some(slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
