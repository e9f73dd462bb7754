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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Frozen>,
    #[serde(default)]
    pub no_delete: bool,
    /// Rows are only ever inserted.
    #[serde(default)]
    pub append_only: bool,
    /// SQL that sets a forged row aside; `:key_column` parameters are bound from the row's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void: Option<String>,
    /// Column with the row's money in minor units, and its currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<MoneyColumns>,
    /// Columns that a repair may write; empty means every column but the key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repairable: Vec<String>,
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
