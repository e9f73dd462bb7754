//! The shop's hold list: rows that it must not ship, refund or cancel for the time being.
//!
//! Read with tolerance, because somebody else writes it: unknown members are ignored, keys may
//! be numbers or text. But a list that cannot be read is no leave to ship: the last good one
//! stays in force.

use model::Instant;
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Largest file read, about 100,000 holds. A larger one is treated as unreadable.
const MOST_BYTES: u64 = 16 << 20;

/// Rows held now.
#[derive(Debug, Default)]
pub(super) struct Held {
    now: Instant,
    /// Table -> key as text -> until when; no end when `None`.
    rows: HashMap<String, HashMap<String, Option<Instant>>>,
}

impl Held {
    pub fn holds(&self, table: &str, id: i64) -> bool {
        self.rows
            .get(table)
            .and_then(|keys| keys.get(&id.to_string()))
            .is_some_and(|until| until.is_none_or(|until| self.now < until))
    }

    fn parse(text: &str) -> Option<Self> {
        let file: Value = serde_json::from_str(text).ok()?;
        let mut held = Self::default();
        for hold in file.get("holds")?.as_array()? {
            let table = hold.get("table")?.as_str()?;
            let key = match hold.get("key")? {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            let until = match hold.get("until") {
                None | Some(Value::Null) => None,
                Some(until) => Some(Instant::parse(until.as_str()?).ok()?),
            };
            let ends = held.rows.entry(table.to_owned()).or_default();
            // Of two holds on one row the longer one counts.
            ends.entry(key)
                .and_modify(|known| *known = known.zip(until).map(|(a, b)| a.max(b)))
                .or_insert(until);
        }
        Some(held)
    }
}

pub(super) struct HoldFile {
    path: PathBuf,
    text: Option<String>,
    held: Held,
}

impl HoldFile {
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            text: None,
            held: Held::default(),
        }
    }

    /// What is held at `now`. The file is read anew each time: it is small, and its times
    /// are too coarse to tell two writes of one second apart.
    pub fn read(&mut self, now: Instant) -> &Held {
        match std::fs::metadata(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.text = None;
                self.held = Held::default();
            }
            Ok(known) if known.len() <= MOST_BYTES => self.take(),
            _ => (),
        }
        self.held.now = now;
        &self.held
    }

    fn take(&mut self) {
        let Ok(text) = std::fs::read_to_string(&self.path) else {
            return;
        };
        if self.text.as_ref() == Some(&text) {
            return;
        }
        if let Some(held) = Held::parse(&text) {
            self.held = held;
            self.text = Some(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Instant = Instant::from_secs(1_800_000_000);

    fn held(text: &str) -> Held {
        let mut held = Held::parse(text).expect("a list");
        held.now = NOON;
        held
    }

    #[test]
    fn keys_may_be_numbers_or_text_and_ends_are_kept() {
        let later = NOON.plus_s(1);
        let held = held(&format!(
            r#"{{"version":9,"holds":[
                {{"table":"orders","key":7,"until":"{later}","why":"unknown member"}},
                {{"table":"orders","key":"8","until":"{NOON}"}},
                {{"table":"refunds","key":"9"}},
                {{"table":"refunds","key":"9","until":"{NOON}"}}]}}"#
        ));
        assert!(held.holds("orders", 7));
        assert!(!held.holds("orders", 8), "its time is over");
        assert!(held.holds("refunds", 9), "the longer hold counts");
        assert!(!held.holds("refunds", 7));
    }

    #[test]
    fn a_list_that_cannot_be_read_leaves_the_last_one_in_force() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("holds.json");
        let mut file = HoldFile::new(&path);
        assert!(!file.read(NOON).holds("orders", 7), "no file, no holds");
        let write = |text: &str| std::fs::write(&path, text).expect("written");
        write(r#"{"holds":[{"table":"orders","key":"7"}]}"#);
        assert!(file.read(NOON).holds("orders", 7));
        for broken in [
            "",
            "{\"holds\":[{",
            "{}",
            r#"{"holds":[{"table":"orders"}]}"#,
        ] {
            write(broken);
            assert!(file.read(NOON).holds("orders", 7), "after {broken:?}");
        }
        write(r#"{"holds":[]}"#);
        assert!(!file.read(NOON).holds("orders", 7), "released");
    }
}
