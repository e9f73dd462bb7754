//! The proposal as the text of a policy: TOML as `[[source.table]]` takes it, with the evidence
//! beside every rule.

use super::proposal::{Proposal, Proposed, Rule, TableProposal};
use model::policy::{OtherWrite, WriteKind};
use std::collections::BTreeMap;
use std::fmt::Write as _;

impl Proposal {
    /// Writes the file that a person reads and confirms. `from` says what was learnt from.
    pub fn to_toml(&self, from: &str) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "# A policy proposed from {} transactions with {} row changes ({from}).\n\
             # Read it, take away what you know to be untrue, and copy it under the [[source]] of your\n\
             # shop. `held n` says in how many cases the rule was kept; it was never broken.\n\
             # Try it on other lawful traffic first: balefire source replay --trace FILE --policy THIS",
            self.transactions,
            self.writes,
            from = from.replace('\n', " ")
        );
        if self.forgotten > 0 {
            let _ = writeln!(
                out,
                "# {} rows were forgotten for want of room; rules about other rows had fewer cases.",
                self.forgotten
            );
        }
        if self.tables.is_empty() {
            // So that the file is a policy all the same.
            out.push_str("# Nothing was seen often enough for a rule: this policy guards nothing.\n[[source]]\ntable = []\n");
        }
        for table in &self.tables {
            table.write(&mut out);
        }
        out
    }
}

impl TableProposal {
    fn write(&self, out: &mut String) {
        let _ = writeln!(
            out,
            "\n# {}: {} inserted, {} updated, {} deleted",
            self.name.replace('\n', " "),
            self.inserts,
            self.updates,
            self.deletes
        );
        for open in &self.undecided {
            let _ = writeln!(out, "# Undecided: {}", open.replace('\n', " "));
        }
        let _ = writeln!(
            out,
            "[[source.table]]\nname = {}\nkey = {}",
            quoted(&self.name),
            list(&self.key)
        );
        if !self.plain.is_empty() {
            let _ = writeln!(out, "plain = {}", list(&self.plain));
        }
        // In TOML the simple settings come before the tables below them.
        let simple = |p: &&Proposed| {
            matches!(
                p.rule,
                Rule::NoDelete
                    | Rule::AppendOnly
                    | Rule::SetOnce(_)
                    | Rule::OnlyRise(_)
                    | Rule::States { .. }
            )
        };
        for proposed in self.rules.iter().filter(simple) {
            proposed.write(out);
        }
        for proposed in self.rules.iter().filter(|p| !simple(p)) {
            proposed.write(out);
        }
    }
}

impl Proposed {
    fn write(&self, out: &mut String) {
        let why = self.why.replace('\n', " ");
        if let Rule::NoDelete
        | Rule::AppendOnly
        | Rule::SetOnce(_)
        | Rule::OnlyRise(_)
        | Rule::States { .. } = self.rule
        {
            let _ = writeln!(out, "# held {}: {why}", self.held);
        } else {
            let _ = writeln!(out, "\n# held {}: {why}", self.held);
        }
        match &self.rule {
            Rule::NoDelete => out.push_str("no_delete = true\n"),
            Rule::AppendOnly => out.push_str("append_only = true\n"),
            Rule::SetOnce(columns) => {
                let _ = writeln!(out, "set_once = {}", list(columns));
            }
            Rule::OnlyRise(columns) => {
                let _ = writeln!(out, "only_rise = {}", list(columns));
            }
            Rule::States {
                column,
                initial,
                transitions,
            } => {
                let _ = writeln!(
                    out,
                    "state = {}\ninitial = {}",
                    quoted(column),
                    list(initial)
                );
                for (from, to) in transitions {
                    let _ = writeln!(out, "transitions.{} = {}", quoted(from), list(to));
                }
            }
            Rule::Frozen(rule) => {
                let _ = writeln!(
                    out,
                    "[[source.table.frozen]]\ncolumns = {}",
                    list(&rule.columns)
                );
                if !rule.from.is_empty() {
                    let _ = writeln!(out, "from = {}", list(&rule.from));
                }
                others(out, "unless", &rule.unless);
            }
            Rule::Company(rule) => {
                let _ = writeln!(out, "[[source.table.company]]\non = \"{}\"", op(rule.on));
                if !rule.columns.is_empty() {
                    let _ = writeln!(out, "columns = {}", list(&rule.columns));
                }
                if !rule.when.is_empty() {
                    let _ = writeln!(out, "when = {}", map(&rule.when));
                }
                others(out, "any_of", &rule.any_of);
            }
            Rule::Together(_) | Rule::Equal(_) | Rule::Sum(_) => self.write_between(out),
        }
    }

    /// Rules between the columns of a row.
    fn write_between(&self, out: &mut String) {
        match &self.rule {
            Rule::Together(rule) => {
                let _ = writeln!(
                    out,
                    "[[source.table.together]]\ncolumns = {}\nwith = {}",
                    list(&rule.columns),
                    list(&rule.with)
                );
            }
            Rule::Equal(rule) => {
                let _ = writeln!(
                    out,
                    "[[source.table.equal]]\ncolumn = {}\nequals = {}",
                    quoted(&rule.column),
                    quoted(&rule.equals)
                );
                for (name, value) in [("table", &rule.table), ("via", &rule.via)] {
                    if let Some(value) = value {
                        let _ = writeln!(out, "{name} = {}", quoted(value));
                    }
                }
            }
            Rule::Sum(rule) => {
                let _ = writeln!(
                    out,
                    "[[source.table.sum]]\ncolumn = {}\nterms = {}",
                    quoted(&rule.column),
                    list(&rule.terms)
                );
            }
            _ => {}
        }
    }
}

fn others(out: &mut String, name: &str, others: &[OtherWrite]) {
    if others.is_empty() {
        return;
    }
    let _ = writeln!(out, "{name} = [");
    for other in others {
        let _ = write!(out, "  {{ table = {}", quoted(&other.table));
        if let Some(kind) = other.op {
            let _ = write!(out, ", op = \"{}\"", op(kind));
        }
        for (name, value) in [("via", &other.via), ("to", &other.to)] {
            if let Some(value) = value {
                let _ = write!(out, ", {name} = {}", quoted(value));
            }
        }
        if !other.holds.is_empty() {
            let _ = write!(out, ", holds = {}", map(&other.holds));
        }
        if !other.changes.is_empty() {
            let _ = write!(out, ", changes = {}", list(&other.changes));
        }
        out.push_str(" },\n");
    }
    out.push_str("]\n");
}

fn op(kind: WriteKind) -> &'static str {
    match kind {
        WriteKind::Insert => "insert",
        WriteKind::Update => "update",
        WriteKind::Delete => "delete",
    }
}

fn list(values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|v| quoted(v)).collect();
    format!("[{}]", quoted.join(", "))
}

fn map(values: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = values
        .iter()
        .map(|(k, v)| format!("{} = {}", quoted(k), quoted(v)))
        .collect();
    format!("{{ {} }}", pairs.join(", "))
}

/// A basic string of TOML; also good as a quoted key.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
