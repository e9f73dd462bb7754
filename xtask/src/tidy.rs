//! `cargo xtask tidy`: every rule of the house that can be read off the text.
//!
//! What a compiler or clippy can tell better is not here.

mod arrows;
mod locales;
mod source;
mod text;

use std::fmt;
use std::path::{Path, PathBuf};

/// Folders that hold no text of ours.
const SKIPPED_FOLDERS: [&str; 3] = ["target", "balefire-demo", "balefire-data"];
/// Hidden folders that do.
const HIDDEN_BUT_OURS: [&str; 2] = [".ci", ".cargo"];
/// Endings of files that hold text which people read.
const TEXT: [&str; 11] = [
    "css", "ftl", "html", "js", "json", "md", "rs", "sh", "sql", "toml", "txt",
];

/// A rule broken: where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Complaint {
    file: String,
    line: usize,
    message: String,
}

impl Complaint {
    fn new(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// Prints what is untidy; true when nothing is.
pub fn report(root: &Path) -> Result<bool, String> {
    let mut complaints = Vec::new();
    let mut files = Vec::new();
    collect(root, root, &mut files)?;
    for file in &files {
        // A file that is not UTF-8 is no text: an icon, a sample database.
        let Ok(content) = std::fs::read_to_string(root.join(file)) else {
            continue;
        };
        let name = file.to_string_lossy();
        complaints.extend(source::name(&name));
        if name.ends_with(".rs") {
            complaints.extend(source::rust(&name, &content));
        }
        complaints.extend(text::words(&name, &content));
    }
    complaints.extend(source::stale_allowances(root));
    complaints.extend(locales::compare(root)?);
    complaints.extend(arrows::check(root)?);
    for complaint in &complaints {
        println!("{complaint}");
    }
    println!(
        "tidy: {} files, {} complaints",
        files.len(),
        complaints.len()
    );
    Ok(complaints.is_empty())
}

/// Text files below `folder`, relative to `root`, in a fixed order.
fn collect(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut entries = std::fs::read_dir(folder)
        .map_err(failed)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            let hidden = name.starts_with('.') && !HIDDEN_BUT_OURS.contains(&name.as_str());
            if !hidden && !SKIPPED_FOLDERS.contains(&name.as_str()) {
                collect(root, &path, files)?;
            }
            continue;
        }
        // In a second worktree `.git` is a file that holds a path.
        let ours = name != ".git"
            && Path::new(&name)
                .extension()
                .is_none_or(|ending| TEXT.iter().any(|known| ending == *known));
        if kind.is_file()
            && ours
            && let Ok(relative) = path.strip_prefix(root)
        {
            files.push(relative.to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collecting_skips_what_is_built_and_what_is_hidden() {
        let folder = std::env::temp_dir().join(format!("xtask-collect-{}", std::process::id()));
        for (file, _) in FILES {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, "text").expect("written");
        }
        let mut files = Vec::new();
        let outcome = collect(&folder, &folder, &mut files);
        std::fs::remove_dir_all(&folder).expect("removed");
        outcome.expect("collected");
        let expected: Vec<_> = FILES
            .iter()
            .filter(|f| f.1)
            .map(|f| PathBuf::from(f.0))
            .collect();
        assert_eq!(files, expected);
    }

    const FILES: [(&str, bool); 8] = [
        (".ci/run", true),
        (".git/config", false),
        ("LICENSE", true),
        ("a/.git", false),
        ("a/src/lib.rs", true),
        ("a/target/x.rs", false),
        ("picture.png", false),
        ("z.ftl", true),
    ];
}
