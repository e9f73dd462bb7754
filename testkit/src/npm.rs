//! Packages of the npm registry for tests that speak to other people's programs: brought into the
//! target folder once, as a lock file names them. No package's install script is run.

use crate::Program;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// For npm to bring some 440 packages (50 s on two busy cores, nothing once they are there).
const INSTALL: Duration = Duration::from_secs(240);

/// A folder below `cache` with these files and the packages of the `package-lock.json` among them.
/// `None`: the registry is out of reach and this is not CI, where that is a failure.
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says what it waited for, and why it did not run"
)]
pub fn install(cache: &Path, name: &str, files: &[(&str, &str)]) -> Option<PathBuf> {
    let folder = cache.join(name);
    fs::create_dir_all(&folder).expect("the target folder can be written");
    let lock = cache.join(format!("{name}.lock"));
    let lock = File::create(lock).expect("the target folder can be written");
    lock.lock().expect("a file can be locked");
    for (file, content) in files {
        fs::write(folder.join(file), content).expect("the target folder can be written");
    }
    let wanted = files.iter().find(|(file, _)| *file == "package-lock.json");
    let (_, wanted) = wanted.expect("a lock file names the packages");
    let stamp = folder.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == *wanted) {
        return Some(folder);
    }
    let began = Instant::now();
    let ended = Program::at(Path::new("npm"))
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .args(["--no-progress", "--no-update-notifier"])
        .folder(&folder)
        .run(INSTALL);
    if ended.code == Some(0) {
        println!("npm ci took {:.1?}", began.elapsed());
        fs::write(&stamp, wanted).expect("the target folder can be written");
        return Some(folder);
    }
    let said = format!("{}\n{}", ended.out, ended.err);
    assert!(
        std::env::var_os("CI").is_none(),
        "npm cannot bring {name}; this test needs the npm registry:\n{said}"
    );
    eprintln!("NOT RUN: npm cannot bring {name}, which needs the npm registry:\n{said}");
    None
}
