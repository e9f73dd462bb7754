//! One row's statement, worded for one kind of database: names in quotes, values as parameters, the
//! row's key and what it must hold now in the statement itself.

use model::{Dialect, TableSchema, Value};

/// Columns with their values, by name.
pub(crate) type Named = [(String, Value)];

/// Words statements for one table.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) schema: &'a TableSchema,
}

/// MySQL's types of texts.
const BYTEWISE: [&str; 8] = [
    "char",
    "varchar",
    "tinytext",
    "text",
    "mediumtext",
    "longtext",
    "enum",
    "set",
];

/// The type without length and attributes.
fn bare(declared: &str) -> &str {
    declared.split(['(', ' ']).next().unwrap_or_default()
}

impl Words<'_> {
    /// `present`: what the row must hold for the statement to find it, beside its key.
    pub(crate) fn update(self, set: &Named, key: &Named, present: &Named) -> (String, Vec<Value>) {
        let mut parameters = Vec::new();
        let mut assignments: Vec<String> = set
            .iter()
            .map(|(name, value)| {
                parameters.push(value.clone());
                let mark = self.written(parameters.len(), self.declared(name));
                format!("{} = {mark}", self.dialect.quoted(name))
            })
            .collect();
        assignments.extend(self.kept_still(set));
        let place = self.place(key, present, &mut parameters);
        let sql = format!(
            "UPDATE {} SET {} WHERE {place}",
            self.dialect.table(&self.schema.name),
            assignments.join(", ")
        );
        (sql, parameters)
    }

    pub(crate) fn insert(self, values: &Named) -> (String, Vec<Value>) {
        let names: Vec<String> = values
            .iter()
            .map(|(name, _)| self.dialect.quoted(name))
            .collect();
        let marks: Vec<String> = values
            .iter()
            .zip(1..)
            .map(|((name, _), n)| self.written(n, self.declared(name)))
            .collect();
        // Without it PostgreSQL would not take a value for a column `GENERATED ALWAYS AS IDENTITY`.
        let overriding = match self.dialect {
            Dialect::Postgres => "OVERRIDING SYSTEM VALUE ",
            Dialect::Sqlite | Dialect::Mysql => "",
        };
        let sql = format!(
            "INSERT INTO {} ({}) {overriding}VALUES ({})",
            self.dialect.table(&self.schema.name),
            names.join(", "),
            marks.join(", ")
        );
        (sql, values.iter().map(|(_, value)| value.clone()).collect())
    }

    pub(crate) fn delete(self, key: &Named, present: &Named) -> (String, Vec<Value>) {
        let mut parameters = Vec::new();
        let place = self.place(key, present, &mut parameters);
        let table = self.dialect.table(&self.schema.name);
        (format!("DELETE FROM {table} WHERE {place}"), parameters)
    }

    /// MySQL sets such columns to the present time by itself unless a statement names them.
    fn kept_still(self, set: &Named) -> Vec<String> {
        if self.dialect != Dialect::Mysql {
            return Vec::new();
        }
        let timed = |declared: &str| {
            ["timestamp", "datetime"]
                .iter()
                .any(|t| declared.to_ascii_lowercase().starts_with(t))
        };
        let columns = self.schema.columns.iter();
        let own = columns.filter(|c| timed(&c.declared) && set.iter().all(|(n, _)| *n != c.name));
        own.map(|c| format!("{name} = {name}", name = self.dialect.quoted(&c.name)))
            .collect()
    }

    fn place(self, key: &Named, present: &Named, parameters: &mut Vec<Value>) -> String {
        let mut tests = Vec::with_capacity(key.len() + present.len());
        for (name, value) in key {
            parameters.push(value.clone());
            let mark = self
                .dialect
                .parameter(parameters.len(), self.declared(name));
            tests.push(format!("{} = {mark}", self.dialect.quoted(name)));
        }
        for (name, value) in present {
            if key.iter().any(|(k, _)| k == name) {
                continue;
            }
            parameters.push(value.clone());
            tests.push(self.holds(name, parameters.len()));
        }
        tests.join(" AND ")
    }

    /// The column holds the parameter's value, NULL included.
    fn holds(self, name: &str, number: usize) -> String {
        let (column, same) = (self.dialect.quoted(name), self.dialect.same());
        let declared = self.declared(name);
        let kind = declared.to_ascii_lowercase();
        let begins = |types: &[&str]| types.iter().any(|t| kind.starts_with(t));
        match self.dialect {
            // Another schema's type: its equality and its casts may be anybody's, its output is not.
            Dialect::Postgres if declared.contains('.') => format!(
                "format('%L', {column}) = format('%L', {})",
                self.dialect.parameter(number, declared)
            ),
            // These have no equality, and a part of them none that means the same value.
            Dialect::Postgres
                if kind.starts_with("json") && !kind.starts_with("jsonb")
                    || begins(&[
                        "xml", "point", "line", "lseg", "box", "path", "polygon", "circle",
                    ]) =>
            {
                format!("{column}::text {same} ${number}::text")
            }
            Dialect::Mysql if begins(&["decimal"]) => {
                // Against a text it would be compared as a real.
                let exact = kind.split(' ').next().unwrap_or("decimal");
                format!("{column} {same} CAST(? AS {exact})")
            }
            // Byte by byte, where a collation would call more than one text the same.
            Dialect::Mysql if BYTEWISE.contains(&bare(&kind)) => {
                format!("CAST(CONVERT({column} USING utf8mb4) AS BINARY) {same} CAST(? AS BINARY)")
            }
            Dialect::Mysql => format!("{column} {same} {}", self.written(number, declared)),
            Dialect::Sqlite | Dialect::Postgres => {
                let mark = self.dialect.parameter(number, declared);
                format!("{column} {same} {mark}")
            }
        }
    }

    /// A parameter as it is stored.
    fn written(self, number: usize, declared: &str) -> String {
        let mark = self.dialect.parameter(number, declared);
        match self.dialect {
            Dialect::Mysql if bare(&declared.to_ascii_lowercase()) == "json" => {
                format!("CAST({mark} AS JSON)")
            }
            _ => mark,
        }
    }

    fn declared(&self, name: &str) -> &str {
        let column = self.schema.columns.iter().find(|c| c.name == name);
        column
            .map(|c| c.declared.as_str())
            .filter(|d| !d.is_empty())
            .unwrap_or("text")
    }
}
