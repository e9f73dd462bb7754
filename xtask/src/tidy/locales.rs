//! The message catalogues: every key stands in both languages, once.
//!
//! A simple reading of Fluent: a message or term begins a line, an attribute begins an
//! indented line with a dot. Whether the texts are valid Fluent is tested where they are used.

use super::Complaint;
use std::collections::BTreeMap;
use std::path::Path;

const FOLDER: &str = "document/locales";
const LANGUAGES: [&str; 2] = ["zh-CN", "en"];

/// Key (`message` or `message.attribute`) -> file and line.
type Keys = BTreeMap<String, (String, usize)>;

pub(super) fn compare(root: &Path) -> Result<Vec<Complaint>, String> {
    let mut complaints = Vec::new();
    let mut catalogues = Vec::new();
    for language in LANGUAGES {
        let mut keys = Keys::new();
        for (file, text) in files(root, language)? {
            read(&file, &text, &mut keys, &mut complaints);
        }
        if keys.is_empty() {
            let place = format!("{FOLDER}/{language}");
            complaints.push(Complaint::new(&place, 1, "the catalogue is missing"));
        }
        catalogues.push(keys);
    }
    complaints.extend(missing(&catalogues[0], &catalogues[1], LANGUAGES[1]));
    complaints.extend(missing(&catalogues[1], &catalogues[0], LANGUAGES[0]));
    Ok(complaints)
}

fn files(root: &Path, language: &str) -> Result<Vec<(String, String)>, String> {
    let folder = root.join(FOLDER).join(language);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|e| format!("{}: {e}", folder.display()))?
            .path();
        if path.extension().is_some_and(|ending| ending == "ftl") {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            files.push((format!("{FOLDER}/{language}/{name}"), text));
        }
    }
    files.sort();
    Ok(files)
}

fn read(file: &str, text: &str, keys: &mut Keys, complaints: &mut Vec<Complaint>) {
    let mut message = String::new();
    for (index, line) in text.lines().enumerate() {
        let key = if line.starts_with([' ', '\t']) {
            let Some(attribute) = line.trim_start().strip_prefix('.').and_then(identifier) else {
                continue;
            };
            format!("{message}.{attribute}")
        } else {
            let (mark, rest) = line
                .strip_prefix('-')
                .map_or(("", line), |rest| ("-", rest));
            let Some(id) = identifier(rest) else {
                continue;
            };
            message = format!("{mark}{id}");
            message.clone()
        };
        let place = (file.to_owned(), index + 1);
        if let Some((other, line)) = keys.insert(key.clone(), place) {
            let complaint = format!("`{key}` stands in {other}:{line} already");
            complaints.push(Complaint::new(file, index + 1, complaint));
        }
    }
}

/// The identifier that an `=` follows.
fn identifier(text: &str) -> Option<&str> {
    let (name, _) = text.split_once('=')?;
    let name = name.trim_end();
    let letter = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let rest = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    (letter && rest).then_some(name)
}

fn missing(from: &Keys, in_other: &Keys, language: &str) -> Vec<Complaint> {
    from.iter()
        .filter(|(key, _)| !in_other.contains_key(*key))
        .map(|(key, (file, line))| {
            Complaint::new(file, *line, format!("`{key}` is missing in {language}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> (Keys, Vec<Complaint>) {
        let (mut keys, mut complaints) = (Keys::new(), Vec::new());
        read("a.ftl", text, &mut keys, &mut complaints);
        (keys, complaints)
    }

    const GOOD: &str = "# a = comment
title = 烽火
-brand = Balefire
count =
    { $n ->
        [one] one = row
       *[other] { $n } rows
    }
    .label = Rows
";

    #[test]
    fn messages_terms_and_attributes_are_keys_and_their_texts_are_not() {
        let (keys, complaints) = keys(GOOD);
        let names: Vec<_> = keys.keys().map(String::as_str).collect();
        assert_eq!(names, ["-brand", "count", "count.label", "title"]);
        assert!(complaints.is_empty());
    }

    #[test]
    fn a_key_that_lacks_a_language_or_stands_twice_is_caught() {
        let (full, _) = keys(GOOD);
        let (less, _) = keys("title = Balefire\ncount = rows\n-brand = Balefire\n");
        let complaints = missing(&full, &less, "en");
        assert_eq!(complaints.len(), 1);
        assert!(
            complaints[0]
                .message
                .contains("`count.label` is missing in en")
        );
        assert!(missing(&less, &full, "zh-CN").is_empty());
        let (_, twice) = keys("title = a\nother = b\ntitle = c\n");
        assert_eq!((twice.len(), twice[0].line), (1, 3));
    }
}
