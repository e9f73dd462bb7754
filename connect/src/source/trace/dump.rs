//! A schema dump: tables, columns, types, keys. Statements that say nothing of them are passed over.

use super::TraceError;
use super::sql::{Token, statements};
use model::TableSchema;
use model::policy::{ColumnSchema, ForeignKey};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

/// A dump of a large shop's schema has a few megabytes; one with its data is refused beyond this.
pub const MAX_DUMP_BYTES: u64 = 256 << 20;

/// What a dump says of its tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaDump {
    pub tables: Vec<TableSchema>,
    /// Columns that name one row beside the primary key, by table.
    pub unique: BTreeMap<String, Vec<Vec<String>>>,
    /// Values of enumerated types, by type.
    pub enums: BTreeMap<String, Vec<String>>,
}

impl SchemaDump {
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let unreadable = |source| TraceError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(MAX_DUMP_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > MAX_DUMP_BYTES {
            return Err(TraceError::DumpTooLong {
                path: path.to_owned(),
                most: MAX_DUMP_BYTES,
            });
        }
        let dump = Self::parse(&String::from_utf8_lossy(&bytes));
        if dump.tables.is_empty() {
            return Err(TraceError::NoTables {
                path: path.to_owned(),
            });
        }
        Ok(dump)
    }

    pub fn parse(text: &str) -> Self {
        let mut dump = Self::default();
        statements(text, |tokens| dump.statement(&mut Cursor { tokens, at: 0 }));
        dump
    }

    pub fn table(&self, name: &str) -> Option<&TableSchema> {
        self.tables.iter().find(|t| t.name == name)
    }

    fn statement(&mut self, cursor: &mut Cursor<'_>) {
        if cursor.take("create") {
            while [
                "unlogged",
                "temporary",
                "temp",
                "global",
                "local",
                "foreign",
            ]
            .iter()
            .any(|word| cursor.take(word))
            {}
            if cursor.take("table") {
                self.create_table(cursor);
            } else if cursor.take("type") {
                self.create_type(cursor);
            } else if cursor.take("unique") && cursor.take("index") {
                self.unique_index(cursor);
            }
        } else if cursor.take("alter") && cursor.take("table") {
            self.alter_table(cursor);
        }
    }

    fn create_table(&mut self, cursor: &mut Cursor<'_>) {
        cursor.skip_if_exists();
        let Some(name) = cursor.table_name() else {
            return;
        };
        if !cursor.peek().is_some_and(|t| t.is_mark('(')) {
            return; // PARTITION OF, AS SELECT: not described here.
        }
        let mut table = TableSchema {
            name: name.clone(),
            columns: Vec::new(),
            primary_key: Vec::new(),
            foreign_keys: Vec::new(),
        };
        for item in split(cursor.parenthesised(), ',') {
            let mut item = Cursor {
                tokens: item,
                at: 0,
            };
            if !self.constraint(&mut table, &mut item) {
                self.column(&mut table, &mut item);
            }
        }
        if !table.columns.is_empty() {
            self.tables.push(table);
        }
    }

    /// `true` when the item is a constraint or index and not a column.
    fn constraint(&mut self, table: &mut TableSchema, item: &mut Cursor<'_>) -> bool {
        let begins = [
            "constraint",
            "primary",
            "unique",
            "foreign",
            "check",
            "key",
            "index",
            "fulltext",
            "spatial",
            "exclude",
            "like",
            "period",
        ];
        let Some(first) = item.peek() else {
            return true;
        };
        // A column may be called `key`: then a type follows and no parenthesis.
        let named_as_keyword = (first.is("key") || first.is("index") || first.is("period"))
            && matches!(item.tokens.get(1), Some(Token::Word(_)))
            && !item.tokens.iter().any(|t| t.is_mark('('));
        if !begins.iter().any(|word| first.is(word)) || named_as_keyword {
            return false;
        }
        if item.take("constraint") && !item.peek_is(&["primary", "unique", "foreign", "check"]) {
            item.at += 1;
        }
        self.constraint_body(table, item);
        true
    }

    fn constraint_body(&mut self, table: &mut TableSchema, item: &mut Cursor<'_>) {
        if item.take("primary") && item.take("key") {
            item.skip_to_parenthesis();
            let names = names(item.parenthesised());
            table.primary_key = names.iter().filter_map(|n| table.column(n)).collect();
        } else if item.take("unique") {
            item.skip_to_parenthesis();
            let names = names(item.parenthesised());
            self.unique_on(&table.name, names);
        } else if item.take("foreign") && item.take("key") {
            item.skip_to_parenthesis();
            let columns = names(item.parenthesised());
            self.references(table, item, columns);
        }
    }

    fn references(&self, table: &mut TableSchema, item: &mut Cursor<'_>, columns: Vec<String>) {
        if !item.take("references") {
            return;
        }
        let Some(parent) = item.table_name() else {
            return;
        };
        let references = if item.peek().is_some_and(|t| t.is_mark('(')) {
            names(item.parenthesised())
        } else {
            Vec::new()
        };
        table.foreign_keys.push(ForeignKey {
            columns,
            table: parent,
            references,
        });
    }

    fn column(&mut self, table: &mut TableSchema, item: &mut Cursor<'_>) {
        let Some(name) = item.next().and_then(Token::name).map(str::to_owned) else {
            return;
        };
        let declared = item.declared_type();
        table.columns.push(ColumnSchema {
            name: name.clone(),
            declared,
            not_null: false,
        });
        let position = table.columns.len() - 1;
        while let Some(token) = item.next() {
            if token.is("not") && item.take("null") {
                table.columns[position].not_null = true;
            } else if token.is("primary") && item.take("key") {
                table.primary_key = vec![position as u16];
                table.columns[position].not_null = true;
            } else if token.is("unique") {
                self.unique_on(&table.name, vec![name.clone()]);
            } else if token.is("references") {
                item.at -= 1;
                self.references(table, item, vec![name.clone()]);
            } else if token.is_mark('(') {
                item.at -= 1;
                item.parenthesised();
            }
        }
    }

    fn create_type(&mut self, cursor: &mut Cursor<'_>) {
        let Some(name) = cursor.table_name() else {
            return;
        };
        if cursor.take("as") && cursor.take("enum") {
            let values = cursor.parenthesised().iter().filter_map(|t| match t {
                Token::Text(text) => Some(text.clone()),
                _ => None,
            });
            self.enums.insert(name, values.collect());
        }
    }

    fn unique_index(&mut self, cursor: &mut Cursor<'_>) {
        while let Some(token) = cursor.next() {
            if token.is("on") {
                break;
            }
        }
        cursor.take("only");
        let Some(table) = cursor.table_name() else {
            return;
        };
        cursor.skip_to_parenthesis();
        let items = split(cursor.parenthesised(), ',');
        // An index over an expression, or over some rows, names no row.
        let columns: Option<Vec<String>> = items
            .iter()
            .map(|item| match item {
                [one] => one.name().map(str::to_owned),
                _ => None,
            })
            .collect();
        let partial = cursor.tokens[cursor.at..].iter().any(|t| t.is("where"));
        if let (Some(columns), false) = (columns, partial) {
            self.unique_on(&table, columns);
        }
    }

    fn unique_on(&mut self, table: &str, columns: Vec<String>) {
        let known = self.unique.entry(table.to_owned()).or_default();
        if !known.contains(&columns) {
            known.push(columns);
        }
    }

    fn alter_table(&mut self, cursor: &mut Cursor<'_>) {
        cursor.skip_if_exists();
        cursor.take("only");
        let Some(name) = cursor.table_name() else {
            return;
        };
        let Some(at) = self.tables.iter().position(|t| t.name == name) else {
            return;
        };
        let mut table = std::mem::replace(&mut self.tables[at], empty());
        for action in split(&cursor.tokens[cursor.at..], ',') {
            let mut action = Cursor {
                tokens: action,
                at: 0,
            };
            if !action.take("add") {
                continue;
            }
            if action.take("constraint") {
                action.at += 1;
            }
            self.constraint_body(&mut table, &mut action);
        }
        self.tables[at] = table;
    }
}

fn empty() -> TableSchema {
    TableSchema {
        name: String::new(),
        columns: Vec::new(),
        primary_key: Vec::new(),
        foreign_keys: Vec::new(),
    }
}

struct Cursor<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }
    fn peek_is(&self, words: &[&str]) -> bool {
        self.peek().is_some_and(|t| words.iter().any(|w| t.is(w)))
    }
    fn next(&mut self) -> Option<&'a Token> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }
    fn take(&mut self, keyword: &str) -> bool {
        let found = self.peek().is_some_and(|t| t.is(keyword));
        self.at += usize::from(found);
        found
    }
    fn skip_if_exists(&mut self) {
        if self.take("if") {
            self.take("not");
            self.take("exists");
        }
    }

    /// `public.` and the database's own name are left away; other schemas stay in the name.
    fn table_name(&mut self) -> Option<String> {
        let mut parts = vec![self.next()?.name()?.to_owned()];
        while self.peek().is_some_and(|t| t.is_mark('.')) {
            self.at += 1;
            parts.push(self.next()?.name()?.to_owned());
        }
        if parts.len() > 1 && parts[0] == "public" {
            parts.remove(0);
        }
        Some(parts.join("."))
    }

    fn skip_to_parenthesis(&mut self) {
        while self.peek().is_some_and(|t| !t.is_mark('(')) {
            self.at += 1;
        }
    }

    /// The tokens between this parenthesis and its end; the cursor stands behind it.
    fn parenthesised(&mut self) -> &'a [Token] {
        if !self.peek().is_some_and(|t| t.is_mark('(')) {
            return &[];
        }
        let start = self.at + 1;
        let mut depth = 0_usize;
        while let Some(token) = self.next() {
            if token.is_mark('(') {
                depth += 1;
            } else if token.is_mark(')') {
                depth -= 1;
                if depth == 0 {
                    return &self.tokens[start..self.at - 1];
                }
            }
        }
        &self.tokens[start.min(self.tokens.len())..]
    }

    /// `numeric(12,2)`, `character varying`, `text[]`, `bigint unsigned`, `enum('a','b')`.
    fn declared_type(&mut self) -> String {
        const ENDS: [&str; 18] = [
            "not",
            "null",
            "default",
            "constraint",
            "primary",
            "unique",
            "references",
            "check",
            "collate",
            "generated",
            "auto_increment",
            "autoincrement",
            "comment",
            "on",
            "as",
            "invisible",
            "key",
            "using",
        ];
        let mut out = String::new();
        while let Some(token) = self.peek() {
            let charset =
                token.is("character") && self.tokens.get(self.at + 1).is_some_and(|t| t.is("set"));
            if ENDS.iter().any(|end| token.is(end)) || charset {
                break;
            }
            self.at += 1;
            match token {
                Token::Word(word) | Token::Name(word) => {
                    if out.ends_with(|c: char| c.is_alphanumeric() || c == ')') {
                        out.push(' ');
                    }
                    out.push_str(word);
                }
                Token::Text(text) => {
                    out.push('\'');
                    out.push_str(text);
                    out.push('\'');
                }
                Token::Mark(mark) => out.push(*mark),
            }
        }
        out.strip_prefix("public.")
            .map(str::to_owned)
            .unwrap_or(out)
    }
}

fn split(tokens: &[Token], by: char) -> Vec<&[Token]> {
    let mut depth = 0_i32;
    tokens
        .split(|token| {
            depth += i32::from(token.is_mark('(')) - i32::from(token.is_mark(')'));
            depth == 0 && token.is_mark(by)
        })
        .collect()
}

/// Column names; lengths and orders of an index (`name(20) desc`) are left away.
fn names(tokens: &[Token]) -> Vec<String> {
    split(tokens, ',')
        .iter()
        .filter_map(|item| item.first()?.name().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_postgres_dump_gives_types_and_keys() {
        let dump = SchemaDump::parse(
            r#"CREATE TYPE public.order_state AS ENUM ('open', 'paid');
            CREATE TABLE public."order" (
                id integer NOT NULL,
                "customerId" integer,
                total numeric(12,2) DEFAULT 0.00 NOT NULL,
                state public.order_state DEFAULT 'open'::public.order_state NOT NULL,
                "placedAt" timestamp with time zone,
                tags text[],
                CONSTRAINT positive CHECK ((total >= (0)::numeric))
            );
            ALTER TABLE ONLY public."order" ADD CONSTRAINT "PK_1" PRIMARY KEY (id);
            ALTER TABLE ONLY public."order"
                ADD CONSTRAINT "FK_1" FOREIGN KEY ("customerId") REFERENCES public.customer(id) ON DELETE CASCADE;
            CREATE UNIQUE INDEX u ON public."order" USING btree ("customerId", state);
            CREATE UNIQUE INDEX p ON public."order" USING btree (total) WHERE (state = 'open');"#,
        );
        let table = dump.table("order").unwrap();
        let declared: Vec<&str> = table.columns.iter().map(|c| c.declared.as_str()).collect();
        assert_eq!(
            declared,
            [
                "integer",
                "integer",
                "numeric(12,2)",
                "order_state",
                "timestamp with time zone",
                "text[]"
            ]
        );
        assert_eq!(table.primary_key, [0]);
        assert!(table.columns[2].not_null && !table.columns[1].not_null);
        assert_eq!(table.foreign_keys[0].table, "customer");
        assert_eq!(table.foreign_keys[0].references, ["id"]);
        assert_eq!(dump.unique["order"], [["customerId", "state"]]);
        assert_eq!(dump.enums["order_state"], ["open", "paid"]);
    }

    #[test]
    fn a_mysql_dump_gives_types_and_keys() {
        let dump = SchemaDump::parse(
            "/*!40101 SET NAMES utf8 */;
            CREATE TABLE `line` (
              `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
              `key` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
              `kind` enum('a','b') DEFAULT NULL,
              `orderId` int(11) DEFAULT NULL,
              PRIMARY KEY (`id`),
              UNIQUE KEY `k` (`key`(10)),
              KEY `i` (`orderId`),
              CONSTRAINT `f` FOREIGN KEY (`orderId`) REFERENCES `order` (`id`) ON DELETE NO ACTION
            ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;",
        );
        let table = dump.table("line").unwrap();
        let declared: Vec<&str> = table.columns.iter().map(|c| c.declared.as_str()).collect();
        assert_eq!(
            declared,
            [
                "bigint(20) unsigned",
                "varchar(20)",
                "enum('a','b')",
                "int(11)"
            ]
        );
        assert_eq!(table.primary_key, [0]);
        assert_eq!(table.foreign_keys[0].table, "order");
        assert_eq!(dump.unique["line"], [["key"]]);
    }

    #[test]
    fn sqlite_and_inline_keys_are_read() {
        let dump = SchemaDump::parse(
            "CREATE TABLE IF NOT EXISTS refunds (id INTEGER PRIMARY KEY, key TEXT, order_id INTEGER NOT NULL REFERENCES orders(id), total_minor INTEGER CHECK (total_minor > 0))",
        );
        let table = dump.table("refunds").unwrap();
        assert_eq!(table.columns.len(), 4);
        assert_eq!(table.primary_key, [0]);
        assert_eq!(table.foreign_keys[0].columns, ["order_id"]);
    }
}
