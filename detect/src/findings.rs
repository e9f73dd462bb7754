//! A judgement in words: which row, which columns, which values, how much money.
//!
//! One change gives one finding, whatever number of rules it breaks, so that rows can be counted
//! by findings; the first rule names it and the others stand in its detail. `Finding::subject`
//! stays empty here: only the holder of the subjects' keys can fill it.
//!
//! Money at risk, as absolute amounts: of an altered amount the greater of the lawful and the
//! live one; of any other altered column (payee, currency, state) the row's lawful amount; of a
//! forged row the amount it shows; of a deleted row the amount it had; of a row computed from
//! tainted input the amount it shows. Nothing is at risk yet by an unwitnessed change.

use crate::policy::{CompiledPolicy, CompiledTable, minor_units};
use crate::rules::lawful_before;
use model::{
    Change, ColumnChange, Finding, FindingKind, Instant, Judgement, Money, Risk, Row, Standing,
    Verdict,
};

/// Where and when the change was journaled.
#[derive(Clone, Copy, Debug)]
pub struct FindingAt<'a> {
    /// Name of the log, for example `ledger/0`.
    pub log: &'a str,
    /// Index of the change's entry.
    pub position: u64,
    pub stored_at: Instant,
}

/// The findings of one judged change: none for a lawful one.
pub fn finding(
    policy: &CompiledPolicy,
    change: &Change,
    judgement: &Judgement,
    at: FindingAt<'_>,
) -> Vec<Finding> {
    let Some(rules) = policy.table(change.table) else {
        return Vec::new();
    };
    let (unlawful, tainted): (Vec<_>, Vec<_>) = judgement
        .hits
        .iter()
        .partition(|hit| hit.rule != "tainted_input");
    let kind = match (judgement.verdict, &judgement.standing) {
        (Verdict::Unlawful, Standing::Forged) => FindingKind::Forged,
        (Verdict::Unlawful, Standing::Deleted) => FindingKind::Deleted,
        (Verdict::Unlawful, _) => FindingKind::Altered,
        _ if !tainted.is_empty() => FindingKind::TaintedInput,
        (Verdict::Unwitnessed, _) => FindingKind::Unwitnessed,
        (Verdict::Lawful, _) => return Vec::new(),
    };
    let hits = if unlawful.is_empty() {
        tainted
    } else {
        unlawful
    };
    let rule = hits.first().map_or("unwitnessed", |hit| hit.rule.as_str());
    let others: Vec<&str> = hits.iter().skip(1).map(|hit| hit.rule.as_str()).collect();
    let hit_columns = hits.iter().flat_map(|hit| hit.columns.iter().copied());
    vec![Finding {
        id: Finding::derive_id(&policy.digest(), at.log, at.position, rule),
        risk: Risk::R2,
        kind,
        rule: rule.to_owned(),
        source: policy.source().clone(),
        table: rules.name.clone(),
        key: change.key.to_string(),
        columns: columns(rules, change, kind, hit_columns.collect()),
        verdict: judgement.verdict,
        log: at.log.to_owned(),
        position: at.position,
        seen_at: change.seen_at,
        stored_at: at.stored_at,
        at_risk: at_risk(rules, change, kind),
        subject: None,
        witnessed: change.witnessed,
        coalesced: change.coalesced,
        detail: others.join(", "),
    }]
}

/// Altered: the columns that broke a rule. Unwitnessed: all that changed. Whole rows: every
/// column that is not personal, since nothing is gained by copying personal data into findings.
fn columns(
    rules: &CompiledTable,
    change: &Change,
    kind: FindingKind,
    mut hit: Vec<u16>,
) -> Vec<ColumnChange> {
    let lawful = lawful_before(change);
    let new = change.new.as_ref();
    let whole = || {
        (0..rules.columns.len() as u16)
            .filter(|c| !rules.is_personal(*c))
            .collect()
    };
    let named: Vec<u16> = match (kind, lawful, new) {
        (FindingKind::Altered, ..) => {
            hit.sort_unstable();
            hit.dedup();
            hit
        }
        (_, Some(lawful), Some(new)) => lawful.differing(new),
        _ => whole(),
    };
    named
        .into_iter()
        .map(|column| ColumnChange {
            name: rules
                .columns
                .get(usize::from(column))
                .cloned()
                .unwrap_or_else(|| "?".into()),
            lawful: text(lawful, column),
            live: text(new, column),
            personal: rules.is_personal(column),
        })
        .collect()
}

fn text(row: Option<&Row>, column: u16) -> Option<String> {
    row.and_then(|row| row.get(usize::from(column)))
        .map(|value| value.to_string())
}

fn at_risk(rules: &CompiledTable, change: &Change, kind: FindingKind) -> Option<Money> {
    let money = rules.money.as_ref()?;
    let (lawful, live) = (lawful_before(change), change.new.as_ref());
    let currency = rules.currency_of(lawful.or(live)?);
    let amount = |row: Option<&Row>| {
        let value = minor_units(row?.get(usize::from(money.amount))?, &currency)?;
        // i64::MIN has no positive twin.
        Some(value.checked_abs().unwrap_or(i64::MAX))
    };
    let minor = match kind {
        FindingKind::Altered => {
            let altered = text(lawful, money.amount) != text(live, money.amount);
            if altered {
                amount(lawful).max(amount(live))
            } else {
                amount(lawful)
            }
        }
        FindingKind::Forged | FindingKind::TaintedInput => amount(live),
        FindingKind::Deleted => amount(lawful),
        FindingKind::Unwitnessed
        | FindingKind::InWindow
        | FindingKind::CheckFailed
        | FindingKind::Unreadable => None,
    }?;
    Some(Money::new(minor, currency))
}
