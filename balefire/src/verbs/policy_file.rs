//! A policy from a file of its own, from a whole configuration, or from a pack in the program.

use crate::Failure;
use detect::learn::packs::{self, Pack};
use model::{SourceName, SourcePolicy, TablePolicy};
use serde::Deserialize;

/// `[[source.table]]` alone, or below one `[[source]]` or several.
#[derive(Deserialize)]
struct File {
    source: OneOrMany,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Part>),
    One(Part),
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    name: Option<String>,
    /// A learnt policy without rules says `table = []`.
    #[serde(default)]
    table: Option<Vec<toml::Value>>,
}

/// Reads `pack:NAME` or a file. Its first source with tables is the policy.
pub fn read(from: &str) -> Result<SourcePolicy, Failure> {
    if let Some(name) = from.strip_prefix("pack:") {
        return parse(pack(name)?.text, from);
    }
    let text = std::fs::read_to_string(from)
        .map_err(|error| format!("the policy {from} cannot be read: {error}"))?;
    parse(&text, from)
}

pub fn pack(name: &str) -> Result<&'static Pack, Failure> {
    packs::find(name).ok_or_else(|| {
        let names: Vec<&str> = packs::ALL.iter().map(|p| p.name).collect();
        format!("there is no pack {name}; there are {}", names.join(", ")).into()
    })
}

fn parse(text: &str, from: &str) -> Result<SourcePolicy, Failure> {
    let file: File = toml::from_str(text).map_err(|error| format!("{from}: {error}"))?;
    let parts = match file.source {
        OneOrMany::Many(parts) => parts,
        OneOrMany::One(part) => vec![part],
    };
    // The last of equals wins below, and the first is wanted.
    let part = parts
        .into_iter()
        .rev()
        .filter(|part| part.table.is_some())
        .max_by_key(|part| !part.table.as_ref().is_none_or(Vec::is_empty))
        .ok_or_else(|| {
            format!("{from} has no [[source.table]]; `balefire source learn` writes a policy")
        })?;
    let tables: Result<Vec<TablePolicy>, Failure> = part
        .table
        .unwrap_or_default()
        .into_iter()
        .map(|table| {
            let name = table.get("name").map(ToString::to_string);
            let wrong = |error| {
                let name = name.as_deref().unwrap_or("without a name");
                format!("{from}, table {name}: {error}").into()
            };
            TablePolicy::deserialize(table).map_err(wrong)
        })
        .collect();
    Ok(SourcePolicy {
        source: SourceName::new(part.name.as_deref().unwrap_or("shop")),
        tables: tables?,
        checks: Vec::new(),
    })
}
