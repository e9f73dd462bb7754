//! Words that no file of the repository may hold: paths of one machine, and names of the
//! programs that somebody used to write it.

use super::Complaint;

// Each is written in two parts, so that this file does not hold it either.
const MACHINE_PATHS: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/tmp", "/w/"),
];
const WORDS: [&str; 6] = [
    concat!("cla", "ude"),
    concat!("anth", "ropic"),
    concat!("chat", "gpt"),
    concat!("open", "ai"),
    concat!("sub", "agent"),
    concat!("co", "pilot"),
];

pub(super) fn words(file: &str, content: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (index, line) in content.lines().enumerate() {
        let small = line.to_lowercase();
        for path in MACHINE_PATHS.iter().filter(|path| is_absolute(line, path)) {
            let message = format!("`{path}` is a path of one machine; say it relative");
            complaints.push(Complaint::new(file, index + 1, message));
        }
        for word in WORDS.iter().filter(|word| small.contains(*word)) {
            let message = format!("`{word}` has no place in the repository");
            complaints.push(Complaint::new(file, index + 1, message));
        }
    }
    complaints
}

/// Whether `path` stands in `line` as the beginning of a path, not inside another one or a URL.
fn is_absolute(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !"_-./~}".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_paths_and_names_of_tools_are_caught() {
        for path in MACHINE_PATHS {
            for bad in [format!("open(\"{path}x\")"), format!("{path}x")] {
                assert_eq!(words("a.md", &bad).len(), 1, "{bad}");
            }
            for good in [
                format!("https://shop.example{path}x"),
                format!("docs{path}x"),
            ] {
                assert!(words("a.md", &good).is_empty(), "{good}");
            }
        }
        for word in WORDS {
            let bad = format!("fine\nwritten by {} in a hurry", word.to_uppercase());
            assert_eq!(words("a.md", &bad)[0].line, 2);
        }
        assert!(words("a.md", "A session of a user; the User-Agent header.").is_empty());
    }
}
