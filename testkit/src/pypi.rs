//! Packages of the Python registry for tests that speak to other people's programs: brought into
//! the target folder once, as a list with hashes names them. Only wheels; nothing is built.

use crate::Program;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// For pip to bring some 30 wheels.
const INSTALL: Duration = Duration::from_secs(240);

/// A folder below `cache` to stand in `PYTHONPATH`, with the packages of `requirements` (pip's
/// format, every line with its hashes). `None`: the registry is out of reach and this is not CI,
/// where that is a failure.
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says what it waited for, and why it did not run"
)]
pub fn install(cache: &Path, name: &str, requirements: &str) -> Option<PathBuf> {
    let folder = cache.join(format!("{name}-python"));
    fs::create_dir_all(&folder).expect("the target folder can be written");
    let lock = cache.join(format!("{name}.pip-lock"));
    let lock = File::create(lock).expect("the target folder can be written");
    lock.lock().expect("a file can be locked");
    let wanted = cache.join(format!("{name}.requirements.txt"));
    fs::write(&wanted, requirements).expect("the target folder can be written");
    let stamp = folder.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == requirements) {
        return Some(folder);
    }
    let began = Instant::now();
    let ended = Program::at(Path::new("python3"))
        .args(["-m", "pip", "install", "--quiet", "--upgrade"])
        .args(["--disable-pip-version-check", "--no-input"])
        .args(["--only-binary", ":all:", "--require-hashes", "--target"])
        .args([folder.as_os_str(), "-r".as_ref(), wanted.as_os_str()])
        .run(INSTALL);
    if ended.code == Some(0) {
        println!("pip took {:.1?}", began.elapsed());
        fs::write(&stamp, requirements).expect("the target folder can be written");
        return Some(folder);
    }
    let said = format!("{}\n{}", ended.out, ended.err);
    assert!(
        std::env::var_os("CI").is_none(),
        "pip cannot bring {name}; this test needs the Python package registry:\n{said}"
    );
    eprintln!("NOT RUN: pip cannot bring {name}, which needs the Python package registry:\n{said}");
    None
}
