//! Secrets in files, read anew for each message, so that a changed one counts at once.
//!
//! Deliberately not here: a cache. A file of a few bytes is read once a second at most.

use super::SendError;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Longest secret, and longest URL with one in it.
pub const MAX_SECRET_BYTES: u64 = 4_096;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretFile {
    path: PathBuf,
}

/// Shown nowhere: neither by `Debug` nor in an error.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// The header by which a program says who it is (RFC 6750, section 2.1).
    pub fn bearer(&self) -> (String, String) {
        ("authorization".to_owned(), format!("Bearer {}", self.0))
    }
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl SecretFile {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The first line, without what surrounds it. The error names the file and what is wrong with it.
    pub fn read(&self) -> Result<Secret, String> {
        let wrong = |why: &str| format!("the secret file {} {why}", self.path.display());
        let file = std::fs::File::open(&self.path)
            .map_err(|error| wrong(&format!("cannot be read: {error}")))?;
        let mut text = String::new();
        file.take(MAX_SECRET_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(|_| wrong("holds no text"))?;
        if text.len() as u64 > MAX_SECRET_BYTES {
            return Err(wrong("is longer than 4,096 bytes"));
        }
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(wrong("must hold exactly one line: the secret"));
        }
        Ok(Secret::new(text))
    }

    pub(super) fn for_sending(&self) -> Result<Secret, SendError> {
        self.read().map_err(|why| SendError::Broken { why })
    }

    /// Whether others than its owner may read it.
    pub fn is_open_to_others(&self) -> bool {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(&self.path).is_ok_and(|m| m.permissions().mode() & 0o007 != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_counts_at_once_and_nothing_shows_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let file = SecretFile::new(folder.path().join("key"));
        assert!(file.read().unwrap_err().contains("cannot be read"));
        std::fs::write(file.path(), "first\n").unwrap();
        assert_eq!(file.read().unwrap().reveal(), "first");
        std::fs::write(file.path(), " second \r\n").unwrap();
        let secret = file.read().unwrap();
        assert_eq!(secret.reveal(), "second");
        assert!(!format!("{secret:?}{file:?}").contains("second"));
        for bad in ["", "\n", "one\ntwo"] {
            std::fs::write(file.path(), bad).unwrap();
            let said = file.read().unwrap_err();
            assert!(said.contains("one line") && !said.contains("two"), "{said}");
        }
        std::fs::write(file.path(), vec![b'x'; 4_097]).unwrap();
        assert!(file.read().unwrap_err().contains("4,096"));
    }
}
