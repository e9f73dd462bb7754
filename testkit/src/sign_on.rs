//! A real OpenID provider on loopback: npm's `oidc-provider`, run by Node.

use crate::{Program, Running, npm};
use std::path::Path;
use std::time::Duration;

const FILES: &[(&str, &str)] = &[
    ("package.json", include_str!("../sign_on/package.json")),
    (
        "package-lock.json",
        include_str!("../sign_on/package-lock.json"),
    ),
    ("provider.mjs", include_str!("../sign_on/provider.mjs")),
];
/// For Node to start on a busy machine.
const START: Duration = Duration::from_secs(60);

pub struct SignOnProvider {
    issuer: String,
    _running: Running,
}

impl SignOnProvider {
    /// `cache` is the test's `CARGO_TARGET_TMPDIR`, `input` what `provider.mjs` reads. `None`:
    /// npm's registry is out of reach and this is not CI, where that is a failure.
    pub fn start(cache: &str, input: &str) -> Option<Self> {
        let folder = npm::install(Path::new(cache), "sign-on", FILES)?;
        let running = Program::at(Path::new("node"))
            .args(["provider.mjs", input])
            .folder(&folder)
            .start();
        let issuer = running.wait_for_line(|line| line.starts_with("http://"), START);
        Some(Self {
            issuer,
            _running: running,
        })
    }

    pub fn issuer(&self) -> &str {
        &self.issuer
    }
}
