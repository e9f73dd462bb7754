//! Packages of a public registry, brought into the target folder once. Deliberately not here: which
//! program brings them (`npm`, `pypi`).

use crate::program::Ended;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// For some 440 packages of npm: 50 s on two busy cores, nothing once they are there.
pub(crate) const INSTALL: Duration = Duration::from_secs(240);

/// The folder `name` below `cache`, filled by `run` unless it was filled for the same `list`;
/// `prepare` is run each time. One process at a time, and the others wait.
/// `None`: the registry is out of reach and this is not CI, where that is a failure.
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says what it waited for, and why it did not run"
)]
pub(crate) fn bring(
    (cache, name): (&Path, &str),
    registry: &str,
    list: &str,
    prepare: impl FnOnce(&Path),
    run: impl FnOnce(&Path) -> Ended,
) -> Option<PathBuf> {
    let folder = cache.join(name);
    fs::create_dir_all(&folder).expect("the target folder can be written");
    let lock = cache.join(format!("{name}.lock"));
    let lock = File::create(lock).expect("the target folder can be written");
    lock.lock().expect("a file can be locked");
    prepare(&folder);
    let stamp = folder.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == list) {
        return Some(folder);
    }
    let began = Instant::now();
    let ended = run(&folder);
    if ended.code == Some(0) {
        println!("{name}: brought in {:.1?}", began.elapsed());
        fs::write(&stamp, list).expect("the target folder can be written");
        return Some(folder);
    }
    let said = format!(
        "{name} needs the {registry} registry:\n{}\n{}",
        ended.out, ended.err
    );
    assert!(std::env::var_os("CI").is_none(), "{said}");
    eprintln!("NOT RUN: {said}");
    None
}
