//! The course of events: every line with the time when it happened.

use super::{Block, Section, Subject};

pub(super) fn course(on: &Subject<'_>) -> Section {
    let lines = on.incident.timeline();
    let row = |line: &incident::TimelineEntry| {
        vec![
            on.say.time(line.at),
            on.say.time(line.recorded_at),
            on.say.event(line),
            line.reason.clone(),
            on.say.actor(&line.actor),
        ]
    };
    let rows = lines.into_iter().map(row).collect();
    let head = ["time", "recorded", "event", "reason", "by"].map(|k| format!("summary-{k}"));
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let mut blocks = vec![on.table(&head, rows)];
    let left_out = on.incident.timeline_left_out;
    if left_out > 0 {
        let note = on
            .say
            .words()
            .with("summary-left-out", &[("n", left_out.into())]);
        blocks.push(Block::Paragraph(note));
    }
    on.section("summary-course", blocks)
}
