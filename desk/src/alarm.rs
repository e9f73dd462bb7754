//! Pages about the program's own safety, such as the use of an emergency code: to everybody who
//! holds a position, whatever the incident.
//!
//! Deliberately not here: whether it is sent (whoever finds a reason puts a row into the outbox).

use crate::DeskError;
use document::Value;
use model::PositionId;
use plan::Lang;
use serde::{Deserialize, Serialize};

/// Kind of the outbox rows.
pub(crate) const ALARM: &str = "alarm";

/// What such a row holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Alarm {
    /// The catalogue has `page-alarm-ALARM-subject` and `page-alarm-ALARM-body`.
    pub alarm: String,
    pub position: PositionId,
    /// Names and texts of the places in the words.
    pub values: Vec<(String, String)>,
}

impl Alarm {
    pub fn parse(json: &str) -> Result<Self, DeskError> {
        Ok(serde_json::from_str(json)?)
    }

    /// Subject and body.
    pub fn words(&self, lang: Lang) -> (String, String) {
        let words = document::words(lang);
        let values: Vec<(&str, Value<'_>)> = (self.values.iter())
            .map(|(name, value)| (name.as_str(), Value::from(value.as_str())))
            .collect();
        let text = |part| words.with(&format!("page-alarm-{}-{part}", self.alarm), &values);
        (text("subject"), text("body"))
    }
}
