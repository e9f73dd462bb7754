//! Forms about notices, filings and duties.

use super::{Commands, bad, one, text, time, whole};
use crate::visit::Visit;
use incident::communication::NoticeKind;
use incident::refusal::BadValue;
use incident::{Command, Incident};
use model::{ClockId, NoticeId};
use plan::Lang;
use std::collections::BTreeMap;

pub(crate) fn draft_notice(visit: &Visit, _: &Incident) -> Commands {
    let kind = visit.form.get("kind");
    let Some(kind) = NoticeKind::ALL.into_iter().find(|k| k.code() == kind) else {
        return bad("kind", BadValue::NotInPlan);
    };
    let texts: BTreeMap<Lang, String> = [
        (Lang::Zh, text(visit, "text-zh")),
        (Lang::En, text(visit, "text-en")),
    ]
    .into_iter()
    .filter(|(_, text)| !text.is_empty())
    .collect();
    let Ok(audience) = u64::try_from(whole(visit, "audience")?) else {
        return bad("audience", BadValue::Number);
    };
    one(Command::DraftNotice {
        kind,
        texts,
        audience,
    })
}

fn notice(visit: &Visit) -> NoticeId {
    NoticeId::new(visit.form.get("notice"))
}

pub(crate) fn approve_notice(visit: &Visit, _: &Incident) -> Commands {
    one(Command::ApproveNotice {
        notice: notice(visit),
    })
}

pub(crate) fn reject_notice(visit: &Visit, _: &Incident) -> Commands {
    one(Command::RejectNotice {
        notice: notice(visit),
    })
}

fn clock(visit: &Visit) -> ClockId {
    ClockId::new(visit.form.get("clock"))
}

pub(crate) fn file_report(visit: &Visit, _: &Incident) -> Commands {
    one(Command::FileReport {
        clock: clock(visit),
        filed_at: time(visit, "filed")?.unwrap_or_else(|| visit.desk().now()),
        channel: text(visit, "channel"),
        receipt: text(visit, "receipt"),
    })
}

pub(crate) fn waive_duty(visit: &Visit, _: &Incident) -> Commands {
    one(Command::WaiveDuty {
        clock: clock(visit),
    })
}
