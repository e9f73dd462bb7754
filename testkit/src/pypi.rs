//! Packages of the Python registry for tests that speak to other people's programs, as a list with
//! hashes names them. Only wheels; nothing is built.

use crate::{Program, packages};
use std::fs;
use std::path::{Path, PathBuf};

const LIST: &str = "requirements.txt";

/// A folder below `cache` to stand in `PYTHONPATH`, with the packages of `requirements` (pip's
/// format, every line with its hashes). `None`: the registry is out of reach and this is not CI,
/// where that is a failure.
pub fn install(cache: &Path, name: &str, requirements: &str) -> Option<PathBuf> {
    let name = format!("{name}-python");
    let write = |folder: &Path| {
        fs::write(folder.join(LIST), requirements).expect("the target folder can be written");
    };
    packages::bring(
        (cache, &name),
        "Python package",
        requirements,
        write,
        |folder| {
            Program::at(Path::new("python3"))
                .args(["-m", "pip", "install", "--quiet", "--upgrade"])
                .args(["--disable-pip-version-check", "--no-input"])
                .args(["--only-binary", ":all:", "--require-hashes", "--target"])
                .args([folder.as_os_str(), "-r".as_ref()])
                .args([folder.join(LIST)])
                .run(packages::INSTALL)
        },
    )
}
