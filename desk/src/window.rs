//! Maintenance windows: planned changes by the shop's owners, with ticket, tables, most rows,
//! expiry and approver. What happens in one is counted and listed, never hidden.
//!
//! A window excuses what the policy forbids, nothing else: such a change becomes lawful, and each
//! leaves a finding of its own kind that alarms nobody. Archiving and lawful erasure are windows.

use crate::intake::{Intake, Seen};
use crate::repair::name_of;
use crate::{Desk, DeskError, Told};
use model::{
    AccountId, Change, Instant, Judgement, Operation, Row, RuleHit, SourceName, Standing, Value,
    Verdict,
};
use plan::Act;
use serde::{Deserialize, Serialize};
use store::{Batch, PutDocument};

const WINDOWS: &str = "window";
/// A window longer than this is a way of life: it is asked for anew.
const MOST_HOURS: i64 = 72;
/// Windows listed and looked through; older ones stay in the journal.
const MOST_WINDOWS: u32 = 1_000;
/// Rule under which a change names the window that excused it.
const RULE: &str = "window:";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    pub id: String,
    pub source: SourceName,
    /// Number of the change request.
    pub ticket: String,
    pub reason: String,
    pub tables: Vec<String>,
    /// Changes that it excuses; the next one is a finding like any other.
    pub most_rows: u64,
    pub from: Instant,
    pub until: Instant,
    pub asked_by: String,
    /// Account of whoever asked, who may not approve.
    asked_by_account: String,
    pub approved_by: Option<String>,
    pub closed_at: Option<Instant>,
    /// Changes that it has excused.
    pub used: u64,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewWindow {
    pub source: SourceName,
    pub ticket: String,
    pub reason: String,
    pub tables: Vec<String>,
    pub most_rows: u64,
    pub from: Instant,
    pub until: Instant,
}

impl Window {
    /// Whether this account asked for it, so that somebody else must approve.
    pub fn is_asked_by(&self, account: &AccountId) -> bool {
        self.asked_by_account == account.as_str()
    }

    fn is_open(&self, at: Instant) -> bool {
        self.approved_by.is_some()
            && self.closed_at.is_none()
            && self.from <= at
            && at < self.until
            && self.used < self.most_rows
    }
}

impl Desk {
    /// Puts a window before somebody else for approval.
    pub fn ask_window(&self, op: &Operation, new: NewWindow) -> Result<Window, DeskError> {
        self.may(op, Act::ManageSource)?;
        self.check_window(&new, op.now)?;
        let window = Window {
            id: self.new_id("w")?,
            source: new.source,
            ticket: new.ticket,
            reason: new.reason,
            tables: new.tables,
            most_rows: new.most_rows,
            from: new.from,
            until: new.until,
            asked_by: name_of(&op.actor),
            asked_by_account: account_of(op),
            approved_by: None,
            closed_at: None,
            used: 0,
        };
        self.put_window(&window, None, op.now)?;
        Ok(window)
    }

    /// The second person's word.
    pub fn approve_window(&self, op: &Operation, id: &str) -> Result<Window, DeskError> {
        self.may(op, Act::ApproveRepair)?;
        let (mut window, version) = self.window(id)?;
        if window.asked_by_account == account_of(op) {
            return Err(DeskError::Refused(Told::new("second-person")));
        }
        if window.approved_by.is_some() || window.closed_at.is_some() || window.until <= op.now {
            return Err(DeskError::Refused(Told::new("window-over")));
        }
        window.approved_by = Some(name_of(&op.actor));
        self.put_window(&window, Some(version), op.now)?;
        self.tell_guard(&window.source)?;
        Ok(window)
    }

    /// Ends a window before its time.
    pub fn close_window(&self, op: &Operation, id: &str) -> Result<Window, DeskError> {
        self.may(op, Act::ManageSource)?;
        let (mut window, version) = self.window(id)?;
        window.closed_at.get_or_insert(op.now);
        self.put_window(&window, Some(version), op.now)?;
        self.tell_guard(&window.source)?;
        Ok(self.window(id)?.0)
    }

    /// Newest first.
    pub fn windows(&self, source: Option<&SourceName>) -> Result<Vec<Window>, DeskError> {
        let mut windows = Vec::new();
        for stored in self.store().documents(WINDOWS, MOST_WINDOWS)? {
            let mut window: Window = serde_json::from_str(&stored.json)?;
            if source.is_none_or(|source| window.source == *source) {
                window.used = self.store().mark(&mark_used(&window.id))?.unwrap_or(0);
                windows.push(window);
            }
        }
        windows.sort_by(|a, b| (b.from, &b.id).cmp(&(a.from, &a.id)));
        Ok(windows)
    }

    fn window(&self, id: &str) -> Result<(Window, u64), DeskError> {
        let stored = self.store().document(WINDOWS, id)?;
        let stored = stored
            .ok_or_else(|| DeskError::NotFound(Told::new("window-unknown").with("id", id)))?;
        let mut window: Window = serde_json::from_str(&stored.json)?;
        window.used = self.store().mark(&mark_used(id))?.unwrap_or(0);
        Ok((window, stored.version))
    }

    fn check_window(&self, new: &NewWindow, now: Instant) -> Result<(), DeskError> {
        let config = self.source_config(&new.source)?;
        let refused = |why: Told| Err(DeskError::Refused(why));
        if new.ticket.trim().is_empty() || new.tables.is_empty() || new.most_rows == 0 {
            return refused(Told::new("window-incomplete"));
        }
        if let Some(table) =
            (new.tables.iter()).find(|t| !config.table.iter().any(|p| p.name == **t))
        {
            return refused(
                Told::new("table-unguarded")
                    .with("table", table)
                    .with("source", &new.source),
            );
        }
        let hours = new.until.since_s(new.from) / 3_600.0;
        if new.until <= now || hours <= 0.0 || hours > MOST_HOURS as f64 {
            return refused(Told::new("window-times").with("most", MOST_HOURS));
        }
        Ok(())
    }

    /// Stored and put on the record in one transaction.
    fn put_window(
        &self,
        window: &Window,
        expect_version: Option<u64>,
        at: Instant,
    ) -> Result<(), DeskError> {
        let document = PutDocument {
            collection: WINDOWS,
            id: window.id.clone(),
            expect_version,
            json: serde_json::to_string(window)?,
            at,
        };
        let leaf = serde_json::json!({ "record": "window", "at": at, "window": window });
        self.store().commit(Batch {
            documents: vec![document],
            leaves: vec![serde_json::to_vec(&leaf)?],
            ..Batch::default()
        })?;
        self.touched();
        Ok(())
    }

    pub(crate) fn may(&self, op: &Operation, act: Act) -> Result<(), DeskError> {
        let positions = match &op.actor {
            model::Actor::Person { positions, .. } => positions.as_slice(),
            _ => &[],
        };
        if self.plan().allows(act, positions) {
            return Ok(());
        }
        Err(DeskError::Refused(
            Told::new("other-positions").with("act", act.code()),
        ))
    }

    /// The guard takes the windows anew; one that does not run reads them when it starts.
    fn tell_guard(&self, source: &SourceName) -> Result<(), DeskError> {
        let mut windows = Windows::of(self, source)?;
        let told = self.on_guard(source, move |guard| {
            windows.counted_so_far(&guard.intake.windows);
            guard.intake.windows = windows;
            Ok(())
        });
        match told {
            Err(DeskError::NoBaseline { .. } | DeskError::GuardStopped(_)) => Ok(()),
            other => other,
        }
    }
}

pub(crate) fn account_of(op: &Operation) -> String {
    match &op.actor {
        model::Actor::Person { account, .. } => account.to_string(),
        _ => String::new(),
    }
}

fn mark_used(id: &str) -> String {
    format!("window-used/{id}")
}

/// The windows of one source, as its guard applies them.
#[derive(Default)]
pub(crate) struct Windows {
    windows: Vec<Window>,
    /// Their counts changed since they were stored last.
    moved: bool,
}

impl Windows {
    pub fn of(desk: &Desk, source: &SourceName) -> Result<Self, DeskError> {
        let now = desk.now();
        let mut windows = desk.windows(Some(source))?;
        windows.retain(|w| w.approved_by.is_some() && w.closed_at.is_none() && w.until > now);
        Ok(Self {
            windows,
            moved: false,
        })
    }

    /// Makes lawful what an open window excuses; the window's name joins the rules that were broken.
    ///
    /// What was unlawful before stays so: a window is for the changes made in it, by the
    /// database's own clock where it tells one, and not for what nobody saw happen.
    pub fn excuse(
        &mut self,
        table: &str,
        change: &Change,
        made_at: Instant,
        judgement: &mut Judgement,
    ) -> bool {
        if judgement.verdict != Verdict::Unlawful || !change.witnessed {
            return false;
        }
        let Some(standing) = excused_standing(change, &judgement.standing) else {
            return false;
        };
        let open = self.windows.iter_mut().find(|window| {
            window.is_open(made_at) && window.tables.iter().any(|name| name == table)
        });
        let Some(window) = open else { return false };
        window.used += 1;
        self.moved = true;
        judgement.verdict = Verdict::Lawful;
        judgement.standing = standing;
        judgement.hits.push(RuleHit {
            rule: format!("{RULE}{}", window.id),
            columns: Vec::new(),
        });
        true
    }

    /// Takes over what was counted since it was stored last.
    fn counted_so_far(&mut self, before: &Self) {
        for window in &mut self.windows {
            let known = before.windows.iter().find(|w| w.id == window.id);
            window.used = window.used.max(known.map_or(0, |w| w.used));
        }
        self.moved = true;
    }

    /// The counts as marks, when they changed.
    pub fn marks(&mut self) -> Vec<(String, u64)> {
        if !std::mem::take(&mut self.moved) {
            return Vec::new();
        }
        let used = self.windows.iter().filter(|w| w.used > 0);
        used.map(|w| (mark_used(&w.id), w.used)).collect()
    }
}

/// How a row stands when a change of it is excused: columns that were tainted before stay tainted.
/// `None`: nothing of the row is lawful, and no change of it can be excused.
fn excused_standing(change: &Change, judged: &Standing) -> Option<Standing> {
    match (&change.standing, &change.new) {
        (Standing::Forged | Standing::Deleted, _) | (Standing::Altered { .. }, None) => None,
        (_, None) => Some(Standing::Gone),
        (Standing::Altered { columns: before }, Some(_)) => {
            let Standing::Altered { columns: now } = judged else {
                return None;
            };
            let still: Vec<u16> = now.iter().copied().filter(|c| before.contains(c)).collect();
            Some(if still.is_empty() {
                Standing::Clean
            } else {
                Standing::Altered { columns: still }
            })
        }
        (Standing::Clean | Standing::Gone, Some(_)) => Some(Standing::Clean),
    }
}

/// The row as it lawfully is after an excused change.
fn lawful_now(change: &Change, standing: &Standing) -> Option<Row> {
    let new = change.new.as_ref()?;
    let (Standing::Altered { columns }, Some(Some(lawful))) = (standing, &change.lawful) else {
        return Some(new.clone());
    };
    let kept: Vec<(u16, Value)> = columns
        .iter()
        .filter_map(|c| Some((*c, lawful.get(usize::from(*c))?.to_value())))
        .collect();
    Some(new.with(&kept))
}

/// Judgements of a batch under its windows; the judge learns what became lawful.
pub(crate) fn apply(
    intake: &mut Intake,
    changes: &[Change],
    seen: Seen<'_>,
    judgements: &mut [Judgement],
) {
    if intake.windows.windows.is_empty() {
        return;
    }
    for (change, judgement) in changes.iter().zip(judgements) {
        let Some(table) = intake.policy.table(change.table) else {
            continue;
        };
        let told = seen.transactions.get(change.transaction as usize);
        let made_at = told.map_or(change.seen_at, |t| t.committed_at);
        let excused = (intake.windows).excuse(table.name(), change, made_at, judgement);
        if excused {
            let lawful = lawful_now(change, &judgement.standing);
            (intake.judge).learn(change.table, &change.key, lawful.as_ref());
        }
    }
}

/// The window that excused a change, and the change as it would have been judged without it.
pub(crate) fn unexcused(change: &Change, judgement: &Judgement) -> Option<(String, Judgement)> {
    let (window, hits): (Vec<_>, Vec<_>) =
        (judgement.hits.iter().cloned()).partition(|hit| hit.rule.starts_with(RULE));
    let id = window.first()?.rule.strip_prefix(RULE)?.to_owned();
    let columns: Vec<u16> = hits
        .iter()
        .flat_map(|hit| hit.columns.iter().copied())
        .collect();
    let standing = match (&change.old, &change.new) {
        (None, _) => Standing::Forged,
        (_, None) => Standing::Deleted,
        _ => Standing::Altered { columns },
    };
    Some((
        id,
        Judgement {
            verdict: Verdict::Unlawful,
            hits,
            standing,
        },
    ))
}
