//! Which company to ask for: few companions that cover every write seen, and their like.
//!
//! A companion that was there every time may have been there by chance, when there were few times.
//! So the fewer writes were seen, the more of their companions are taken, any one of which will do;
//! and those that the schema makes likely are taken too. A lone write straight into the database
//! has none of them.

use super::company::{Class, Feature, Link, Seen};
use super::roles::Role;
use super::shop::Shop;
use super::words::Sort;
use model::policy::{OtherWrite, WriteKind};
use std::collections::BTreeMap;

/// Companions that one rule names at most; a write that needs more to be told from chance is left alone.
const MAX_ANY_OF: usize = 12;

/// Companions that are needed to cover all writes; with more of them the company is arbitrary.
const MAX_COVER: usize = 5;

/// With fewer writes than this, everything that was there every time is taken.
const FEW: u64 = 8;

/// What a rule is wanted for; it decides which companions say most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Amount,
    Count,
    /// Pointers, codes, payees: nothing but what was seen explains their change.
    Name,
    State,
    Insert,
    Delete,
    /// Whatever was seen every time, by whatever name.
    Habit,
}

/// The companions one of which came with every write of a class; `None` when some came alone.
pub(super) fn company(
    shop: &Shop<'_>,
    class: &Class,
    seen: &Seen,
    wanted: Wanted,
) -> Option<Vec<OtherWrite>> {
    let mut chosen = cover(shop, class.table, seen, wanted)?;
    let varied = seen.signatures.len() > 1 || seen.too_varied;
    let few = seen.times < FEW || !varied;
    let linked: Vec<u16> = chosen
        .iter()
        .filter(|f| f.link != Link::Any)
        .map(|f| f.table)
        .collect();
    let mut always: Vec<Feature> = seen
        .with
        .iter()
        .filter(|(feature, always)| {
            let history = wanted == Wanted::State
                && shop.sort(feature.table) == Sort::History
                && !linked.contains(&feature.table);
            always.times == seen.times
                && (few || history)
                && worth(shop, class.table, feature, wanted) < OUT
        })
        .map(|(feature, _)| *feature)
        .collect();
    always.sort_by_key(|feature| worth(shop, class.table, feature, wanted));
    chosen.extend(always);
    let mut others = merged(shop, class.table, seen, &chosen, wanted);
    if !matches!(wanted, Wanted::State | Wanted::Name) {
        for relative in family(shop, class.table, wanted) {
            add(&mut others, relative);
        }
    }
    others.truncate(MAX_ANY_OF);
    (!others.is_empty()).then_some(others)
}

fn cover(shop: &Shop<'_>, table: u16, seen: &Seen, wanted: Wanted) -> Option<Vec<Feature>> {
    let usable = |feature: &Feature| worth(shop, table, feature, wanted) < OUT;
    if seen.too_varied {
        let always = seen
            .with
            .iter()
            .filter(|(feature, always)| always.times == seen.times && usable(feature))
            .min_by_key(|(feature, _)| worth(shop, table, feature, wanted))?;
        return Some(vec![*always.0]);
    }
    let mut left: Vec<(&Vec<Feature>, u64)> = seen
        .signatures
        .iter()
        .map(|(s, times)| (s, *times))
        .collect();
    let mut chosen = Vec::new();
    while !left.is_empty() {
        let mut counts: BTreeMap<Feature, u64> = BTreeMap::new();
        for (signature, times) in &left {
            for feature in signature.iter().filter(|f| usable(f)) {
                *counts.entry(*feature).or_default() += times;
            }
        }
        let best = counts.into_iter().max_by_key(|(feature, times)| {
            let (worth, linked) = (
                worth(shop, table, feature, wanted),
                feature.link != Link::Any,
            );
            // Linked companions that cover most come before strangers that cover all.
            (linked, *times, std::cmp::Reverse(worth))
        });
        let (best, _) = best?;
        if chosen.len() == MAX_COVER {
            return None;
        }
        chosen.push(best);
        left.retain(|(signature, _)| !signature.contains(&best));
    }
    Some(chosen)
}

/// The company of a habit: rows tied to this one by a pointer that were there every time, else any
/// row that was there every time, else few that cover all cases.
pub(super) fn habit(shop: &Shop<'_>, class: &Class, seen: &Seen) -> Option<Vec<OtherWrite>> {
    let always = |linked: bool| -> Vec<Feature> {
        let mut found: Vec<Feature> = seen
            .with
            .iter()
            .filter(|(feature, always)| {
                always.times == seen.times
                    && (feature.link != Link::Any) == linked
                    && worth(shop, class.table, feature, Wanted::Habit) < OUT
            })
            .map(|(feature, _)| *feature)
            .collect();
        found.sort_by_key(|f| f.op);
        found.truncate(MAX_COVER);
        found
    };
    let mut chosen = always(true);
    if chosen.is_empty() {
        chosen = always(false);
    }
    if chosen.is_empty() {
        chosen = cover(shop, class.table, seen, Wanted::Habit)?;
    }
    let mut out = Vec::new();
    for feature in chosen {
        let op = Some(feature.op);
        add(
            &mut out,
            shop.other(feature.table, op, feature.link, class.table),
        );
    }
    (!out.is_empty()).then_some(out)
}

/// Not to be asked for at all.
const OUT: u32 = 100;

/// The lower, the more a companion says.
fn worth(shop: &Shop<'_>, of: u16, feature: &Feature, wanted: Wanted) -> u32 {
    let sort = shop.sort(feature.table);
    if matches!(sort, Sort::Noise) || !shop.tables.has_key(feature.table) {
        return OUT;
    }
    let linked = feature.link != Link::Any;
    if linked && !shop.believes(of, feature) {
        return OUT;
    }
    if wanted == Wanted::Habit {
        return match (linked, feature.table == of) {
            (true, _) => 0,
            (false, true) => OUT,
            (false, false) => 10,
        };
    }
    // A row of the same table says nothing: two forged rows would vouch for each other.
    let counted = sort == Sort::Valued && shop.sort(of) == Sort::History;
    if !linked && (feature.table == of || sort == Sort::Plain || sort == Sort::Valued && !counted) {
        return OUT;
    }
    let by_sort = match (wanted, sort) {
        (Wanted::State, Sort::History) => 0,
        (Wanted::State, Sort::Ledger) => 1,
        (Wanted::State, _) => 2,
        (_, Sort::Order | Sort::Ledger) if shop.has_money(feature.table) => 0,
        (_, Sort::Order | Sort::Ledger) => 1,
        (_, Sort::History) => 2,
        _ => 3,
    };
    by_sort + if linked { 0 } else { 10 }
}

/// Tables that the schema ties to this one and that hold money or quantities of their own.
pub(super) fn family(shop: &Shop<'_>, table: u16, wanted: Wanted) -> Vec<OtherWrite> {
    let fits = |other: u16, pointed: bool| {
        other != table
            && shop.tables.has_key(other)
            && match wanted {
                // What was ordered follows its parts; what was paid does not change it.
                Wanted::Amount | Wanted::Count => {
                    let like = match shop.sort(table) {
                        Sort::Order => shop.sort(other) == Sort::Order,
                        _ => matches!(shop.sort(other), Sort::Order | Sort::Ledger),
                    };
                    let counts = wanted == Wanted::Count && shop.has(other, Role::Quantity);
                    like && (shop.has_money(other) || counts)
                }
                // What a row is a part of is written with it, whatever that is.
                Wanted::Insert if pointed => shop.sort(other) != Sort::Noise,
                _ => matches!(shop.sort(other), Sort::Order | Sort::Ledger),
            }
    };
    let mut out = Vec::new();
    for (number, other) in (0_u16..).zip(&shop.tables.all) {
        for pointer in other
            .pointers
            .iter()
            .filter(|p| p.to == table && fits(number, false))
        {
            add(
                &mut out,
                shop.other(number, None, Link::Via(pointer.column), table),
            );
        }
    }
    for pointer in shop
        .tables
        .pointers(table)
        .iter()
        .filter(|p| fits(p.to, true))
    {
        add(
            &mut out,
            shop.other(pointer.to, None, Link::To(pointer.column), table),
        );
    }
    out.truncate(MAX_ANY_OF);
    out
}

/// Inserts of history stay inserts; of other tables any write will do, for the next lawful step may
/// update what this one inserted.
fn merged(
    shop: &Shop<'_>,
    table: u16,
    seen: &Seen,
    chosen: &[Feature],
    wanted: Wanted,
) -> Vec<OtherWrite> {
    let mut out = Vec::new();
    for feature in chosen {
        let strict = feature.op == WriteKind::Insert
            && matches!(shop.sort(feature.table), Sort::History | Sort::Ledger);
        let op = strict.then_some(WriteKind::Insert);
        let mut other = shop.other(feature.table, op, feature.link, table);
        let always = seen
            .with
            .get(feature)
            .filter(|a| a.times == seen.times && a.times >= 2);
        if let Some(always) = always {
            if let (true, Some(value), Some(column)) = (
                strict && always.times >= FEW && shop.sort(feature.table) == Sort::History,
                always.values.first().filter(|_| always.values.len() == 1),
                shop.tables.telling_column(feature.table),
            ) {
                other
                    .holds
                    .insert(shop.name(feature.table, column), value.clone());
            }
            if matches!(wanted, Wanted::Amount | Wanted::Count) && feature.op == WriteKind::Update {
                let amounts = shop.amounts(feature.table);
                other.changes = amounts
                    .into_iter()
                    .filter(|c| always.changed.contains(*c))
                    .map(|c| shop.name(feature.table, c))
                    .collect();
            }
        }
        add(&mut out, other);
    }
    out
}

/// A companion that is there already, more widely, stays as it is.
pub(super) fn add(out: &mut Vec<OtherWrite>, other: OtherWrite) {
    let same = out
        .iter_mut()
        .find(|o| o.table == other.table && o.via == other.via && o.to == other.to);
    match same {
        Some(known) => {
            if known.op != other.op {
                known.op = None;
            }
            if known.holds != other.holds {
                known.holds.clear();
            }
            if other.changes.is_empty() {
                known.changes.clear();
            } else if !known.changes.is_empty() {
                let more = other
                    .changes
                    .into_iter()
                    .filter(|c| !known.changes.contains(c));
                let more: Vec<String> = more.collect();
                known.changes.extend(more);
            }
        }
        None => out.push(other),
    }
}

/// Where orders come from: the tables that most others of their sort point to. For amounts that
/// move with an order without pointing to it: totals of an offer, of a customer.
pub(super) fn roots(shop: &Shop<'_>) -> Vec<OtherWrite> {
    let mut counted: Vec<(usize, u16)> = (0..shop.tables.all.len() as u16)
        .filter(|t| matches!(shop.sort(*t), Sort::Order | Sort::Ledger) && shop.tables.has_key(*t))
        .map(|t| {
            let others = shop.tables.all.iter();
            let children = others
                .filter(|o| o.pointers.iter().any(|p| p.to == t))
                .count();
            (children, t)
        })
        .filter(|(children, _)| *children > 1)
        .collect();
    counted.sort_by_key(|(children, t)| (std::cmp::Reverse(*children), *t));
    let first = counted.into_iter().take(2);
    first
        .map(|(_, t)| shop.other(t, Some(WriteKind::Insert), Link::Any, t))
        .collect()
}
