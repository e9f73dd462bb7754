//! A real browser: scripts for Chromium, driven by playwright-core, which npm brings.
//!
//! A script is an ES module that imports `playwright-core` and `axe-core`, reads its input as JSON
//! from `process.argv[2]`, and ends with 0 when all is well. Chromium is the system's own.

use crate::{Ended, Program, Running, npm};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const FILES: &[(&str, &str)] = &[
    ("package.json", include_str!("../browser/package.json")),
    (
        "package-lock.json",
        include_str!("../browser/package-lock.json"),
    ),
    ("open.mjs", include_str!("../browser/open.mjs")),
    ("line.mjs", include_str!("../browser/line.mjs")),
];

/// Where scripts run.
#[derive(Debug)]
pub struct Browser {
    folder: PathBuf,
}

impl Browser {
    /// `cache` is the test's `CARGO_TARGET_TMPDIR`. `None`: npm's registry is out of reach and
    /// this is not CI, where that is a failure.
    pub fn ready(cache: &str) -> Option<Self> {
        let folder = npm::install(Path::new(cache), "browser", FILES)?;
        Some(Self { folder })
    }

    /// Starts a script named `name`; `input` is JSON.
    pub fn start(&self, name: &str, script: &str, input: &str) -> Running {
        // A name of its own for each process, since tests run side by side.
        let file = self
            .folder
            .join(format!("{name}-{}.mjs", std::process::id()));
        fs::write(&file, script).expect("the target folder can be written");
        Program::at(Path::new("node"))
            .args([file.as_os_str()])
            .args([input])
            .folder(&self.folder)
            .start()
    }

    /// Runs a script to its end.
    pub fn run(&self, name: &str, script: &str, input: &str, timeout: Duration) -> Ended {
        let mut running = self.start(name, script, input);
        let status = running.wait_for_end(timeout);
        Ended {
            code: status.code(),
            out: running.stdout().join("\n"),
            err: running.stderr().join("\n"),
        }
    }
}
