//! The shop's hold list: rows that it must not ship, refund or cancel for the time being.
//!
//! Read with tolerance, because somebody else writes it: unknown members are ignored, keys may
//! be numbers or text, a hold may name one row or a list of `rows`. But a list that cannot be
//! read is no leave to ship: the last good one stays in force.

use model::Instant;
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Largest file read, about 100,000 holds. A larger one is treated as unreadable.
const MOST_BYTES: u64 = 16 << 20;

/// What the shop would do to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Pay,
    Ship,
    Refund,
    Cancel,
}

impl Action {
    /// As a hold's `forbids` names it; any hold at all stops the two that it has no word for.
    const fn word(self) -> Option<&'static str> {
        match self {
            Self::Ship => Some("ship"),
            Self::Refund => Some("refund"),
            Self::Pay | Self::Cancel => None,
        }
    }
}

/// From when to when, and what.
#[derive(Clone, Debug)]
struct Hold {
    from: Option<Instant>,
    /// No end when `None`.
    until: Option<Instant>,
    /// Everything when empty.
    forbids: Vec<String>,
}

impl Hold {
    fn forbids(&self, action: Action, now: Instant) -> bool {
        self.from.is_none_or(|from| from <= now)
            && self.until.is_none_or(|until| now < until)
            && (self.forbids.is_empty()
                || action
                    .word()
                    .is_none_or(|word| self.forbids.iter().any(|named| named == word)))
    }

    fn parse(hold: &Value) -> Option<Self> {
        let forbids = match hold.get("forbids") {
            None | Some(Value::Null) => Vec::new(),
            Some(words) => (words.as_array()?.iter())
                .map(|word| word.as_str().map(str::to_owned))
                .collect::<Option<_>>()?,
        };
        Some(Self {
            from: moment(hold.get("from"))?,
            until: moment(hold.get("until"))?,
            forbids,
        })
    }
}

/// `Some(None)`: not given.
fn moment(value: Option<&Value>) -> Option<Option<Instant>> {
    match value {
        None | Some(Value::Null) => Some(None),
        Some(text) => Instant::parse(text.as_str()?).ok().map(Some),
    }
}

/// Rows held now.
#[derive(Debug, Default)]
pub(super) struct Held {
    now: Instant,
    holds: Vec<Hold>,
    /// Table -> key as text -> places in `holds`.
    rows: HashMap<String, HashMap<String, Vec<usize>>>,
}

impl Held {
    pub fn holds(&self, table: &str, id: i64, action: Action) -> bool {
        self.rows
            .get(table)
            .and_then(|keys| keys.get(&id.to_string()))
            .into_iter()
            .flatten()
            .any(|place| self.holds[*place].forbids(action, self.now))
    }

    fn parse(text: &str) -> Option<Self> {
        let file: Value = serde_json::from_str(text).ok()?;
        let mut held = Self::default();
        for hold in file.get("holds")?.as_array()? {
            held.holds.push(Hold::parse(hold)?);
            match hold.get("rows") {
                Some(rows) => {
                    for row in rows.as_array()? {
                        held.add(row)?;
                    }
                }
                None => held.add(hold)?,
            }
        }
        Some(held)
    }

    /// A row of the last hold.
    fn add(&mut self, row: &Value) -> Option<()> {
        let table = row.get("table")?.as_str()?;
        let key = match row.get("key")? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        let keys = self.rows.entry(table.to_owned()).or_default();
        keys.entry(key).or_default().push(self.holds.len() - 1);
        Some(())
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
                {{"table":"refunds","key":"9","until":"{NOON}"}},
                {{"table":"refunds","key":"10","from":"{later}"}}]}}"#
        ));
        assert!(held.holds("orders", 7, Action::Ship));
        assert!(!held.holds("orders", 8, Action::Ship), "its time is over");
        assert!(
            held.holds("refunds", 9, Action::Refund),
            "one of them holds"
        );
        assert!(!held.holds("refunds", 7, Action::Refund));
        assert!(!held.holds("refunds", 10, Action::Refund), "not yet");
    }

    #[test]
    fn a_hold_may_name_many_rows_and_forbid_one_thing() {
        let held = held(
            r#"{"holds":[{"id":"h-1","rows":[{"table":"orders","key":"7"},{"table":"refunds","key":"9"}],
                "forbids":["refund"]}]}"#,
        );
        assert!(
            held.holds("orders", 7, Action::Refund) && held.holds("refunds", 9, Action::Refund)
        );
        assert!(!held.holds("orders", 7, Action::Ship));
        assert!(
            held.holds("orders", 7, Action::Cancel),
            "no hold allows what it cannot name"
        );
    }

    #[test]
    fn a_list_that_cannot_be_read_leaves_the_last_one_in_force() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("holds.json");
        let mut file = HoldFile::new(&path);
        let holds = |file: &mut HoldFile| file.read(NOON).holds("orders", 7, Action::Ship);
        assert!(!holds(&mut file), "no file, no holds");
        let write = |text: &str| std::fs::write(&path, text).expect("written");
        write(r#"{"holds":[{"table":"orders","key":"7"}]}"#);
        assert!(holds(&mut file));
        for broken in [
            "",
            "{\"holds\":[{",
            "{}",
            r#"{"holds":[{"table":"orders"}]}"#,
            r#"{"holds":[{"rows":7}]}"#,
            r#"{"holds":[{"rows":[],"until":"soon"}]}"#,
        ] {
            write(broken);
            assert!(holds(&mut file), "after {broken:?}");
        }
        write(r#"{"holds":[]}"#);
        assert!(!holds(&mut file), "released");
    }
}
