//! The stages of calling of one response level in words: who, and how long until the next.
//!
//! Deliberately not here: who holds a place, and what happens in one incident.

use crate::Catalogue;
use plan::LevelRule;

/// For example `lead 5 min → deputy 5 min → members 3 min → everyone 5 min`.
pub fn call_stages(words: &Catalogue, rule: &LevelRule) -> String {
    let stages = rule.stages().into_iter().map(|(stage, seconds)| {
        let (key, n) = match seconds {
            s if s >= 3_600 && s % 3_600 == 0 => ("plan-hours", s / 3_600),
            s if s >= 60 && s % 60 == 0 => ("plan-minutes", s / 60),
            s => ("plan-seconds", s),
        };
        let span = words.with(key, &[("n", n.into())]);
        let key = format!("call-stage-{}", stage.code());
        words.with(&key, &[("span", span.into())])
    });
    stages.collect::<Vec<_>>().join(" → ")
}

#[cfg(test)]
mod tests {
    use super::call_stages;
    use crate::words;
    use plan::Lang;

    #[test]
    fn each_stage_has_its_time() {
        let mut rule = plan::built_in::plan().levels[2].clone();
        rule.stages.members_s = Some(90);
        rule.stages.everyone_s = Some(3_600);
        assert_eq!(
            call_stages(words(Lang::En), &rule),
            "lead 5 min → deputy 5 min → members 90 s → everyone 1 h"
        );
        let zh = call_stages(words(Lang::Zh), &rule);
        assert_eq!(zh, "组长 5分钟 → 副组长 5分钟 → 组员 90秒 → 全体 1小时");
    }
}
