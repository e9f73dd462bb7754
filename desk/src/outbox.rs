//! The outbox as people see it, and its steps as dispatch takes them.

use crate::dispatch::ReportPage;
use crate::{Desk, DeskError, OutboxItem};
use document::Value;
use incident::Effect;
use model::{IncidentId, Instant, OutboxId, PositionId};
use store::{Batch, OutboxChange, OutboxRow, OutboxUpdate};

impl Desk {
    /// Newest first.
    pub fn outbox(&self, incident: Option<&IncidentId>, limit: u32) -> Vec<OutboxItem> {
        let rows = self
            .store()
            .outbox(incident, None, limit)
            .unwrap_or_else(|error| {
                tracing::error!(error = %crate::error::chain(&error), "the outbox cannot be read");
                Vec::new()
            });
        rows.into_iter().map(|row| self.outbox_item(row)).collect()
    }

    pub(crate) fn outbox_item(&self, row: OutboxRow) -> OutboxItem {
        let (to, subject, body) = self.outbox_words(&row);
        OutboxItem {
            id: row.id,
            incident: row.incident,
            channel: row.channel,
            kind: row.kind,
            possible_duplicate: row.attempts > 0 && row.state != "sent",
            state: row.state,
            attempts: row.attempts,
            created_at: row.created_at,
            due_at: row.due_at,
            sent_at: row.sent_at,
            to,
            subject,
            body,
        }
    }

    fn outbox_words(&self, row: &OutboxRow) -> (String, String, String) {
        let lang = self.config().web.language;
        if let Ok(page) = serde_json::from_str::<ReportPage>(&row.json) {
            let (subject, body) = crate::paging::report_words(&page.report, lang);
            return (self.names(row, &page.position), subject, body);
        }
        if let Ok(alarm) = crate::alarm::Alarm::parse(&row.json) {
            let (subject, body) = alarm.words(lang);
            return (self.names(row, &alarm.position), subject, body);
        }
        match serde_json::from_str::<Effect>(&row.json) {
            Ok(Effect::Page { page, .. }) => {
                let (subject, body) =
                    crate::dispatch::page_words(self, row, &page, &self.plan(), lang);
                (self.names(row, page.position()), subject, body)
            }
            Ok(Effect::SendNotice {
                texts, audience, ..
            }) => {
                let text = texts
                    .get(&lang)
                    .or_else(|| texts.values().next())
                    .cloned()
                    .unwrap_or_default();
                (
                    audience.to_string(),
                    text.lines().next().unwrap_or_default().to_owned(),
                    text,
                )
            }
            Ok(Effect::Hold {
                hold, rows, until, ..
            }) => {
                let until = Value::from(until.in_zone("Asia/Shanghai"));
                let values = [
                    ("hold", Value::from(hold.as_str())),
                    ("n", count(&rows)),
                    ("until", until),
                ];
                let subject = document::words(lang).with("outbox-subject-hold", &values);
                (hold.to_string(), subject, listed(&rows))
            }
            Ok(Effect::LiftHold { hold, rows, .. }) => {
                let values = [("hold", Value::from(hold.as_str())), ("n", count(&rows))];
                let subject = document::words(lang).with("outbox-subject-lift-hold", &values);
                (hold.to_string(), subject, listed(&rows))
            }
            Ok(Effect::Brief { number, .. }) => {
                let management = PositionId::new("senior_management");
                let plan = self.plan();
                let to = plan.position(&management);
                let to = to.map_or_else(
                    || management.to_string(),
                    |p| p.title.in_lang(lang).to_owned(),
                );
                let n = [("n", Value::from(i64::from(number)))];
                let subject = document::words(lang).with("outbox-subject-brief", &n);
                (to, subject, String::new())
            }
            Err(_) => (String::new(), String::new(), row.json.clone()),
        }
    }

    /// Only of those who may know: a page never reached anybody from whom the incident is kept.
    fn names(&self, row: &OutboxRow, position: &PositionId) -> String {
        let incident = row.incident.as_ref().and_then(|id| self.incident(id));
        let holders = match incident {
            Some(incident) => self.holders_in(&incident, position),
            None => self.holders(position),
        };
        if holders.is_empty() {
            return position.to_string();
        }
        holders
            .iter()
            .map(|a| a.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }

    pub(crate) fn outbox_sending(&self, id: &OutboxId) -> Result<(), DeskError> {
        self.outbox_change(id, OutboxChange::Sending)
    }
    pub(crate) fn outbox_sent(&self, id: &OutboxId) -> Result<(), DeskError> {
        self.outbox_change(id, OutboxChange::Sent { at: self.now() })
    }
    pub(crate) fn outbox_retry(&self, id: &OutboxId, due_at: Instant) -> Result<(), DeskError> {
        self.outbox_change(id, OutboxChange::Again { due_at })
    }
    fn outbox_change(&self, id: &OutboxId, change: OutboxChange) -> Result<(), DeskError> {
        let update = OutboxUpdate {
            id: id.clone(),
            change,
        };
        self.store().commit(Batch {
            outbox_updates: vec![update],
            ..Batch::default()
        })?;
        self.touched();
        Ok(())
    }
}

fn count(rows: &[incident::rows::TableRows]) -> Value<'static> {
    let n: usize = rows.iter().map(|t| t.keys.len()).sum();
    Value::from(i64::try_from(n).unwrap_or(i64::MAX))
}

fn listed(rows: &[incident::rows::TableRows]) -> String {
    let tables = rows
        .iter()
        .map(|t| format!("{}: {}", t.table, t.keys.join(", ")));
    tables.collect::<Vec<_>>().join("\n")
}
