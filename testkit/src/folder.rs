//! Folders that are gone after the test.

use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// An empty folder of the test's own; removed with everything in it when dropped.
#[derive(Debug)]
pub struct TempFolder {
    folder: TempDir,
}

impl TempFolder {
    #[expect(
        clippy::new_without_default,
        reason = "making a folder on the disk is no default"
    )]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("balefire-test-").tempdir();
        Self {
            folder: folder.expect("the system's temporary folder can be written"),
        }
    }
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_with_what_is_in_it() {
        let (one, two) = (TempFolder::new(), TempFolder::new());
        assert_ne!(one.path(), two.path());
        std::fs::write(one.join("file"), "text").unwrap();
        let path = one.path().to_owned();
        drop(one);
        assert!(!path.exists() && two.path().exists());
    }
}
