//! The plan that comes with the program: data files in both languages, parsed once.
//!
//! Deliberately not here: an operator's own version of the plan, which is stored and approved.

use crate::Plan;
use serde::Deserialize;
use std::sync::LazyLock;

/// One file for each chapter; every top-level key stands in exactly one of them.
const CHAPTERS: [(&str, &str); 15] = [
    ("general", include_str!("../data/general.toml")),
    ("risks", include_str!("../data/risks.toml")),
    ("organisation", include_str!("../data/organisation.toml")),
    ("grading", include_str!("../data/grading.toml")),
    ("clocks", include_str!("../data/clocks.toml")),
    ("duties", include_str!("../data/duties.toml")),
    ("steps", include_str!("../data/steps.toml")),
    ("authority", include_str!("../data/authority.toml")),
    ("means", include_str!("../data/means.toml")),
    ("register", include_str!("../data/register.toml")),
    ("forms", include_str!("../data/forms.toml")),
    ("records", include_str!("../data/records.toml")),
    ("contacts", include_str!("../data/contacts.toml")),
    ("texts", include_str!("../data/texts.toml")),
    ("terms", include_str!("../data/terms.toml")),
];

/// The built-in plan.
pub fn plan() -> &'static Plan {
    static PLAN: LazyLock<Plan> = LazyLock::new(|| {
        // The data is part of the program and parsed by a test: a fault in it is our mistake.
        from_chapters(&CHAPTERS).expect("the built-in plan parses")
    });
    &PLAN
}

/// Why data is no plan; names the chapter and what the parser says.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error("chapter `{chapter}` of the plan is not valid TOML")]
    Syntax {
        chapter: String,
        source: toml::de::Error,
    },
    #[error("`{key}` of the plan stands in two chapters and is no list; keep it in one")]
    Twice { key: String },
    #[error("the chapters do not make a whole plan")]
    Shape { source: toml::de::Error },
}

/// Joins chapters to one plan; lists that stand in several chapters are put one after another.
pub fn from_chapters(chapters: &[(&str, &str)]) -> Result<Plan, DataError> {
    let mut whole = toml::Table::new();
    for (chapter, text) in chapters {
        let table: toml::Table = text.parse().map_err(|source| DataError::Syntax {
            chapter: (*chapter).to_owned(),
            source,
        })?;
        for (key, value) in table {
            join(&mut whole, key, value)?;
        }
    }
    Plan::deserialize(whole).map_err(|source| DataError::Shape { source })
}

fn join(whole: &mut toml::Table, key: String, value: toml::Value) -> Result<(), DataError> {
    match (whole.get_mut(&key), value) {
        (None, value) => {
            whole.insert(key, value);
            Ok(())
        }
        (Some(toml::Value::Array(list)), toml::Value::Array(more)) => {
            list.extend(more);
            Ok(())
        }
        (Some(_), _) => Err(DataError::Twice { key }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Act, StepId};
    use model::{GroupId, Risk};

    #[test]
    fn it_parses_and_survives_json() {
        let plan = from_chapters(&CHAPTERS).unwrap_or_else(|e| panic!("{e}: {:?}", e));
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
        assert_eq!(plan.digest(), super::plan().digest());
    }

    #[test]
    fn it_holds_the_whole_document() {
        let plan = plan();
        let risks: Vec<Risk> = plan.risks.iter().map(|r| r.risk).collect();
        assert_eq!(risks, Risk::ALL);
        let steps: Vec<StepId> = plan.steps.iter().map(|s| s.id).collect();
        assert_eq!(steps, StepId::ALL);
        let groups: Vec<&str> = plan.groups.iter().map(|g| g.id.as_str()).collect();
        assert_eq!(groups, ["leading", "response", "legal", "communication"]);
        for start in ["M1", "M2", "M3", "M4"] {
            assert!(
                plan.resources.iter().any(|r| r.id.starts_with(start)),
                "{start}"
            );
        }
        assert_eq!(plan.evaluation.len(), 4);
        assert!(plan.authority.len() == Act::ALL.len());
        assert_eq!(plan.forms.len(), 36);
    }

    #[test]
    fn the_groups_are_those_of_the_document() {
        let everyone = |id: &str| -> Vec<&str> {
            let group = plan().group(&GroupId::new(id)).unwrap();
            group.everyone().into_iter().map(|p| p.as_str()).collect()
        };
        let leading = [
            "cio",
            "ciso",
            "head_support",
            "head_cs",
            "head_legal",
            "head_marketing",
        ];
        assert_eq!(everyone("leading"), leading);
        let response = [
            "ciso",
            "head_support",
            "security_engineer",
            "sysadmin",
            "cs_agent",
        ];
        assert_eq!(everyone("response"), response);
        assert_eq!(
            everyone("legal"),
            ["head_legal", "legal_counsel", "compliance_officer"]
        );
        assert_eq!(
            everyone("communication"),
            ["head_cs", "cs_agent", "marketing_specialist"]
        );
    }

    #[test]
    fn a_fault_in_the_data_names_its_place() {
        let bad = from_chapters(&[("one", "a = ")]).unwrap_err();
        assert_eq!(
            bad.to_string(),
            "chapter `one` of the plan is not valid TOML"
        );
        let twice = from_chapters(&[("one", "version = '1'"), ("two", "version = '2'")]);
        assert!(
            twice
                .unwrap_err()
                .to_string()
                .starts_with("`version` of the plan")
        );
        assert!(matches!(from_chapters(&[]), Err(DataError::Shape { .. })));
    }
}
