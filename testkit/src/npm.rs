//! Packages of the npm registry for tests that speak to other people's programs, as a lock file
//! names them. No package's install script is run.

use crate::{Program, packages};
use std::fs;
use std::path::{Path, PathBuf};

/// A folder below `cache` with these files and the packages of the `package-lock.json` among them.
/// `None`: the registry is out of reach and this is not CI, where that is a failure.
pub fn install(cache: &Path, name: &str, files: &[(&str, &str)]) -> Option<PathBuf> {
    let list = files.iter().find(|(file, _)| *file == "package-lock.json");
    let (_, list) = list.expect("a lock file names the packages");
    let write = |folder: &Path| {
        for (file, content) in files {
            fs::write(folder.join(file), content).expect("the target folder can be written");
        }
    };
    packages::bring((cache, name), "npm", list, write, |folder| {
        Program::at(Path::new("npm"))
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .args(["--no-progress", "--no-update-notifier"])
            .folder(folder)
            .run(packages::INSTALL)
    })
}
