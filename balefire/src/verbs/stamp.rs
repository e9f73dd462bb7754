//! `source stamp-key` and `source stamp`: the key of a shop's write tokens, and a single token.
//!
//! The key goes from the system's randomness into its file and from there into the hash; it never
//! stands in output, arguments, environment or errors.

use crate::arguments::Stamp;
use crate::console::Console;
use crate::{Done, Failure};
use detect::stamp::{KEY_BYTES, StampKey};
use model::digest::{hex, unhex};
use model::{Clock as _, Instant, SourceName, SystemClock};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::ExitCode;

/// Longest key file that is read: a key of 2 KiB as hex.
const MAX_FILE: u64 = 4_096;

/// Writes a new key into a file that is not there yet.
pub fn make_key(file: &Path, console: &Console) -> Done {
    let path = file.display().to_string();
    let told = |key: &str, error: String| -> Failure {
        let values = [("file", path.as_str().into()), ("error", error.into())];
        console.text(key, &values).into()
    };
    match write_key(file) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(told("cli-stamp-key-exists", String::new()));
        }
        Err(error) => return Err(told("cli-stamp-key-unwritten", error.to_string())),
    }
    if console.json {
        console.object(&serde_json::json!({ "file": path }))?;
    } else {
        console.say("cli-stamp-key-made", &[("file", path.into())]);
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints one token.
pub fn token(wanted: &Stamp, console: &Console) -> Done {
    let file = wanted.key_file.display().to_string();
    let text = read_key(&wanted.key_file).map_err(|error| -> Failure {
        let values = [
            ("file", file.as_str().into()),
            ("error", error.to_string().into()),
        ];
        console.text("cli-stamp-key-unread", &values).into()
    })?;
    let key = key_of(&text)
        .ok_or_else(|| console.text("cli-stamp-no-key", &[("file", file.as_str().into())]))?;
    let token = token_of(&key, wanted, SystemClock.now())
        .ok_or_else(|| console.text("cli-stamp-writer", &[]))?;
    if console.json {
        console.object(&serde_json::json!({ "token": token }))?;
    } else {
        console.data(&token);
    }
    Ok(ExitCode::SUCCESS)
}

/// For its owner's eyes only from the first moment on, and never over something else.
fn write_key(file: &Path) -> io::Result<()> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    writeln!(out, "{}", hex(&key))?;
    // A key that the shop uses already must not be gone after a power failure.
    out.sync_all()
}

fn read_key(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?
        .take(MAX_FILE)
        .read_to_string(&mut text)
        .map(|_| text)
}

fn key_of(text: &str) -> Option<StampKey> {
    let text = text.trim();
    let digits = text.bytes().all(|b| b.is_ascii_hexdigit());
    let bytes = digits.then(|| unhex(text)).flatten()?;
    StampKey::from_bytes(&bytes).ok()
}

/// `None`: no writer is called so.
fn token_of(key: &StampKey, wanted: &Stamp, now: Instant) -> Option<String> {
    let source = SourceName::new(&wanted.source);
    let expires = now.plus_s(wanted.valid_s);
    key.token(&source, &wanted.transaction, &wanted.writer, expires)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::SourceTransaction;
    use std::os::unix::fs::PermissionsExt as _;
    use testkit::TempFolder;

    fn wanted(file: &Path, writer: &str) -> Stamp {
        Stamp {
            key_file: file.to_owned(),
            source: "shop".into(),
            transaction: "771".into(),
            writer: writer.into(),
            valid_s: 60,
        }
    }

    #[test]
    fn a_key_is_new_private_and_never_overwritten() {
        let folder = TempFolder::new();
        let (one, two) = (folder.join("one"), folder.join("two"));
        write_key(&one).unwrap();
        write_key(&two).unwrap();
        let text = read_key(&one).unwrap();
        assert_eq!(text.trim().len(), 2 * KEY_BYTES);
        assert_ne!(text, read_key(&two).unwrap());
        let mode = std::fs::metadata(&one).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = write_key(&one).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(read_key(&one).unwrap(), text);
        // Nor does it follow a link to somewhere else.
        let link = folder.join("link");
        std::os::unix::fs::symlink(folder.join("nowhere"), &link).unwrap();
        assert!(write_key(&link).is_err());
        assert!(!folder.join("nowhere").exists());
    }

    #[test]
    fn a_token_of_the_file_is_good_for_its_transaction() {
        let folder = TempFolder::new();
        let file = folder.join("key");
        write_key(&file).unwrap();
        let key = key_of(&read_key(&file).unwrap()).unwrap();
        let now = Instant::from_secs(1_800_000_000);
        let token = token_of(&key, &wanted(&file, "checkout"), now).unwrap();
        assert!(token.starts_with("v1.checkout.1800000060."), "{token}");
        let verdict = |id: &str| {
            let transaction = SourceTransaction {
                id: id.into(),
                committed_at: now,
                stamps: vec![token.clone().into_bytes()],
                ..SourceTransaction::default()
            };
            let keys = std::slice::from_ref(&key);
            detect::stamp::verify(&SourceName::new("shop"), &transaction, keys, now)
        };
        assert_eq!(verdict("771"), model::Stamp::Valid);
        assert_eq!(verdict("772"), model::Stamp::Wrong);
        assert_eq!(token_of(&key, &wanted(&file, "no name"), now), None);
    }

    #[test]
    fn only_a_whole_key_is_taken() {
        let good = "0f".repeat(32);
        assert!(key_of(&format!("  {good}\n")).is_some());
        assert!(key_of(&good.to_uppercase()).is_some());
        let bad = [
            String::new(),
            "0f".repeat(31),
            good[..63].to_owned(),
            good.replace("0f", "+f"),
            good.replace("0f", "zz"),
            "名".repeat(32),
        ];
        for bad in bad {
            assert!(key_of(&bad).is_none(), "{bad}");
        }
    }
}
