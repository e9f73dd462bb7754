//! Schemathesis: requests made up from an OpenAPI document, and answers held against it.

use crate::{Ended, Program, pypi};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The release and all that it needs, with hashes: `uv pip compile --universal
/// --generate-hashes --python-version 3.11` of its name and version.
const REQUIREMENTS: &str = include_str!("../python/schemathesis.txt");
/// What it does not know by itself.
const HOOKS: &str = include_str!("../python/schemathesis_hooks.py");

/// Where it stands.
#[derive(Debug)]
pub struct Schemathesis {
    packages: PathBuf,
}

impl Schemathesis {
    /// `cache` is the test's `CARGO_TARGET_TMPDIR`. `None`: the Python registry is out of reach
    /// and this is not CI, where that is a failure.
    pub fn ready(cache: &str) -> Option<Self> {
        let packages = pypi::install(Path::new(cache), "schemathesis", REQUIREMENTS)?;
        Some(Self { packages })
    }

    /// `schemathesis run` in `folder`, with `settings` as its `schemathesis.toml`: what is secret
    /// stands there and not among the arguments.
    pub fn run(
        &self,
        folder: &Path,
        settings: &str,
        arguments: &[&str],
        timeout: Duration,
    ) -> Ended {
        let settings = format!("hooks = \"hooks.py\"\n\n{settings}");
        for (file, text) in [
            ("schemathesis.toml", settings.as_str()),
            ("hooks.py", HOOKS),
        ] {
            fs::write(folder.join(file), text).expect("the folder can be written");
        }
        Program::at(Path::new("python3"))
            .args(["-m", "schemathesis.cli", "run"])
            .args(arguments)
            .env("PYTHONPATH", &self.packages)
            .env("NO_COLOR", "1")
            .env("COLUMNS", "120")
            .folder(folder)
            .run(timeout)
    }
}
