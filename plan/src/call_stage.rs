//! The stages of calling a group, and how long each one waits for an answer.
//!
//! Deliberately not here: who is called in a stage (room `incident`) and on which channels.

use crate::LevelRule;
use serde::{Deserialize, Serialize};

/// Who is called together: the next stage begins when nobody who leads has answered in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallStage {
    Lead,
    /// The deputy, or whoever stands in first where a group has none.
    Deputy,
    /// Everybody of the group who was not called yet, and whoever stands in.
    Members,
    /// All of them again, lead and deputy too.
    Everyone,
}

impl CallStage {
    pub const ALL: [Self; 4] = [Self::Lead, Self::Deputy, Self::Members, Self::Everyone];
    pub const fn code(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Deputy => "deputy",
            Self::Members => "members",
            Self::Everyone => "everyone",
        }
    }
}

/// Times of single stages at a level, in seconds. What is left out waits `ack_within_s`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallStages {
    /// From the call of the lead to that of the deputy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_s: Option<u32>,
    /// From the call of the deputy to that of the members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deputy_s: Option<u32>,
    /// From the call of the members to that of everyone. Left out, members and everyone are
    /// called at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members_s: Option<u32>,
    /// Until everyone who did not answer is called once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub everyone_s: Option<u32>,
}

impl CallStages {
    /// No stage has a time of its own.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl LevelRule {
    /// Seconds that a call of this stage waits for an answer.
    pub fn stage_s(&self, stage: CallStage) -> u32 {
        let own = match stage {
            CallStage::Lead => self.stages.lead_s,
            CallStage::Deputy => self.stages.deputy_s,
            CallStage::Members => self.stages.members_s,
            CallStage::Everyone => self.stages.everyone_s,
        };
        own.unwrap_or(self.ack_within_s)
    }
    /// The members are a stage of their own before everyone is called again; never where everyone
    /// is called at once.
    pub fn members_first(&self) -> bool {
        !self.everyone && self.stages.members_s.is_some()
    }
    /// The stages that this level goes through with their seconds, in order. A level that calls
    /// everyone at once has one.
    pub fn stages(&self) -> Vec<(CallStage, u32)> {
        let wanted = |stage: &CallStage| match stage {
            CallStage::Everyone => true,
            CallStage::Members => self.members_first(),
            CallStage::Lead | CallStage::Deputy => !self.everyone,
        };
        let all = CallStage::ALL.into_iter().filter(wanted);
        all.map(|stage| (stage, self.stage_s(stage))).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::CallStage;
    use crate::built_in::plan as built_in;
    use model::Level;

    #[test]
    fn a_stage_without_a_time_waits_as_long_as_the_level_says() {
        let mut plan = built_in().clone();
        let rule = plan.levels.iter_mut().find(|l| l.level == Level(3));
        let rule = rule.expect("a level");
        let all = CallStage::ALL.map(|stage| rule.stage_s(stage));
        assert_eq!(all, [rule.ack_within_s; 4]);
        let named = |rule: &crate::LevelRule| -> Vec<(&str, u32)> {
            let all = rule.stages().into_iter();
            all.map(|(stage, s)| (stage.code(), s)).collect()
        };
        assert_eq!(
            named(rule),
            [("lead", 300), ("deputy", 300), ("everyone", 300)]
        );
        rule.stages.lead_s = Some(120);
        rule.stages.members_s = Some(60);
        assert_eq!(
            named(rule),
            [
                ("lead", 120),
                ("deputy", 300),
                ("members", 60),
                ("everyone", 300)
            ]
        );
        rule.everyone = true;
        assert_eq!(named(rule), [("everyone", 300)]);
    }

    #[test]
    fn a_plan_without_stages_keeps_its_digest() {
        let json = serde_json::to_string(&built_in().levels).expect("json");
        assert!(!json.contains("stages"), "{json}");
    }
}
