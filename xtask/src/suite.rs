//! `cargo xtask test`: every gate in turn, all of them even after a failure, and one closing
//! line that counts. Each gate counts as one, each test as one.

use crate::{packages, tidy};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Passed and failed, as the closing line shows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    fn gate(&mut self, name: &str, good: bool) {
        if good {
            self.passed += 1;
        } else {
            self.failed += 1;
            println!("FAILED: {name}");
        }
    }

    /// Adds a line such as `test result: ok. 12 passed; 1 failed; 0 ignored; ...`.
    fn read(&mut self, line: &str) {
        let Some(counts) = line.trim().strip_prefix("test result: ") else {
            return;
        };
        let counts = counts.split_once(". ").map_or(counts, |(_, rest)| rest);
        for count in counts.split(';') {
            match count.trim().split_once(' ') {
                Some((n, "passed")) => self.passed += n.parse().unwrap_or(0),
                Some((n, "failed")) => self.failed += n.parse().unwrap_or(0),
                _ => (),
            }
        }
    }
}

pub fn run(root: &Path) -> Result<bool, String> {
    packages::make_ready()?;
    let mut tally = Tally::default();
    let format = cargo(root, &["fmt", "--all", "--check"]);
    tally.gate("format check", quiet(format)?);
    let lints = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--features",
        "balefire/failpoints",
        "--",
        "-D",
        "warnings",
    ];
    tally.gate("clippy", quiet(cargo(root, &lints))?);
    println!("== tidy");
    tally.gate("tidy", tidy::report(root)?);
    tests(root, &mut tally)?;
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(tally.failed == 0)
}

fn tests(root: &Path, tally: &mut Tally) -> Result<(), String> {
    let arguments = [
        "test",
        "--workspace",
        "--features",
        "balefire/failpoints",
        "--no-fail-fast",
    ];
    let mut command = cargo(root, &arguments);
    let samples = root.join("../shared/samples");
    if std::env::var_os("BALEFIRE_SAMPLES").is_none()
        && let Ok(samples) = samples.canonicalize()
    {
        command.env("BALEFIRE_SAMPLES", samples);
    }
    let before = tally.failed;
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cargo test cannot be started: {error}"))?;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line.map_err(|error| format!("cargo test's output: {error}"))?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            tally.read(&line);
        }
    }
    let status = child
        .wait()
        .map_err(|error| format!("cargo test: {error}"))?;
    // A test that does not compile, or a test program that is killed, prints no counts.
    if !status.success() && tally.failed == before {
        tally.gate("cargo test", false);
    }
    Ok(())
}

fn cargo(root: &Path, arguments: &[&str]) -> Command {
    println!("== cargo {}", arguments.join(" "));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(root);
    command
}

fn quiet(mut command: Command) -> Result<bool, String> {
    match command.status() {
        Ok(status) => Ok(status.success()),
        Err(error) => Err(format!("{command:?} cannot be started: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_summed_and_others_ignored() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test result: ok. 21 passed; 0 failed; 0 ignored; 0 measured; 4 filtered out; finished in 1.03s",
            "test result: FAILED. 20 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out",
            "7 passed; 9 failed",
            "test says::test_result ... ok",
        ] {
            tally.read(line);
        }
        assert_eq!((tally.passed, tally.failed), (41, 3));
        tally.gate("clippy", false);
        tally.gate("tidy", true);
        assert_eq!((tally.passed, tally.failed), (42, 4));
    }
}
