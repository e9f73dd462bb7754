//! How one kind of database writes names, parameters and values in SQL.
//!
//! Deliberately not here: statements. Whoever builds one asks here for its parts.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    #[default]
    Sqlite,
    Postgres,
    Mysql,
}

impl Dialect {
    /// A name in quotes, so that case and reserved words stand as they are.
    pub fn quoted(self, name: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
            Self::Mysql => format!("`{}`", name.replace('`', "``")),
        }
    }

    /// A table by its name as policies write it: `table`, or in PostgreSQL `schema.table`. There a
    /// name without a schema is of `public`, and is said so: no search path decides what is meant.
    pub fn table(self, name: &str) -> String {
        match (self, name.split_once('.')) {
            (Self::Postgres, Some((schema, table))) => {
                format!("{}.{}", self.quoted(schema), self.quoted(table))
            }
            (Self::Postgres, None) => format!("\"public\".{}", self.quoted(name)),
            _ => self.quoted(name),
        }
    }

    /// The parameter with this number, from 1, for a column of this declared type. PostgreSQL gets
    /// every value as text and casts it itself, so that no digit is lost on the way. A type that is
    /// not the system's reads the text by its input function: a cast of it is its owner's code.
    pub fn parameter(self, number: usize, declared: &str) -> String {
        match self {
            Self::Sqlite => format!("?{number}"),
            Self::Postgres if declared.contains('.') => format!("${number}::{declared}"),
            Self::Postgres => format!("${number}::text::{declared}"),
            Self::Mysql => "?".to_owned(),
        }
    }

    /// The comparison under which NULL equals NULL.
    pub const fn same(self) -> &'static str {
        match self {
            Self::Sqlite => "IS",
            Self::Postgres => "IS NOT DISTINCT FROM",
            Self::Mysql => "<=>",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_parameters_stand_as_the_database_wants_them() {
        assert_eq!(
            Dialect::Postgres.table("public.order"),
            "\"public\".\"order\""
        );
        assert_eq!(Dialect::Postgres.table("order"), "\"public\".\"order\"");
        assert_eq!(
            Dialect::Postgres.parameter(2, "public.state"),
            "$2::public.state"
        );
        assert_eq!(Dialect::Postgres.quoted("a\"b"), "\"a\"\"b\"");
        assert_eq!(Dialect::Mysql.quoted("a`b"), "`a``b`");
        assert_eq!(
            Dialect::Postgres.parameter(2, "numeric(12,2)"),
            "$2::text::numeric(12,2)"
        );
        assert_eq!(Dialect::Sqlite.parameter(2, "INTEGER"), "?2");
        assert_eq!(Dialect::Mysql.parameter(2, "int"), "?");
    }
}
