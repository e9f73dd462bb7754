//! Evidence, notices, decisions, lessons, impact.

use super::checks::{self, bad, bound, conflict, room, second_person, unknown, wrong_state};
use super::{Asked, Decision};
use crate::bounds::{
    MAX_CURRENCIES, MAX_DECISIONS, MAX_EVIDENCE, MAX_LESSONS, MAX_MEASURES, MAX_NAME_CHARS,
    MAX_NOTICE_CHARS, MAX_NOTICES, MAX_POSITIONS, MAX_TEXT_CHARS, MAX_TRANSFERS,
};
use crate::communication::{Notice, NoticeKind, NoticeState};
use crate::custody::EvidenceItem;
use crate::fact::Fact;
use crate::grading::Impact;
use crate::learning::{Measure, Topic};
use crate::refusal::{BadValue, Refusal};
use model::{Digest, EvidenceId, NoticeId};
use plan::{Act, Lang};
use std::collections::BTreeMap;

pub(super) fn collect(asked: Asked<'_>, item: EvidenceItem) -> Decision {
    let evidence = &asked.incident.evidence;
    room("evidence", evidence.len(), MAX_EVIDENCE)?;
    bound("positions", item.positions.len(), MAX_POSITIONS)?;
    for (field, words) in [
        ("name", &item.name),
        ("kind", &item.kind),
        ("source", &item.source),
        ("method", &item.method),
        ("location", &item.location),
    ] {
        checks::name(field, words)?;
    }
    let witness = item.witness.as_deref().unwrap_or_default();
    checks::no_longer("witness", witness, MAX_NAME_CHARS)?;
    checks::past("collected-at", item.collected_at, asked.op.now)?;
    let evidence = EvidenceId::new(format!("E-{}", evidence.len() + 1));
    Ok(vec![Fact::EvidenceCollected { evidence, item }])
}

/// A hash that differs is recorded as such: what came out of custody changed is a fact too.
pub(super) fn transfer(
    asked: Asked<'_>,
    evidence: EvidenceId,
    to: String,
    purpose: String,
    sha256: Digest,
) -> Decision {
    let found = asked.incident.evidence.iter().find(|e| e.id == evidence);
    let found = found.ok_or_else(|| unknown("evidence", &evidence))?;
    room("transfers", found.transfers.len(), MAX_TRANSFERS)?;
    checks::name("to", &to)?;
    checks::long_text("purpose", &purpose)?;
    let intact = found.item.sha256 == sha256;
    Ok(vec![Fact::EvidenceTransferred {
        evidence,
        to,
        purpose,
        sha256,
        intact,
    }])
}

pub(super) fn draft_notice(
    asked: Asked<'_>,
    kind: NoticeKind,
    texts: BTreeMap<Lang, String>,
    audience: u64,
) -> Decision {
    let notices = &asked.incident.notices;
    room("notices", notices.len(), MAX_NOTICES)?;
    if texts.is_empty() {
        return Err(bad("text", BadValue::Empty));
    }
    for text in texts.values() {
        checks::text("text", text, MAX_NOTICE_CHARS)?;
    }
    let notice = NoticeId::new(format!("N-{}", notices.len() + 1));
    Ok(vec![Fact::NoticeDrafted {
        notice,
        kind,
        texts,
        audience,
    }])
}

fn notice_in<'a>(
    asked: Asked<'a>,
    id: &NoticeId,
    state: &NoticeState,
) -> Result<&'a Notice, Refusal> {
    let notice = asked.incident.notices.iter().find(|n| n.id == *id);
    let notice = notice.ok_or_else(|| unknown("notice", id))?;
    if notice.state != *state {
        return Err(wrong_state("notice", notice.state.code()));
    }
    Ok(notice)
}

pub(super) fn approve_notice(asked: Asked<'_>, notice: NoticeId) -> Decision {
    let found = notice_in(asked, &notice, &NoticeState::Draft)?;
    second_person(asked, &found.drafted_by)?;
    Ok(vec![Fact::NoticeApproved { notice }])
}

pub(super) fn reject_notice(asked: Asked<'_>, notice: NoticeId) -> Decision {
    notice_in(asked, &notice, &NoticeState::Draft)?;
    checks::reason(asked)?;
    Ok(vec![Fact::NoticeRejected { notice }])
}

pub(super) fn notice_sent(
    asked: Asked<'_>,
    notice: NoticeId,
    delivered: u64,
    failed: u64,
) -> Decision {
    notice_in(asked, &notice, &NoticeState::Approved)?;
    Ok(vec![Fact::NoticeSent {
        notice,
        delivered,
        failed,
    }])
}

pub(super) fn decision(asked: Asked<'_>, topic: Topic, text: String) -> Decision {
    let decisions = &asked.incident.decisions;
    room("decisions", decisions.len(), MAX_DECISIONS)?;
    checks::long_text("text", &text)?;
    match &topic {
        Topic::AcceptRows { rows } => {
            checks::act(asked, Act::AcceptUnwitnessed)?;
            checks::rows(rows)?;
            for named in rows {
                let findings = &asked.incident.findings;
                let strange =
                    |key: &&String| findings.row(&named.source, &named.table, key).is_none();
                if let Some(key) = named.keys.iter().find(strange) {
                    return Err(unknown("row", format!("{} {key}", named.table)));
                }
            }
        }
        Topic::AcceptOpenRows => checks::act(asked, Act::AcceptUnwitnessed)?,
        Topic::General | Topic::NoHold | Topic::NoNotice => {}
    }
    let number = (decisions.len() + 1) as u32;
    Ok(vec![Fact::DecisionRecorded {
        number,
        topic,
        text,
    }])
}

pub(super) fn lesson(asked: Asked<'_>, text: String, measures: Vec<Measure>) -> Decision {
    let lessons = &asked.incident.lessons;
    room("lessons", lessons.len(), MAX_LESSONS)?;
    bound("measures", measures.len(), MAX_MEASURES)?;
    checks::long_text("text", &text)?;
    for measure in &measures {
        // Twenty texts of a lesson must fit into one fact together.
        checks::text("measure", &measure.text, MAX_TEXT_CHARS / 4)?;
        if asked.plan.position(&measure.owner).is_none() {
            return Err(bad("owner", BadValue::NotInPlan));
        }
        checks::future("due", measure.due_at, asked.op.now)?;
    }
    let number = (lessons.len() + 1) as u32;
    Ok(vec![Fact::LessonRecorded {
        number,
        text,
        measures,
    }])
}

pub(super) fn impact(asked: Asked<'_>, impact: Impact) -> Decision {
    checks::figure("orders", impact.orders)?;
    checks::figure("persons", impact.persons)?;
    bound("currencies", impact.money.len(), MAX_CURRENCIES)?;
    for (currency, money) in &impact.money {
        if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(bad("currency", BadValue::NotInPlan));
        }
        for figure in [money.out_minor, money.held_minor, money.recovered_minor] {
            checks::figure("money", figure)?;
        }
    }
    if let Some(at) = impact.figures_at {
        checks::past("figures-at", at, asked.op.now)?;
    }
    checks::no_longer("note", &impact.note, MAX_TEXT_CHARS)?;
    if impact == asked.incident.impact {
        return Err(conflict("impact", "unchanged"));
    }
    let figures_at = impact.figures_at.or(Some(asked.op.now));
    Ok(vec![Fact::ImpactRecorded {
        impact: Impact {
            figures_at,
            ..impact
        },
    }])
}
