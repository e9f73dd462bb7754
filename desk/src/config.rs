//! `balefire.toml`: what is guarded, where the pages listen, how people are reached.
//! Unknown settings are refused with the nearest name that exists.

use crate::DeskError;
use model::policy::CrossCheck;
use model::{SourceName, SourcePolicy, TablePolicy};
use serde::Deserialize;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    pub web: WebConfig,
    #[serde(default)]
    pub plan: PlanConfig,
    #[serde(default)]
    pub source: Vec<SourceConfig>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebConfig {
    /// Address and port of the pages.
    pub listen: String,
    /// Whether `/journal/...` may be read without login.
    pub public_journal: bool,
    /// Language of those who have chosen none.
    pub language: plan::Lang,
}

impl Default for WebConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:7878".into(),
            public_journal: false,
            language: plan::Lang::Zh,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlanConfig {
    /// A plan as JSON; the built-in plan when absent.
    pub file: Option<PathBuf>,
    /// Whether the company operates critical information infrastructure (关键信息基础设施); unknown when absent.
    pub cii: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    pub name: SourceName,
    pub kind: SourceKind,
    /// The SQLite file; relative paths are taken from the configuration's folder.
    pub path: PathBuf,
    #[serde(default)]
    pub table: Vec<TablePolicy>,
    #[serde(default)]
    pub check: Vec<CrossCheck>,
    #[serde(default)]
    pub repair: RepairConfig,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    Sqlite,
}

/// Caps of one repair.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RepairConfig {
    pub max_rows: u32,
    pub lock_timeout_ms: u32,
}

impl Default for RepairConfig {
    fn default() -> Self {
        Self {
            max_rows: 1_000,
            lock_timeout_ms: 2_000,
        }
    }
}

impl SourceConfig {
    pub fn policy(&self) -> SourcePolicy {
        SourcePolicy {
            source: self.name.clone(),
            tables: self.table.clone(),
            checks: self.check.clone(),
        }
    }
}

impl Config {
    /// Reads and checks the file.
    pub fn load(path: &Path) -> Result<Self, DeskError> {
        let text = std::fs::read_to_string(path).map_err(|error| DeskError::Config {
            path: path.to_owned(),
            detail: error.to_string(),
        })?;
        let mut config = Self::parse(&text).map_err(|detail| DeskError::Config {
            path: path.to_owned(),
            detail,
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        for source in &mut config.source {
            source.path = folder.join(&source.path);
        }
        if let Some(file) = &mut config.plan.file {
            *file = folder.join(&*file);
        }
        Ok(config)
    }

    /// Parses the text; the error says where and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self =
            toml::from_str(text).map_err(|error| with_suggestion(&error.to_string()))?;
        for (i, source) in config.source.iter().enumerate() {
            if config.source[..i].iter().any(|s| s.name == source.name) {
                return Err(format!(
                    "two sources are called `{}`; give each its own name",
                    source.name
                ));
            }
        }
        Ok(config)
    }
}

/// `unknown field `x`, expected one of `a`, `b`` gets the nearest of the expected names.
fn with_suggestion(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let unknown = message
        .find("unknown field `")
        .and_then(|at| message[at..].split('`').nth(1));
    let Some(unknown) = unknown else {
        return message.to_owned();
    };
    let candidates: Vec<&str> = quoted.into_iter().filter(|name| *name != unknown).collect();
    match detect::policy::suggest(unknown, candidates) {
        Some(nearest) => format!("{message}\ndid you mean `{nearest}`?"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_setting_is_named_with_the_nearest_one() {
        let text = "[[source]]\nname = \"shop\"\nkind = \"sqlite\"\npath = \"shop.db\"\n[[source.table]]\nname = \"orders\"\nfrozn = 1\n";
        let error = Config::parse(text).unwrap_err();
        assert!(
            error.contains("frozn") && error.contains("did you mean `frozen`?"),
            "{error}"
        );
        assert!(error.contains("line 7"), "{error}");
    }

    #[test]
    fn two_sources_of_one_name_are_refused() {
        let one = "[[source]]\nname = \"shop\"\nkind = \"sqlite\"\npath = \"a\"\n";
        assert!(
            Config::parse(&format!("{one}{one}"))
                .unwrap_err()
                .contains("shop")
        );
        assert_eq!(Config::parse(one).unwrap().web.listen, "127.0.0.1:7878");
    }
}
