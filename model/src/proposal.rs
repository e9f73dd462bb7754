//! A repair proposal: what would be written to the shop, row by row, and its digest.

use crate::{ColumnChange, Dialect, Digest, Instant, Key, ProposalId, Row, SourceName, Value};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepairAction {
    /// Write the lawful values back into tainted columns.
    RestoreColumns,
    /// Insert a lawful row that was deleted.
    Reinsert,
    /// Set a forged row aside in the way that [`RepairStep::set_aside`] says.
    Void,
}

/// How a forged row is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetAside {
    /// The policy's `void` statement marks it; the row is kept as evidence.
    #[default]
    Mark,
    /// The row goes; its whole image stands in `expect_live`.
    Delete,
    /// The row stays, and another row takes back what it says: [`RepairStep::entry`].
    Entry,
}

impl SetAside {
    fn is_mark(&self) -> bool {
        *self == Self::Mark
    }
}

/// One row's repair. `expect_live` is what must stand there when it is applied; anything else stops the
/// repair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepairStep {
    pub action: RepairAction,
    pub table: String,
    /// The row's key as people read it.
    pub key: String,
    /// For people: every column concerned, lawful and live.
    pub columns: Vec<ColumnChange>,
    /// The statement that will be run.
    pub sql: String,
    /// Values bound to the parameters of `sql`, in their order.
    #[serde(with = "exact::list")]
    pub parameters: Vec<Value>,
    /// Key columns and their values, to read the row back by.
    #[serde(with = "exact::named")]
    pub key_values: Vec<(String, Value)>,
    /// Guarded columns (name, value) that must stand there before; empty when the row must be absent.
    #[serde(with = "exact::named")]
    pub expect_live: Vec<(String, Value)>,
    /// Columns (name, value) that must stand there afterwards; empty when the row must be gone.
    #[serde(with = "exact::named")]
    pub expect_after: Vec<(String, Value)>,
    /// Ledger entry that the lawful image comes from; for forged rows that of the forgery.
    pub position: u64,
    /// For [`RepairAction::Void`].
    #[serde(default, skip_serializing_if = "SetAside::is_mark")]
    pub set_aside: SetAside,
    /// Columns of the reversing entry: no row may hold all of these before, and one must afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "exact::named")]
    pub entry: Vec<(String, Value)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepairProposal {
    pub id: ProposalId,
    pub source: SourceName,
    pub made_at: Instant,
    /// Size of the ledger that the lawful images come from.
    pub ledger_size: u64,
    pub policy: Digest,
    /// The kind of database that the statements are written for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dialect: Dialect,
    /// The applied proposal that this one takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_of: Option<ProposalId>,
    pub steps: Vec<RepairStep>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl RepairProposal {
    /// What an approval is bound to: SHA-256 of the proposal's JSON.
    pub fn digest(&self) -> Digest {
        // A struct of strings and numbers always serialises; reals stand in it bit by bit (`exact`).
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// The image that a repair is about to write, as the feed will see it.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedImage {
    pub table: u16,
    pub key: Key,
    pub row: Option<Row>,
}

/// Values in JSON without loss: a real that JSON could not hold, or that might come back with another
/// last digit, stands as its bits. Without this NaN and infinity would both be `null`, and an
/// approval would bind neither.
mod exact {
    use crate::Value;
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub(super) enum Exact {
        Null,
        Integer(i64),
        Real(f64),
        RealBits(u64),
        Text(Vec<u8>),
        Blob(Vec<u8>),
    }

    impl From<&Value> for Exact {
        fn from(value: &Value) -> Self {
            match value {
                Value::Null => Self::Null,
                Value::Integer(i) => Self::Integer(*i),
                // Whole numbers of this size are read back as they were written.
                Value::Real(r) if r.fract() == 0.0 && r.abs() < 9e15 && *r != 0.0 => Self::Real(*r),
                Value::Real(r) => Self::RealBits(r.to_bits()),
                Value::Text(t) => Self::Text(t.clone()),
                Value::Blob(b) => Self::Blob(b.clone()),
            }
        }
    }

    impl From<Exact> for Value {
        fn from(exact: Exact) -> Self {
            match exact {
                Exact::Null => Self::Null,
                Exact::Integer(i) => Self::Integer(i),
                Exact::Real(r) => Self::Real(r),
                Exact::RealBits(bits) => Self::Real(f64::from_bits(bits)),
                Exact::Text(t) => Self::Text(t),
                Exact::Blob(b) => Self::Blob(b),
            }
        }
    }

    pub(super) mod list {
        use super::Exact;
        use crate::Value;
        use serde::{Deserialize, Deserializer, Serializer};

        pub(in super::super) fn serialize<S: Serializer>(
            values: &[Value],
            to: S,
        ) -> Result<S::Ok, S::Error> {
            to.collect_seq(values.iter().map(Exact::from))
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Vec<Value>, D::Error> {
            let values = Vec::<Exact>::deserialize(from)?;
            Ok(values.into_iter().map(Value::from).collect())
        }
    }

    pub(super) mod named {
        use super::Exact;
        use crate::Value;
        use serde::{Deserialize, Deserializer, Serializer};

        pub(in super::super) fn serialize<S: Serializer>(
            values: &[(String, Value)],
            to: S,
        ) -> Result<S::Ok, S::Error> {
            to.collect_seq(
                values
                    .iter()
                    .map(|(name, value)| (name, Exact::from(value))),
            )
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Vec<(String, Value)>, D::Error> {
            let values = Vec::<(String, Exact)>::deserialize(from)?;
            let value = |(name, exact)| (name, Value::from(exact));
            Ok(values.into_iter().map(value).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step() -> RepairStep {
        RepairStep {
            action: RepairAction::Void,
            table: "orders".into(),
            key: "1".into(),
            columns: vec![ColumnChange {
                name: "total".into(),
                lawful: None,
                live: Some("1".into()),
                personal: false,
            }],
            sql: "UPDATE orders".into(),
            parameters: vec![Value::Integer(1)],
            key_values: vec![("id".into(), Value::Integer(1))],
            expect_live: vec![("total".into(), Value::Real(0.1))],
            expect_after: vec![("total".into(), Value::Null)],
            position: 3,
            set_aside: SetAside::Mark,
            entry: Vec::new(),
        }
    }

    fn proposal(steps: Vec<RepairStep>) -> RepairProposal {
        RepairProposal {
            id: "p-1".into(),
            source: "shop".into(),
            made_at: Instant::from_secs(1),
            ledger_size: 10,
            policy: Digest::of(b""),
            dialect: Dialect::Sqlite,
            undo_of: None,
            steps,
        }
    }

    /// Whatever of an approved step or proposal is changed, the approval no longer holds.
    #[test]
    fn the_digest_binds_everything() {
        let mut seen = vec![proposal(vec![step()]).digest()];
        let mut differs = |changed: RepairProposal| {
            let digest = changed.digest();
            assert!(!seen.contains(&digest), "{changed:?}");
            seen.push(digest);
        };
        let changes: [fn(&mut RepairStep); 19] = [
            |s| s.action = RepairAction::RestoreColumns,
            |s| s.action = RepairAction::Reinsert,
            |s| s.table = "Orders".into(),
            |s| s.key = "2".into(),
            |s| s.columns.clear(),
            |s| s.columns[0].lawful = Some(String::new()),
            |s| s.sql.push(' '),
            |s| s.parameters[0] = Value::text("1"),
            |s| s.parameters.push(Value::Null),
            |s| s.key_values[0].1 = Value::Integer(2),
            |s| s.key_values[0].0 = "ID".into(),
            |s| s.expect_live[0].1 = Value::Real(0.1 + f64::EPSILON),
            |s| s.expect_live[0].1 = Value::Real(f64::NAN),
            |s| s.expect_live[0].1 = Value::Real(f64::INFINITY),
            |s| s.expect_after[0].1 = Value::Blob(Vec::new()),
            |s| s.expect_after[0].1 = Value::Text(Vec::new()),
            |s| s.position = 4,
            |s| s.set_aside = SetAside::Delete,
            |s| s.entry.push(("total".into(), Value::Null)),
        ];
        for change in changes {
            let mut step = step();
            change(&mut step);
            differs(proposal(vec![step]));
        }
        differs(proposal(Vec::new()));
        differs(proposal(vec![step(), step()]));
        let changes: [fn(&mut RepairProposal); 7] = [
            |p| p.id = "p-2".into(),
            |p| p.source = "other".into(),
            |p| p.made_at = Instant::from_secs(2),
            |p| p.ledger_size = 11,
            |p| p.policy = Digest::of(b"x"),
            |p| p.dialect = Dialect::Postgres,
            |p| p.undo_of = Some("p-0".into()),
        ];
        for change in changes {
            let mut changed = proposal(vec![step()]);
            change(&mut changed);
            differs(changed);
        }
    }

    #[test]
    fn a_stored_proposal_comes_back_with_its_digest() {
        let reals = [0.1, -0.0, 0.0, 1e300, f64::NAN, f64::INFINITY, 7.0, 5e-324];
        let mut step = step();
        step.parameters = reals.map(Value::Real).to_vec();
        let stored = proposal(vec![step]);
        let json = serde_json::to_string(&stored).unwrap();
        let back: RepairProposal = serde_json::from_str(&json).unwrap();
        assert_eq!(back.digest(), stored.digest());
        let bits = |value: &Value| match value {
            Value::Real(r) => r.to_bits(),
            _ => 0,
        };
        let found: Vec<u64> = back.steps[0].parameters.iter().map(bits).collect();
        assert_eq!(found, reals.map(f64::to_bits));
    }

    /// As they were stored before there were other databases than SQLite.
    #[test]
    fn old_proposals_still_read_and_keep_their_digest() {
        let json = r#"{"id":"p-1","source":"shop","made_at":"1970-01-01T00:00:01.000000Z","ledger_size":10,"policy":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","steps":[{"action":"void","table":"orders","key":"1","columns":[],"sql":"UPDATE orders","parameters":[{"integer":1},{"real":2.0}],"key_values":[["id",{"integer":1}]],"expect_live":[],"expect_after":[["status",{"text":[118]}]],"position":3}]}"#;
        let old: RepairProposal = serde_json::from_str(json).unwrap();
        assert_eq!(
            (old.dialect, old.steps[0].set_aside),
            (Dialect::Sqlite, SetAside::Mark)
        );
        let again = serde_json::to_string(&old).unwrap();
        assert_eq!(again, json);
    }
}
