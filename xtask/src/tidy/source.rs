//! The rules for Rust sources: lengths, openings, names, and words that stand for work left
//! undone.
//!
//! Strings and comments are told apart from code first (see [`mask`]), so that a rule about
//! code does not stumble over a text that speaks of it.

mod mask;

use super::Complaint;
use mask::Masked;
use std::path::Path;

const MOST_FILE_LINES: usize = 500;
const MOST_FUNCTION_LINES: usize = 70;

/// Names that say nothing of the domain.
const EMPTY_NAMES: [&str; 8] = [
    "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils",
];

/// In code, never; with what to do instead.
const NEVER: [(&str, &str); 6] = [
    ("todo!", "finish it, or leave it out"),
    ("unimplemented!", "finish it, or leave it out"),
    ("dbg!", "use tracing"),
    ("#[ignore", "a test that does not run proves nothing"),
    ("#[allow(", "use #[expect(.., reason = \"..\")]"),
    ("#![allow(", "use #![expect(.., reason = \"..\")]"),
];

/// Calls that wait for time to pass instead of for something to happen.
const SLEEPS: [&str; 3] = ["thread::sleep", "time::sleep(", "time::sleep_until("];
/// Files whose loops own a schedule and may sleep, each with its reason.
const MAY_SLEEP: [(&str, &str); 0] = [];

/// A file's name and those of its folders.
pub(super) fn name(file: &str) -> Option<Complaint> {
    let parts = file
        .split('/')
        .map(|part| part.split('.').next().unwrap_or(part));
    let empty = parts.into_iter().find(|part| EMPTY_NAMES.contains(part))?;
    let message = format!("`{empty}` says nothing; name it for a noun or verb of the domain");
    Some(Complaint::new(file, 1, message))
}

pub(super) fn rust(file: &str, content: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    if !content.trim_start().starts_with("//!") {
        let message = "a module opens with `//!`: what it is, and what it is not";
        complaints.push(Complaint::new(file, 1, message));
    }
    let masked = Masked::new(content);
    complaints.extend(undone(file, &masked));
    complaints.extend(sleeps(file, &masked.code));
    if !is_test(file) {
        complaints.extend(lengths(file, &masked.code));
    }
    complaints
}

/// Allowances that no file needs any more.
pub(super) fn stale_allowances(root: &Path) -> Vec<Complaint> {
    MAY_SLEEP
        .iter()
        .filter(|(file, _)| {
            let content = std::fs::read_to_string(root.join(file)).unwrap_or_default();
            !SLEEPS.iter().any(|sleep| content.contains(sleep))
        })
        .map(|(file, _)| Complaint::new(file, 1, "it may sleep, but does not: strike it off"))
        .collect()
}

/// Whether the whole file is tests.
fn is_test(file: &str) -> bool {
    file.ends_with("/tests.rs") || file.split('/').any(|part| part == "tests")
}

fn undone(file: &str, masked: &Masked) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (index, line) in masked.code.lines().enumerate() {
        for (word, advice) in NEVER {
            if stands_alone(line, word) {
                let message = format!("`{word}`: {advice}");
                complaints.push(Complaint::new(file, index + 1, message));
            }
        }
    }
    for (index, line) in masked.comments.lines().enumerate() {
        if line.contains("FIXME") {
            let message = "`FIXME`: fix it, or write down why not";
            complaints.push(Complaint::new(file, index + 1, message));
        }
    }
    complaints
}

fn sleeps(file: &str, code: &str) -> Vec<Complaint> {
    if MAY_SLEEP.iter().any(|(allowed, _)| *allowed == file) {
        return Vec::new();
    }
    let sleeping = |line: &str| SLEEPS.iter().any(|sleep| line.contains(sleep));
    code.lines()
        .enumerate()
        .filter(|(_, line)| sleeping(line))
        .map(|(index, _)| {
            let message = "no sleep: wait for what must happen, with a timeout";
            Complaint::new(file, index + 1, message)
        })
        .collect()
}

/// `word` in `line`, but not as the end of a longer name.
fn stands_alone(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
    })
}

/// Lines of the file and of each function, without the test module at the end.
fn lengths(file: &str, code: &str) -> Vec<Complaint> {
    let lines: Vec<&str> = code.lines().collect();
    let end = production(&lines);
    let mut complaints = Vec::new();
    if end > MOST_FILE_LINES {
        let message = format!("{end} lines; at most {MOST_FILE_LINES}: it does two things");
        complaints.push(Complaint::new(file, 1, message));
    }
    for (line, name, length) in functions(&lines[..end]) {
        if length > MOST_FUNCTION_LINES {
            let message = format!("`{name}` has {length} lines; at most {MOST_FUNCTION_LINES}");
            complaints.push(Complaint::new(file, line, message));
        }
    }
    complaints
}

/// Number of lines before `#[cfg(test)] mod ... {`.
fn production(lines: &[&str]) -> usize {
    let is_module = |line: &str| {
        let line = line
            .trim_start_matches("pub(crate) ")
            .trim_start_matches("pub ");
        line.starts_with("mod ") && line.ends_with('{')
    };
    lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && is_module(pair[1]))
        .unwrap_or(lines.len())
}

/// Line, name and number of body lines of each function with a body.
fn functions(lines: &[&str]) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(at) = line.find("fn ").filter(|at| {
            line[..*at]
                .chars()
                .all(|c| c.is_alphabetic() || " ()_".contains(c) || c == '"')
                && (*at == 0 || line[..*at].ends_with(' '))
        }) else {
            continue;
        };
        let name: String = line[at + 3..]
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if !name.is_empty()
            && let Some(length) = body_lines(&lines[index..], at)
        {
            found.push((index + 1, name, length));
        }
    }
    found
}

/// Lines between the braces of the body of the function that begins at `from` in the first
/// line; `None` for a declaration, which ends with a semicolon outside all brackets.
fn body_lines(lines: &[&str], from: usize) -> Option<usize> {
    let (mut brackets, mut braces, mut opened) = (0_i32, 0_i32, 0);
    for (index, line) in lines.iter().enumerate() {
        let line = if index == 0 { &line[from..] } else { line };
        for c in line.chars() {
            match c {
                '(' | '[' => brackets += 1,
                ')' | ']' => brackets -= 1,
                ';' if brackets == 0 && braces == 0 => return None,
                '{' => {
                    if braces == 0 {
                        opened = index;
                    }
                    braces += 1;
                }
                '}' => {
                    braces -= 1;
                    if braces == 0 {
                        return Some((index - opened).saturating_sub(1));
                    }
                }
                _ => (),
            }
        }
    }
    None
}

#[cfg(test)]
mod tests;
