//! Keys and tokens for a shop's writes, as its owner makes them.

use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;
use testkit::{Ended, Program, TempFolder};

const PATIENCE: Duration = Duration::from_secs(60);

fn source(arguments: &[&str]) -> Ended {
    Program::balefire()
        .args(["--lang", "en", "source"])
        .args(arguments)
        .run(PATIENCE)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[test]
fn a_key_is_made_once_and_stands_nowhere_but_in_its_file() {
    let folder = TempFolder::new();
    let file = folder.path().join("stamp.key");
    let made = source(&["stamp-key", text(&file)]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let key = std::fs::read_to_string(&file).expect("the key");
    assert_eq!(key.trim().len(), 64);
    let mode = std::fs::metadata(&file).expect("it").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(made.out.contains("key_files") || made.err.contains("key_files"));

    // The key in use stays what it is.
    let again = source(&["stamp-key", text(&file)]);
    assert_eq!(again.code, Some(2));
    assert!(again.err.contains("is there already"), "{}", again.err);
    assert_eq!(std::fs::read_to_string(&file).expect("the key"), key);

    let nowhere = source(&["stamp-key", text(&folder.path().join("none/stamp.key"))]);
    assert_eq!(nowhere.code, Some(2));
    assert!(nowhere.err.contains("cannot be written"), "{}", nowhere.err);

    for told in [made, again] {
        assert!(!told.out.contains(key.trim()) && !told.err.contains(key.trim()));
    }
}

#[test]
fn a_token_is_told_alone_on_its_line() {
    let folder = TempFolder::new();
    let file = folder.path().join("stamp.key");
    assert_eq!(source(&["stamp-key", text(&file)]).code, Some(0));
    let wanted = |transaction: &str, writer: &str, more: &[&str]| {
        let mut arguments = vec!["stamp", "--key-file", text(&file), "--source", "shop"];
        arguments.extend(["--transaction", transaction, "--writer", writer]);
        arguments.extend(more);
        source(&arguments)
    };
    // `psql` takes the whole output as the token: nothing else may stand there.
    let told = wanted("771", "dba", &[]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    assert!(told.err.is_empty(), "{}", told.err);
    let parts: Vec<&str> = told.out.trim_end().split('.').collect();
    let [version, writer, expiry, mac] = parts[..] else {
        panic!("no token: {}", told.out)
    };
    assert_eq!((version, writer, mac.len()), ("v1", "dba", 64));
    assert!(expiry.parse::<i64>().is_ok() && mac.bytes().all(|b| b.is_ascii_hexdigit()));

    let other = wanted("772", "dba", &[]);
    assert_ne!(told.out.rsplit('.').next(), other.out.rsplit('.').next());
    let json = wanted("771", "dba", &["--json", "--valid-s", "600"]);
    let json: Value = serde_json::from_str(&json.out).expect("JSON");
    let later = json["token"].as_str().and_then(|t| t.split('.').nth(2));
    let later: i64 = later.and_then(|t| t.parse().ok()).expect("an expiry");
    assert!(later >= expiry.parse::<i64>().expect("it is one") + 500);

    assert!(wanted("771", "no name", &[]).err.contains("writer's name"));
    assert_eq!(wanted("771", "dba", &["--valid-s", "86401"]).code, Some(2));
    std::fs::write(&file, "not a key\n").expect("written");
    let bad = wanted("771", "dba", &[]);
    assert!(
        bad.code == Some(2) && bad.err.contains("stamp-key"),
        "{}",
        bad.err
    );
    assert!(!bad.err.contains("not a key"));
}
