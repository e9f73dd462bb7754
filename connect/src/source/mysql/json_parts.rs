//! What MySQL logs of a document that was changed in parts (`PARTIAL_JSON`), carried out on the text
//! of the document before.

use super::json;
use super::reader::Reader;

/// Documents nest this deep at most (MySQL allows 100).
const MAX_DEPTH: usize = 128;

#[derive(Clone, Debug)]
enum Node {
    /// A scalar as it stands in the text.
    Scalar(String),
    /// Keys as they stand in the text, quotes included.
    Object(Vec<(String, Node)>),
    Array(Vec<Node>),
}

enum Leg {
    Key(String),
    Index(usize),
}

/// The document after the changes; `None` when they do not fit it.
pub(super) fn applied(before: &[u8], changes: &[u8]) -> Option<Vec<u8>> {
    let mut text = std::str::from_utf8(before).ok()?;
    let mut root = parsed(&mut text, 0)?;
    if !text.is_empty() {
        return None;
    }
    let mut reader = Reader(changes);
    while !reader.0.is_empty() {
        let operation = reader.u8()?;
        let path = legs(std::str::from_utf8(reader.sized()?).ok()?)?;
        let value = match operation {
            2 => None,
            _ => {
                let text = json::from_binary(reader.sized()?)?;
                Some(parsed(&mut std::str::from_utf8(&text).ok()?, 0)?)
            }
        };
        change(&mut root, operation, &path, value)?;
    }
    let mut out = String::with_capacity(before.len());
    write(&root, &mut out);
    Some(out.into_bytes())
}

fn change(root: &mut Node, operation: u8, path: &[Leg], value: Option<Node>) -> Option<()> {
    const REPLACE: u8 = 0;
    const INSERT: u8 = 1;
    const REMOVE: u8 = 2;
    let Some((last, way)) = path.split_last() else {
        *root = value.filter(|_| operation == REPLACE)?;
        return Some(());
    };
    let mut node = root;
    for leg in way {
        node = inner(node, leg)?;
    }
    match (operation, value) {
        (REPLACE, Some(value)) => *inner(node, last)? = value,
        (INSERT, Some(value)) => insert(node, last, value)?,
        (REMOVE, None) => match (node, last) {
            (Node::Object(members), Leg::Key(key)) => {
                let at = members
                    .iter()
                    .position(|(k, _)| plain(k).as_ref() == Some(key));
                members.remove(at?);
            }
            (Node::Array(items), Leg::Index(at)) if *at < items.len() => {
                items.remove(*at);
            }
            _ => return None,
        },
        _ => return None,
    }
    Some(())
}

fn insert(node: &mut Node, leg: &Leg, value: Node) -> Option<()> {
    match (node, leg) {
        // Shorter keys stand before longer ones, those of one length in the order of their bytes.
        (Node::Object(members), Leg::Key(key)) => {
            let order = |k: &str| (k.len(), k.as_bytes().to_vec());
            let behind = |(k, _): &(String, Node)| plain(k).is_some_and(|k| order(&k) > order(key));
            let at = members.iter().position(behind).unwrap_or(members.len());
            let mut quoted = String::new();
            json::string(key.as_bytes(), &mut quoted);
            members.insert(at, (quoted, value));
        }
        (Node::Array(items), Leg::Index(at)) => items.insert((*at).min(items.len()), value),
        _ => return None,
    }
    Some(())
}

fn inner<'n>(node: &'n mut Node, leg: &Leg) -> Option<&'n mut Node> {
    match (node, leg) {
        (Node::Object(members), Leg::Key(key)) => {
            let mut members = members.iter_mut();
            let found = members.find(|(k, _)| plain(k).as_ref() == Some(key))?;
            Some(&mut found.1)
        }
        (Node::Array(items), Leg::Index(at)) => items.get_mut(*at),
        _ => None,
    }
}

/// A key without its quotes and escapes.
fn plain(quoted: &str) -> Option<String> {
    serde_json::from_str(quoted).ok()
}

/// `$.key."other key"[0]`
fn legs(path: &str) -> Option<Vec<Leg>> {
    let mut rest = path.strip_prefix('$')?;
    let mut legs = Vec::new();
    while !rest.is_empty() {
        if let Some(index) = rest.strip_prefix('[') {
            let (digits, behind) = index.split_once(']')?;
            legs.push(Leg::Index(digits.parse().ok()?));
            rest = behind;
        } else {
            let key = rest.strip_prefix('.')?;
            let end = if key.starts_with('"') {
                json::end_of_string(key.get(1..)?.as_bytes())? + 1
            } else {
                key.find(['.', '[']).unwrap_or(key.len())
            };
            let (key, behind) = key.split_at_checked(end)?;
            legs.push(Leg::Key(if key.starts_with('"') {
                plain(key)?
            } else {
                key.to_owned()
            }));
            rest = behind;
        }
    }
    Some(legs)
}

/// Takes one value, in the server's form of spaces, off the text.
fn parsed(text: &mut &str, depth: usize) -> Option<Node> {
    if depth > MAX_DEPTH {
        return None;
    }
    if let Some(rest) = text.strip_prefix('[') {
        *text = rest;
        let mut items = Vec::new();
        while !closes(text, ']', items.is_empty())? {
            items.push(parsed(text, depth + 1)?);
        }
        return Some(Node::Array(items));
    }
    if let Some(rest) = text.strip_prefix('{') {
        *text = rest;
        let mut members = Vec::new();
        while !closes(text, '}', members.is_empty())? {
            let key = scalar(text)?;
            *text = text.strip_prefix(": ")?;
            members.push((key, parsed(text, depth + 1)?));
        }
        return Some(Node::Object(members));
    }
    Some(Node::Scalar(scalar(text)?))
}

/// Takes the end off, else the comma before another one.
fn closes(text: &mut &str, end: char, first: bool) -> Option<bool> {
    if let Some(rest) = text.strip_prefix(end) {
        *text = rest;
        return Some(true);
    }
    if !first {
        *text = text.strip_prefix(", ")?;
    }
    Some(false)
}

fn scalar(text: &mut &str) -> Option<String> {
    let end = match text.strip_prefix('"') {
        Some(string) => json::end_of_string(string.as_bytes())? + 1,
        None => text.find([',', ']', '}']).unwrap_or(text.len()),
    };
    let (scalar, rest) = text.split_at_checked(end)?;
    *text = rest;
    (!scalar.is_empty()).then(|| scalar.to_owned())
}

fn write(node: &Node, out: &mut String) {
    match node {
        Node::Scalar(text) => out.push_str(text),
        Node::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                write(item, out);
            }
            out.push(']');
        }
        Node::Object(members) => {
            out.push('{');
            for (i, (key, member)) in members.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                out.push_str(key);
                out.push_str(": ");
                write(member, out);
            }
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As MySQL 9.7.4 logged `JSON_SET(j, '$.a', 2, '$.b[1]', 7, '$.z', true)`.
    #[test]
    fn changes_are_carried_out() {
        let before = br#"{"a": 1, "b": [1, 2, 3], "long": "x, \"y\"]"}"#;
        let mut changes = vec![0, 3];
        changes.extend_from_slice(b"$.a\x03\x05\x02\x00\x00\x06$.b[1]\x03\x05\x07\x00");
        changes.extend_from_slice(b"\x01\x03$.z\x02\x04\x01");
        let after = applied(before, &changes).unwrap();
        let expected = r#"{"a": 2, "b": [1, 7, 3], "z": true, "long": "x, \"y\"]"}"#;
        assert_eq!(String::from_utf8(after).unwrap(), expected);
        let removed = applied(before, b"\x02\x08$.\"long\"\x02\x06$.b[0]").unwrap();
        assert_eq!(removed, br#"{"a": 1, "b": [2, 3]}"#);
        assert_eq!(applied(before, b"\x02\x06$.b[9]"), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(before in "[\\[{\"a:, 1\\]}]{0,20}", changes in proptest::collection::vec(any::<u8>(), 0..40)) {
            drop(applied(before.as_bytes(), &changes));
            drop(applied(b"{\"a\": [1, {}]}", &changes));
        }
    }
}
