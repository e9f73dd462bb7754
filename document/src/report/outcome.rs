//! Notices and filings, lessons, signatures.

use super::overview::clock_state;
use super::{Block, Section, Subject};
use incident::clocks::{IncidentClock, clocks, due, state_code};
use incident::communication::{Notice, NoticeState};
use plan::clock::ClockState;

pub(super) fn communication(on: &Subject<'_>) -> Section {
    let (i, say) = (on.incident, &on.say);
    let mut blocks = vec![
        on.heading("summary-notices"),
        on.table(
            &[
                "summary-number",
                "summary-kind",
                "summary-drafted-by",
                "summary-approved-by",
                "summary-audience",
                "summary-delivered",
                "summary-failed",
                "summary-state",
            ],
            i.notices.iter().map(|n| notice(on, n)).collect(),
        ),
    ];
    for notice in &i.notices {
        for text in notice.texts.values() {
            blocks.push(Block::Text(format!("{}\n{text}", notice.id)));
        }
    }
    let now = on.extras.generated_at;
    let duties = clocks(on.plan, i, now)
        .iter()
        .map(|c| duty(on, c))
        .collect();
    let head = [
        "summary-duty",
        "summary-instrument",
        "summary-started",
        "summary-due",
        "summary-filed",
        "summary-channel",
        "summary-state",
    ];
    blocks.push(on.heading("summary-duties"));
    blocks.push(on.table(&head, duties));
    blocks.push(Block::Paragraph(say.text("summary-duty-note")));
    on.section("summary-communication", blocks)
}

fn notice(on: &Subject<'_>, n: &Notice) -> Vec<String> {
    let say = &on.say;
    let approved = n.approved.as_ref();
    let approved = approved.map_or_else(String::new, |s| {
        format!("{} · {}", say.actor(&s.by), say.time(s.at))
    });
    let state = say.code(&format!("state-{}", n.state.code()));
    let (delivered, failed, state) = match &n.state {
        NoticeState::Sent {
            at,
            delivered,
            failed,
        } => {
            let state = format!("{state} · {}", say.time(*at));
            (delivered.to_string(), failed.to_string(), state)
        }
        _ => (String::new(), String::new(), state),
    };
    vec![
        n.id.to_string(),
        say.code(&format!("notice-{}", n.kind.code())),
        format!("{} · {}", say.actor(&n.drafted_by), say.time(n.drafted_at)),
        approved,
        n.audience.to_string(),
        delivered,
        failed,
        state,
    ]
}

fn duty(on: &Subject<'_>, c: &IncidentClock<'_>) -> Vec<String> {
    let say = &on.say;
    let time = |at: Option<model::Instant>| at.map_or_else(String::new, |at| say.time(at));
    let (started, target) = match &c.state {
        ClockState::Running { started, .. }
        | ClockState::DueSoon { started, .. }
        | ClockState::Overdue { started, .. } => (Some(*started), due(&c.state)),
        ClockState::Duty { started, target } => (Some(*started), *target),
        // A filed clock shows what it was due by, so that the report compares due and actual.
        ClockState::Filed { .. } => {
            let started = anchor(on, c);
            (started, started.and_then(|started| c.clock.due(started)))
        }
        _ => (None, None),
    };
    let channel = match (c.filing, c.waiver) {
        (Some(f), _) => format!("{} · {} · {}", f.channel, f.receipt, say.actor(&f.by)),
        (None, Some(w)) => format!("{} · {}", w.reason, say.actor(&w.by)),
        (None, None) => String::new(),
    };
    vec![
        say.own(&c.clock.title),
        format!("{} {}", say.own(&c.clock.instrument), c.clock.article),
        time(started),
        time(target),
        time(c.filing.map(|f| f.filed_at)),
        channel,
        clock_state(on, state_code(&c.state)),
    ]
}

fn anchor(on: &Subject<'_>, c: &IncidentClock<'_>) -> Option<model::Instant> {
    if c.clock.anchor == plan::Anchor::FiledPrevious {
        let filings = on.incident.filings.iter();
        let followed = filings.filter(|f| Some(&f.clock) == c.clock.follows.as_ref());
        return followed.map(|f| f.filed_at).min();
    }
    on.incident.anchors.get(c.clock.anchor)
}

pub(super) fn lessons(on: &Subject<'_>) -> Section {
    let say = &on.say;
    let mut blocks = Vec::new();
    if on.incident.lessons.is_empty() {
        blocks.push(Block::Paragraph(say.text("summary-none")));
    }
    for lesson in &on.incident.lessons {
        let by = format!("{} · {}", say.actor(&lesson.by), say.time(lesson.at));
        let title = format!("{} {}", say.text("summary-lesson"), lesson.number);
        blocks.push(Block::Heading(title));
        blocks.push(Block::Paragraph(lesson.text.clone()));
        blocks.push(Block::Paragraph(by));
        let measures = lesson.measures.iter();
        let rows = measures
            .map(|m| vec![m.text.clone(), say.position(&m.owner), say.time(m.due_at)])
            .collect();
        blocks.push(on.table(&["summary-measure", "summary-owner", "summary-due"], rows));
    }
    on.section("summary-lessons", blocks)
}

pub(super) fn signatures(on: &Subject<'_>) -> Section {
    let roles = ["cio", "ciso", "legal"].map(|r| on.say.text(&format!("summary-signature-{r}")));
    let rows = roles
        .into_iter()
        .map(|role| vec![role, String::new(), String::new()])
        .collect();
    let head = ["summary-position", "summary-signature", "summary-date"];
    on.section("summary-signatures", vec![on.table(&head, rows)])
}
