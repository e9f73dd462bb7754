//! The map against the tree: the table of rooms in ARCHITECTURE.md equals what cargo says of
//! the workspace, and every member takes the workspace's lints.

use super::Complaint;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

const MAP: &str = "ARCHITECTURE.md";

/// Room -> rooms that it depends on.
type Arrows = BTreeMap<String, BTreeSet<String>>;

pub(super) fn check(root: &Path) -> Result<Vec<Complaint>, String> {
    let metadata = metadata(root)?;
    let mut complaints = Vec::new();
    match std::fs::read_to_string(root.join(MAP)) {
        Ok(map) => complaints.extend(compare(&table(&map), &tree(&metadata))),
        Err(error) => complaints.push(Complaint::new(MAP, 1, error.to_string())),
    }
    for manifest in manifests(&metadata) {
        let name = manifest.strip_prefix(root).unwrap_or(&manifest);
        let text = std::fs::read_to_string(&manifest)
            .map_err(|error| format!("{}: {error}", manifest.display()))?;
        complaints.extend(lints(&name.to_string_lossy(), &text));
    }
    Ok(complaints)
}

fn metadata(root: &Path) -> Result<Value, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cargo metadata cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))
}

/// What stands between the pipes of rows whose first column is one name in backticks.
fn table(map: &str) -> Arrows {
    let mut arrows = Arrows::new();
    for line in map.lines() {
        let cells: Vec<_> = line.trim().split('|').map(str::trim).collect();
        if let ["", room, _, rooms, ""] = cells[..]
            && let [room] = in_backticks(room)[..]
        {
            let rooms = in_backticks(rooms).into_iter().map(str::to_owned).collect();
            arrows.insert(room.to_owned(), rooms);
        }
    }
    arrows
}

fn in_backticks(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Normal dependencies between members; those of tests are free.
fn tree(metadata: &Value) -> Arrows {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    list(&metadata["packages"])
        .iter()
        .map(|package| {
            let rooms = list(&package["dependencies"])
                .iter()
                .filter(|d| d["path"].is_string() && d["kind"].is_null())
                .map(name)
                .collect();
            (name(package), rooms)
        })
        .collect()
}

fn compare(map: &Arrows, tree: &Arrows) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut complain = |message: String| complaints.push(Complaint::new(MAP, 1, message));
    for (room, rooms) in tree {
        let Some(drawn) = map.get(room) else {
            complain(format!("the room `{room}` is not in the table"));
            continue;
        };
        for other in rooms.difference(drawn) {
            complain(format!(
                "`{room}` depends on `{other}`, which the table forbids"
            ));
        }
        for other in drawn.difference(rooms) {
            complain(format!(
                "`{room}` does not depend on `{other}`, as the table says"
            ));
        }
    }
    for room in map.keys().filter(|room| !tree.contains_key(*room)) {
        complain(format!("there is no room `{room}`"));
    }
    complaints
}

fn manifests(metadata: &Value) -> Vec<PathBuf> {
    metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|package| package["manifest_path"].as_str())
        .map(PathBuf::from)
        .collect()
}

fn lints(manifest: &str, text: &str) -> Option<Complaint> {
    let takes = text.parse::<toml::Table>().is_ok_and(|table| {
        let lints = table.get("lints").and_then(|lints| lints.get("workspace"));
        lints.and_then(toml::Value::as_bool) == Some(true)
    });
    (!takes).then(|| Complaint::new(manifest, 1, "`[lints] workspace = true` is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP_TEXT: &str = "
| Room | One line | May depend on |
|---|---|---|
| `model` | words that `everybody` shares | - |
| `journal` | a log | - |
| `recover` | images | `model`, `journal` |

| You look for | Look in |
|---|---|
| the log | `journal/src/log.rs` |
";

    fn tree_of(recover: &[&str]) -> Arrows {
        let package = |name: &str, rooms: &[&str]| {
            let dependencies: Vec<_> = rooms
                .iter()
                .map(|r| serde_json::json!({"name": r, "path": "x", "kind": null}))
                .chain([
                    serde_json::json!({"name": "testkit", "path": "x", "kind": "dev"}),
                    serde_json::json!({"name": "serde", "kind": null}),
                ])
                .collect();
            serde_json::json!({"name": name, "dependencies": dependencies})
        };
        tree(&serde_json::json!({"packages": [
            package("model", &[]), package("journal", &[]), package("recover", recover)
        ]}))
    }

    #[test]
    fn the_map_must_equal_the_tree() {
        let map = table(MAP_TEXT);
        assert_eq!(map.len(), 3);
        assert!(compare(&map, &tree_of(&["model", "journal"])).is_empty());
        let said = |recover: &[&str]| -> Vec<String> {
            let complaints = compare(&map, &tree_of(recover));
            complaints.into_iter().map(|c| c.message).collect()
        };
        assert_eq!(
            said(&["model"]),
            ["`recover` does not depend on `journal`, as the table says"]
        );
        assert_eq!(
            said(&["model", "journal", "store"]),
            ["`recover` depends on `store`, which the table forbids"]
        );
        let mut less = map.clone();
        less.remove("journal");
        less.insert("cellar".into(), BTreeSet::new());
        let complaints = compare(&less, &tree_of(&["model", "journal"]));
        assert_eq!(complaints.len(), 2);
    }

    #[test]
    fn a_member_without_the_lints_is_caught() {
        assert!(lints("a/Cargo.toml", "[lints]\nworkspace = true\n").is_none());
        for bad in [
            "[package]\nname = 'a'\n",
            "[lints]\nworkspace = false\n",
            "[lints.rust]\n",
        ] {
            assert!(lints("a/Cargo.toml", bad).is_some(), "{bad}");
        }
    }
}
