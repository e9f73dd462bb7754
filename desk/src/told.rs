//! Why something is refused or not there, as a code and its values: each reader gets it in their
//! own language, and logs and the command line in English.

use document::Value;
use plan::Lang;
use std::fmt;

/// A sentence of the catalogue: `refused-CODE` with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    code: &'static str,
    values: Vec<(&'static str, String)>,
}

impl Told {
    pub const fn new(code: &'static str) -> Self {
        Self {
            code,
            values: Vec::new(),
        }
    }
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.values.push((name, value.to_string()));
        self
    }
    pub const fn code(&self) -> &'static str {
        self.code
    }
    pub fn words(&self, lang: Lang) -> String {
        let values: Vec<(&str, Value<'_>)> = (self.values.iter())
            .map(|(name, value)| (*name, Value::from(value.as_str())))
            .collect();
        document::words(lang).with(&format!("refused-{}", self.code), &values)
    }
}

/// What another program, or a setting, says in its own words.
impl From<String> for Told {
    fn from(text: String) -> Self {
        Self::new("said").with("text", text)
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(Lang::En))
    }
}

#[cfg(test)]
mod tests {
    use super::Told;
    use plan::Lang;
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    /// Codes with the names of their values, as they stand in the source.
    fn used() -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut folders = vec![root.join("desk/src"), root.join("web/src")];
        while let Some(folder) = folders.pop() {
            for file in std::fs::read_dir(folder).expect("a folder of sources") {
                let path = file.expect("a file").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "rs") {
                    let text = std::fs::read_to_string(&path).expect("text");
                    for after in text.split("Told::new(\"").skip(1) {
                        let (code, rest) = after.split_once('"').expect("a code");
                        let statement = rest.split(';').next().unwrap_or(rest);
                        let values = statement.split(".with(\"").skip(1);
                        let names = values.filter_map(|v| v.split('"').next());
                        let names = names.map(str::to_owned);
                        found.entry(code.to_owned()).or_default().extend(names);
                    }
                }
            }
        }
        found
    }

    #[test]
    fn every_code_has_its_words_in_every_language() {
        let used = used();
        assert!(used.len() > 60, "{}", used.len());
        for lang in Lang::ALL {
            for (code, names) in &used {
                let key = format!("refused-{code}");
                assert!(document::words(lang).has(&key), "{lang}: {key}");
                let code: &'static str = Box::leak(code.clone().into_boxed_str());
                let told = names.iter().fold(Told::new(code), |told, name| {
                    let name: &'static str = Box::leak(name.clone().into_boxed_str());
                    told.with(name, format!("<{name}>"))
                });
                let words = told.words(lang);
                for name in names {
                    assert!(words.contains(&format!("<{name}>")), "{lang}: {words}");
                }
                assert!(!words.contains("{$"), "{lang}: {words}");
            }
        }
    }

    #[test]
    fn a_reader_gets_their_own_language_and_a_log_english() {
        let told = Told::new("too-many-files").with("most", 20);
        assert_eq!(told.to_string(), "a report has at most 20 files");
        assert_eq!(told.words(Lang::Zh), "一份报告最多 20 个文件");
    }
}
