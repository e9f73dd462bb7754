//! The one way out: an HTTP client for requests to places that a configuration names.
//!
//! It speaks http and https, follows no redirect, uses no proxy and no cookie, looks a name up
//! once and connects to exactly what was found, and refuses what lies inside (loopback, private
//! networks, metadata) unless the operator's list names it. A whole request takes at most 15 s.
//! Plain http goes only to what the list names: a robot's URL is its secret.
//!
//! Deliberately not here: what is said, and retries.

mod allow;
mod authorities;
mod guard;
mod range;
mod target;

pub use allow::AllowList;
pub use guard::{Lookup, SystemLookup};
pub use range::{Inward, inward};
pub use target::Target;

pub(crate) use authorities::authorities;
use guard::{Guard, Stopped};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;

/// Of one request, from the look-up to the last byte of the answer.
pub const TIME_OUT: Duration = Duration::from_secs(15);
/// Of a look-up for a URL that somebody writes down.
const LOOK_UP: Duration = Duration::from_secs(5);
/// Of an answer's body; the rest is not read. Robots answer with a line or two.
pub const MAX_ANSWER_BYTES: u64 = 64 * 1024;
const MAX_ANSWER_HEADER_BYTES: usize = 16 * 1024;

/// None of them shows a URL, a header or a body: any of these may hold a secret.
#[derive(Debug, Error)]
pub enum OutboundError {
    #[error("the URL cannot be used: {why}")]
    Address { why: &'static str },
    #[error("the host leads to {kind}; name it in `allow` if that is meant")]
    Inward { kind: &'static str },
    #[error(
        "plain http would show the message and its secret on the way; use https, or name the host in `allow`"
    )]
    Plain,
    #[error("the certificates in {} cannot be read", path.display())]
    Authorities {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("no certificates of authorities were found; name a `ca_file`")]
    NoAuthorities,
    #[error("the host has no address")]
    NoHost,
    #[error("it took longer than 15 s")]
    TimeOut,
    #[error("TLS failed; check the host's certificate and `ca_file`")]
    Tls(#[source] ureq::Error),
    #[error("the request was not well formed")]
    Request,
    #[error("the connection failed")]
    Connection(#[source] std::io::Error),
    #[error("the answer was no HTTP")]
    Answer,
    #[error("too many names are being looked up")]
    Busy,
}

impl OutboundError {
    /// Whether the same request may succeed later without anybody changing a setting.
    pub fn passes(&self) -> bool {
        match self {
            Self::NoHost | Self::TimeOut | Self::Connection(_) | Self::Answer | Self::Busy => true,
            Self::Address { .. }
            | Self::Inward { .. }
            | Self::Plain
            | Self::Authorities { .. }
            | Self::NoAuthorities
            | Self::Tls(_)
            | Self::Request => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
}

/// What is sent. Names of headers are lower-case.
pub struct Request<'a> {
    pub method: Method,
    pub target: &'a Target,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What came back, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Of `Retry-After`, where it gives seconds.
    pub retry_after_s: Option<u32>,
    /// At most [`MAX_ANSWER_BYTES`].
    pub body: Vec<u8>,
}

/// Cheap to use from several threads.
pub struct Outbound {
    agent: ureq::Agent,
    allow: AllowList,
    guard: Guard,
}

impl Outbound {
    /// `ca_file` replaces the system's authorities.
    pub fn new(
        allow: AllowList,
        ca_file: Option<&Path>,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, OutboundError> {
        let roots = authorities(ca_file)?;
        let roots: Vec<_> = roots
            .iter()
            .map(|der| Certificate::from_der(der).to_owned())
            .collect();
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            // A kept connection would outlive the judgement of its address.
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            .max_response_header_size(MAX_ANSWER_HEADER_BYTES)
            .timeout_global(Some(TIME_OUT))
            .user_agent("Balefire")
            .build();
        let guard = Guard {
            lookup,
            allow: allow.clone(),
            under_way: Arc::default(),
        };
        let judge = guard.clone();
        let agent = ureq::Agent::with_parts(config, DefaultConnector::default(), guard);
        Ok(Self {
            agent,
            allow,
            guard: judge,
        })
    }

    /// Whether something may be sent there, as names lead today: for whoever writes a URL down.
    /// It permits nothing: each request judges anew.
    pub fn check(&self, target: &Target) -> Result<(), OutboundError> {
        self.permits(target)?;
        let port = target.port();
        let found = (self.guard).reachable(target.host(), port, LOOK_UP);
        found.map(drop).map_err(said)
    }

    /// What the text alone says: plain http goes only to what the list names.
    fn permits(&self, target: &Target) -> Result<(), OutboundError> {
        let named = self.allow.names_host(target.host())
            || target.ip().is_some_and(|ip| self.allow.names_address(ip));
        if target.is_https() || named {
            return Ok(());
        }
        // Say what is worse first.
        match target.ip().and_then(inward) {
            Some(inward) => Err(OutboundError::Inward {
                kind: inward.word(),
            }),
            None => Err(OutboundError::Plain),
        }
    }

    /// Sends and waits for the answer. Any status is an answer, 3xx too: nothing is followed.
    pub fn send(&self, request: Request<'_>) -> Result<Answer, OutboundError> {
        let target = request.target;
        self.permits(target)?;
        let method = match request.method {
            Method::Get => ureq::http::Method::GET,
            Method::Post => ureq::http::Method::POST,
            Method::Put => ureq::http::Method::PUT,
        };
        let mut built = ureq::http::Request::builder()
            .method(method)
            .uri(target.reveal());
        for (name, value) in &request.headers {
            built = built.header(name, value);
        }
        let answered = match request.method {
            Method::Get => {
                let built = built.body(()).map_err(|_| OutboundError::Request)?;
                self.agent.run(built)
            }
            Method::Post | Method::Put => {
                let built = built
                    .body(request.body)
                    .map_err(|_| OutboundError::Request)?;
                self.agent.run(built)
            }
        };
        read(answered.map_err(said)?)
    }
}

fn read(answer: ureq::http::Response<ureq::Body>) -> Result<Answer, OutboundError> {
    let status = answer.status().as_u16();
    let retry_after = answer.headers().get("retry-after");
    let retry_after_s = retry_after
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().parse().ok());
    let mut body = Vec::new();
    let mut reader = answer.into_body().into_reader().take(MAX_ANSWER_BYTES);
    if let Err(error) = reader.read_to_end(&mut body) {
        return Err(said(ureq::Error::from(error)));
    }
    Ok(Answer {
        status,
        retry_after_s,
        body,
    })
}

fn said(error: ureq::Error) -> OutboundError {
    use ureq::Error as E;
    match error {
        E::Other(other) => match other.downcast_ref::<Stopped>() {
            Some(Stopped::Inward(kind)) => OutboundError::Inward { kind },
            Some(Stopped::Busy) => OutboundError::Busy,
            None => OutboundError::Answer,
        },
        E::HostNotFound => OutboundError::NoHost,
        E::Timeout(_) => OutboundError::TimeOut,
        E::Tls(_) | E::Pem(_) | E::Rustls(_) | E::TlsRequired => OutboundError::Tls(error),
        E::Io(io) if is_tls(&io) => OutboundError::Tls(E::Io(io)),
        E::Io(io) if io.kind() == std::io::ErrorKind::TimedOut => OutboundError::TimeOut,
        E::Io(io) => OutboundError::Connection(io),
        E::ConnectionFailed => {
            OutboundError::Connection(std::io::ErrorKind::ConnectionRefused.into())
        }
        E::Http(_) | E::BadUri(_) => OutboundError::Request,
        _ => OutboundError::Answer,
    }
}

/// A refused certificate comes out of the handshake inside an I/O error.
fn is_tls(error: &std::io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<rustls::Error>())
}
