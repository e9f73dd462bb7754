//! Pages and the JSON API: server-rendered HTML, forms that work without scripts.
//!
//! Deliberately not here: decisions (rooms `plan` and `incident`), storage, the outside world.
//! Every route stands in one table ([`roles`]) with what it needs; the router is built from it.

pub mod api;
mod app;
mod as_seen;
mod assets;
mod cookies;
mod fields;
mod flood;
mod forms;
mod intake;
mod language;
mod live;
mod narrate;
mod origin;
mod pages;
mod perform;
mod reply;
pub mod roles;
mod security;
mod server;
mod view;
mod visit;

pub use pages::investigation_paper::{ExportFile, export_files, rule_name};
pub use server::{Running, WebError, start};

use plan::Lang;
use std::sync::Arc;

/// How the pages are served. The default is the strict one, on a free loopback port.
#[derive(Clone, Debug)]
pub struct WebOptions {
    /// Address and port; port 0 takes a free one.
    pub listen: String,
    /// The journal's tiles and checkpoints are open to everybody.
    pub public_journal: bool,
    /// The pages are reached through TLS: cookies are `Secure`, HSTS is sent.
    pub secure: bool,
    /// Proxies in front of the pages: what they say of the sender's address is believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// The language of visitors of whom nothing else is known.
    pub language: Lang,
}

impl Default for WebOptions {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            public_journal: false,
            secure: false,
            trusted_proxies: Vec::new(),
            language: Lang::default(),
        }
    }
}

/// The whole web interface on a desk, for a caller that serves it itself, best with
/// `into_make_service_with_connect_info::<SocketAddr>()` so that a report knows where it came from.
pub fn router(desk: desk::Desk, options: WebOptions) -> axum::Router {
    roles::build(&Arc::new(app::App::new(desk, options)))
}
