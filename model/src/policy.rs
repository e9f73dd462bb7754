//! What an operator declares about a shop's tables, and what the shop's schema says.

use crate::{Digest, SourceName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything the guard must know of one source. Table numbers (`u16`) in changes, entries
/// and images are positions in `tables`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourcePolicy {
    pub source: SourceName,
    pub tables: Vec<TablePolicy>,
    #[serde(default)]
    pub checks: Vec<CrossCheck>,
}

impl SourcePolicy {
    pub fn table(&self, name: &str) -> Option<(u16, &TablePolicy)> {
        self.tables
            .iter()
            .enumerate()
            .find(|(_, t)| t.name == name)
            .map(|(i, t)| (i as u16, t))
    }
    /// Names the policy in verdicts; any change of it gives another digest.
    pub fn digest(&self) -> Digest {
        // A struct of strings and maps with string keys always serialises.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// The policy of one table, as written under `[[source.table]]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TablePolicy {
    pub name: String,
    /// Columns of the primary key, in order.
    #[serde(default)]
    pub key: Vec<String>,
    /// Column that names the data subject of the personal columns; the row itself when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Personal columns and their kind (`phone`, `email`, `name`, `address`, `id_number`, `bank_account`, `other`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub personal: BTreeMap<String, String>,
    /// Text columns declared to hold nothing personal. Text columns that nobody declared count as personal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plain: Vec<String>,
    /// Column that holds the row's state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// A row may begin only in one of these states (or in one reachable from them, where the source sees states and not steps).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub initial: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub transitions: BTreeMap<String, Vec<String>>,
    /// State -> the companion row that it needs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requires: BTreeMap<String, Companion>,
    /// The row that a row of this table hangs on, and the states it must be in when this row is inserted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// One rule or several.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "one_or_many"
    )]
    pub frozen: Vec<Frozen>,
    /// Columns that never change without others: money without the time of change, for one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub together: Vec<Together>,
    /// Writes that never come alone in their transaction.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub company: Vec<Company>,
    /// Numbers that never fall.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only_rise: Vec<String>,
    /// Columns that keep their value once they have one; NULL and the empty text are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_once: Vec<String>,
    /// Numbers that never rise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only_fall: Vec<String>,
    /// Column -> the only values it may hold, as people read them; NULL is always allowed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Vec<String>>,
    /// Columns that agree with another column, of this row or of a row that it points to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub equal: Vec<Equal>,
    /// Columns that are sums, of the row's own columns or of other rows'.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sum: Vec<Sum>,
    #[serde(default)]
    pub no_delete: bool,
    /// Rows are only ever inserted.
    #[serde(default)]
    pub append_only: bool,
    /// SQL that sets a forged row aside; `:key_column` parameters are bound from the row's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void: Option<String>,
    /// For ledgers: SQL that takes a forged row back by another row,
    /// `INSERT INTO table (column, ...) VALUES (literal | :column | -:column, ...)`. `:column` parameters are bound
    /// from the forged row, and its whole key must be among them, so that no row is taken back twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverse: Option<String>,
    /// `delete`: a repair removes forged rows, and keeps their whole images.
    #[serde(default, skip_serializing_if = "ForgedRows::is_set_aside")]
    pub forged: ForgedRows,
    /// Column with the row's money in minor units, and its currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<MoneyColumns>,
    /// Columns that a repair may write; empty means every column but the key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repairable: Vec<String>,
}

/// What a repair does with forged rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForgedRows {
    /// By `reverse` where it is named, else by `void`; the row is kept as evidence.
    #[default]
    SetAside,
    Delete,
}

impl ForgedRows {
    fn is_set_aside(&self) -> bool {
        *self == Self::SetAside
    }
}

/// `requires = { paid = "payments" }`, or `{ paid = { table = "payments", via = "order_id" } }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Companion {
    /// The table alone: its one foreign key to this table is used.
    Table(String),
    Via {
        table: String,
        via: String,
    },
}

impl Companion {
    pub fn table(&self) -> &str {
        match self {
            Self::Table(table) | Self::Via { table, .. } => table,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    pub table: String,
    /// Column of this table that holds the parent's key.
    pub via: String,
    /// States of the parent in which a row may be inserted; empty means any.
    #[serde(default)]
    pub states: Vec<String>,
}

/// Columns that may not change once the row is (or was) in one of these states; an empty `from` means always.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frozen {
    #[serde(default)]
    pub from: Vec<String>,
    pub columns: Vec<String>,
    /// They may change all the same when one of these writes stands in the same transaction.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<OtherWrite>,
}

/// What was done to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteKind {
    Insert,
    Update,
    Delete,
}

/// Another write in the same transaction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherWrite {
    pub table: String,
    /// Any kind when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<WriteKind>,
    /// Column of the other table that points to this row's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// Column of this table that points to the other row's key; neither: any row of that table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Columns of the other row with the values they must hold after the write.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub holds: BTreeMap<String, String>,
    /// For updates: at least one of these columns changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
}

/// When one of `columns` changes, every one of `with` changes too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Together {
    pub columns: Vec<String>,
    pub with: Vec<String>,
}

/// A write of this table that needs one of `any_of` in its transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Company {
    pub on: WriteKind,
    /// For updates: when one of these columns changes; empty: whenever anything does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Only for rows that hold these values (column -> value) after the write.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub when: BTreeMap<String, String>,
    pub any_of: Vec<OtherWrite>,
}

/// `column` holds the same value as another column: of this row, or of the row of `table` that
/// `via` (a column of this table) points to. Judged when one of them is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equal {
    pub column: String,
    pub equals: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
}

/// `column` = the sum of `terms` of this row (`-name` is subtracted) + the sum of `of.column`
/// (times `of.times`, where given) over the rows of `of.table` whose `of.via` points here.
/// Decimal arithmetic, exact; rows with a NULL among the terms count it as 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    pub column: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<SumOf>,
    /// Greatest difference that is still right, for shops that round line by line; decimal, 0 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// Only in these states of the row; empty: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SumOf {
    pub table: String,
    pub via: String,
    pub column: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<String>,
}

/// What a source's feed shows of the shop's writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sees {
    /// States between two looks (SQLite files): rules about the same transaction are refused.
    States,
    /// Every transaction with its rows (logical replication, binlog, recorded traces).
    Transactions,
}

/// `frozen = {..}` and `[[..frozen]]` both read well.
fn one_or_many<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Frozen>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(Frozen),
        Many(Vec<Frozen>),
    }
    Ok(match OneOrMany::deserialize(from)? {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    })
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoneyColumns {
    pub amount: String,
    /// Column with the currency, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Currency of every row, where no column says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<String>,
}

/// A check in the shop's own SQL; each row returned (`table`, `key`, `detail`) is a violation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrossCheck {
    pub name: String,
    pub sql: String,
}

/// What the shop's database says of one table, columns in storage order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSchema {
    pub name: String,
    pub columns: Vec<ColumnSchema>,
    /// Positions of the primary key's columns, in key order; empty when there is none.
    pub primary_key: Vec<u16>,
    pub foreign_keys: Vec<ForeignKey>,
}

impl TableSchema {
    pub fn column(&self, name: &str) -> Option<u16> {
        self.columns
            .iter()
            .position(|c| c.name == name)
            .map(|i| i as u16)
    }
    pub fn name_of(&self, column: u16) -> &str {
        self.columns
            .get(usize::from(column))
            .map_or("?", |c| c.name.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnSchema {
    pub name: String,
    /// Declared type, as the database says it.
    pub declared: String,
    pub not_null: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    pub columns: Vec<String>,
    pub table: String,
    pub references: Vec<String>,
}
