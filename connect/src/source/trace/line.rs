//! One line of a trace, borrowed from its text. Names that other recorders use are understood too.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Column -> value, in the order of the line; values are JSON as it stands there.
#[derive(Debug, Default)]
pub(super) struct Fields<'a>(pub(super) Vec<(Cow<'a, str>, &'a str)>);

#[derive(Debug, Default)]
pub(super) struct Line<'a> {
    pub(super) at: Option<&'a str>,
    pub(super) tx: Option<&'a str>,
    pub(super) table: Option<Cow<'a, str>>,
    pub(super) op: Option<Cow<'a, str>>,
    pub(super) key: Option<Fields<'a>>,
    pub(super) old: Option<Fields<'a>>,
    pub(super) new: Option<Fields<'a>>,
}

/// Borrows where it can; names with escapes are owned.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Line<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lines;
        impl<'de> Visitor<'de> for Lines {
            type Value = Line<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object that describes a row change")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line<'de>, A::Error> {
                let mut line = Line::default();
                while let Some(Name(name)) = map.next_key()? {
                    match name.as_ref() {
                        "at" | "time" | "timestamp" | "ts" | "committed_at" => {
                            line.at = Some(map.next_value::<&RawValue>()?.get());
                        }
                        "tx" | "xid" | "txid" | "transaction" | "transaction_id" => {
                            line.tx = Some(map.next_value::<&RawValue>()?.get());
                        }
                        "table" | "table_name" | "relation" => {
                            line.table = map.next_value::<Option<Name<'de>>>()?.map(|n| n.0);
                        }
                        "op" | "operation" | "action" | "kind" => {
                            line.op = map.next_value::<Option<Name<'de>>>()?.map(|n| n.0);
                        }
                        "key" | "pk" | "primary_key" => line.key = map.next_value()?,
                        "old" | "before" | "old_row" => line.old = map.next_value()?,
                        "new" | "after" | "new_row" => line.new = map.next_value()?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(line)
            }
        }
        deserializer.deserialize_map(Lines)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of columns and values")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &RawValue>()? {
                    fields.push((name, value.get()));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

impl<'a> Fields<'a> {
    pub(super) fn get(&self, column: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find(|(name, _)| name == column)
            .map(|(_, value)| *value)
    }
}

/// A JSON string or number as plain text; `None` for null.
pub(super) fn plain(raw: &str) -> Option<String> {
    match raw.as_bytes().first()? {
        b'"' => serde_json::from_str(raw).ok(),
        b'n' => None,
        _ => Some(raw.to_owned()),
    }
}
