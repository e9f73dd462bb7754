//! The shapes of the commands, made of the types that read them, so that the two cannot differ.
//!
//! What the program alone may say is left out there (`#[schemars(skip)]`). Deliberately not here:
//! who may give which command.

use incident::Command;
use incident::access::AccessCommand;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Comments of the code are in English and for its readers; the document speaks the reader's own.
#[derive(Clone)]
struct Wordless;

impl Transform for Wordless {
    fn transform(&mut self, schema: &mut Schema) {
        schema.remove("description");
        schema.remove("title");
        transform_subschemas(self, schema);
    }
}

/// `Command`, `AccessCommand`, and what they are made of.
pub(super) fn schemas() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| {
        s.definitions_path = "/components/schemas".into();
        s.meta_schema = None;
    });
    let settings = settings.with_transform(Wordless);
    let mut generator = SchemaGenerator::new(settings);
    generator.subschema_for::<Command>();
    generator.subschema_for::<AccessCommand>();
    let all: Map<String, Value> = generator.take_definitions(true);
    json!(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// What the program alone may say, and what the desk does in more than one command.
    const LEFT_OUT: [&str; 12] = [
        "add_findings",
        "escalate",
        "expire_hold",
        "join_report",
        "joining",
        "notice_sent",
        "pass_call",
        "propose_repair",
        "record_audit",
        "repair_applied",
        "repair_failed",
        "start_repair",
    ];

    /// The tags of a command's schema, of inner commands too.
    fn tags(schema: &Value, found: &mut BTreeSet<String>) {
        let own = schema["properties"]["command"]["const"].as_str();
        found.extend(own.map(str::to_owned));
        for inner in schema["oneOf"].as_array().into_iter().flatten() {
            tags(inner, found);
        }
    }

    #[test]
    fn every_command_is_described_but_those_that_no_person_gives() {
        let mut found = BTreeSet::new();
        tags(&schemas()["Command"], &mut found);
        // serde names all that it knows when it is given one that it does not know.
        let unknown = json!({ "command": "?" });
        let said = serde_json::from_value::<Command>(unknown).map_err(|e| e.to_string());
        let said = said.expect_err("no command is called so");
        let known: BTreeSet<String> = said
            .split('`')
            .skip(3)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        assert!(known.len() > 40, "{said}");
        let left_out: BTreeSet<String> = known.difference(&found).cloned().collect();
        assert_eq!(left_out, LEFT_OUT.map(str::to_owned).into());
        assert!(found.is_subset(&known), "{found:?}");
    }

    #[test]
    fn what_the_program_says_of_an_inner_command_is_left_out_too() {
        let text = schemas().to_string();
        for program_only in ["set_stand_ins", "remind_brief", "\"remind\""] {
            assert!(!text.contains(program_only), "{program_only}");
        }
        assert!(text.contains("name_suspect") && text.contains("set_objective"));
        assert!(
            !text.contains("description"),
            "its words would be English alone"
        );
    }
}
