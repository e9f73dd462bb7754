//! The project's own chores: `cargo xtask test`, `packages`, `tidy` and `shop`.
//!
//! Nothing here is part of the product, and nothing of the product is needed to build it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore talks to the developer who started it"
)]

mod packages;
mod retail;
mod suite;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage:
  cargo xtask test                                     format check, clippy, tidy, every test
  cargo xtask packages                                 the programs that the tests start: installed, or named
  cargo xtask tidy                                     the rules of the house that can be read off the text
  cargo xtask shop online-retail PATH [--samples DIR]  a SQLite shop of 541,909 real invoice lines";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test"] => suite::run(&root()),
        ["packages"] => packages::make_ready().map(|()| true),
        ["tidy"] => tidy::report(&root()),
        ["shop", "online-retail", rest @ ..] => shop(rest),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

/// The repository's root: where cargo says this package is, else where it was built.
fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or(package.clone(), Path::to_owned)
}

/// The folder of sample data: the one named, else the one that stands beside the repository.
fn samples(named: Option<&str>) -> PathBuf {
    match named {
        Some(folder) => PathBuf::from(folder),
        None => std::env::var_os("BALEFIRE_SAMPLES")
            .map_or_else(|| root().join("../shared/samples"), PathBuf::from),
    }
}

fn shop(words: &[&str]) -> Result<bool, String> {
    let (path, folder) = match words {
        [path] => (path, samples(None)),
        [path, "--samples", folder] | ["--samples", folder, path] => (path, samples(Some(folder))),
        _ => return Err(USAGE.to_owned()),
    };
    let sample = folder.join(retail::SAMPLE);
    let counts = retail::make(&sample, Path::new(path), &mut |lines| {
        eprintln!("{lines} lines ...");
    })?;
    println!("{counts}");
    println!("shop:   {path}");
    println!("policy: {path}.toml (paste it into balefire.toml, or use it with --config)");
    Ok(true)
}
