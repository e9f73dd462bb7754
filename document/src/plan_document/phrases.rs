//! Values of the plan in words: durations, grades, triggers, deadlines, names of positions.

use super::writer::Writer;
use model::{Grade, GroupId, Level, PositionId};
use plan::clock::Trigger;
use plan::{Deadline, LevelRule, StatutoryClock, TaskTemplate};
use serde::Serialize;

impl Writer<'_> {
    /// Seconds in the largest unit that divides them.
    pub fn duration(&self, seconds: u32) -> String {
        let (key, n) = match seconds {
            s if s >= 86_400 && s % 86_400 == 0 => ("plan-days", s / 86_400),
            s if s >= 3_600 && s % 3_600 == 0 => ("plan-hours", s / 3_600),
            s if s >= 60 && s % 60 == 0 => ("plan-minutes", s / 60),
            s => ("plan-seconds", s),
        };
        self.with(key, &[("n", n.into())])
    }
    pub fn call_stages(&self, rule: &LevelRule) -> String {
        crate::call_stages(self.words, rule)
    }
    /// Hours stay hours: twenty-four of them are not a calendar day.
    pub fn hours(&self, hours: f64) -> String {
        match (hours * 3_600.0).round() as u32 {
            seconds if seconds % 3_600 == 0 => {
                self.with("plan-hours", &[("n", (seconds / 3_600).into())])
            }
            seconds => self.duration(seconds),
        }
    }
    /// The catalogue's word for a unit variant, for example `plan-act-close`.
    pub fn named(&self, prefix: &str, value: impl Serialize) -> String {
        match serde_json::to_value(value) {
            Ok(serde_json::Value::String(name)) => {
                self.word(&format!("{prefix}-{}", name.replace('_', "-")))
            }
            // Only unit variants come here; they always serialise as their names.
            _ => String::new(),
        }
    }
    /// The Chinese name stands beside the English one, because English renderings differ.
    pub fn grade(&self, grade: Grade) -> String {
        self.word(&format!("plan-grade-{}", grade.number()))
    }
    pub fn level(&self, level: Level) -> String {
        let rule = self.plan.level(level);
        rule.map_or_else(|| level.0.to_string(), |rule| self.of(&rule.title))
    }
    pub fn position(&self, id: &PositionId) -> String {
        let position = self.plan.position(id);
        position.map_or_else(|| id.to_string(), |position| self.of(&position.title))
    }
    pub fn positions<'p>(&self, ids: impl IntoIterator<Item = &'p PositionId>) -> String {
        self.joined(ids.into_iter().map(|id| self.position(id)).collect())
    }
    pub fn group(&self, id: &GroupId) -> String {
        let group = self.plan.group(id);
        group.map_or_else(|| id.to_string(), |group| self.of(&group.title))
    }
    /// What a task waits for, and from which grade up it is there at all.
    pub fn waits(&self, task: &TaskTemplate) -> String {
        let mut all = Vec::new();
        let tasks = || self.plan.steps.iter().flat_map(|s| &s.tasks);
        for id in &task.after {
            let found = tasks().find(|t| t.id == *id);
            all.push(found.map_or_else(|| id.clone(), |t| self.of(&t.title)));
        }
        if task.early {
            all.push(self.word("plan-task-early"));
        }
        if let Some(grade) = task.from_grade {
            let grade = self.grade(grade);
            all.push(self.with("plan-task-from-grade", &[("grade", grade.into())]));
        }
        self.joined(all)
    }
    pub fn joined(&self, items: Vec<String>) -> String {
        if items.is_empty() {
            return self.word("plan-none");
        }
        items.join(&self.separator("plan-comma"))
    }
    /// Items that have commas of their own.
    pub fn listed(&self, items: Vec<String>) -> String {
        items.join(&self.separator("plan-semicolon"))
    }
    /// A catalogue message ends without spaces, so English marks get theirs here.
    fn separator(&self, key: &str) -> String {
        let space = match self.lang {
            plan::Lang::Zh => "",
            plan::Lang::En => " ",
        };
        self.word(key) + space
    }
    pub fn yes_no(&self, yes: bool) -> String {
        self.word(if yes { "plan-yes" } else { "plan-no" })
    }

    pub fn trigger(&self, trigger: &Trigger) -> String {
        let mut parts = Vec::new();
        if let Some(grade) = trigger.grade_at_least {
            let grade = self.grade(grade).into();
            parts.push(self.with("plan-trigger-grade", &[("grade", grade)]));
        }
        let asked = [
            (trigger.cii == Some(true), "plan-trigger-cii"),
            (trigger.cii == Some(false), "plan-trigger-not-cii"),
            (trigger.personal_information, "plan-trigger-personal"),
            (trigger.suspected_crime, "plan-trigger-crime"),
            (trigger.interested_parties, "plan-trigger-parties"),
            (trigger.unauthorised_payment, "plan-trigger-payment"),
        ];
        let asked = asked.iter().filter(|(asked, _)| *asked);
        parts.extend(asked.map(|(_, key)| self.word(key)));
        if parts.is_empty() {
            parts.push(self.word("plan-trigger-always"));
        }
        self.listed(parts)
    }
    /// The law's number, or its words with our own target shown as ours.
    pub fn deadline(&self, clock: &StatutoryClock) -> String {
        let words = match clock.deadline {
            Deadline::Hours { value } => return self.hours(value),
            Deadline::CalendarDays { value } => {
                return self.with("plan-calendar-days", &[("n", value.into())]);
            }
            Deadline::Immediate => self.word("plan-at-once"),
            Deadline::UndueDelay => self.word("plan-without-delay"),
        };
        match clock.internal_target_h {
            None => words,
            Some(hours) => {
                let values = [("duty", words.into()), ("target", self.hours(hours).into())];
                self.with("plan-own-target", &values)
            }
        }
    }
}
