//! Whose fault it is when the books do not balance.
//!
//! Of a sum that is wrong, the row with the column is held guilty where the transaction wrote it,
//! and else the rows it sums. Of twins that differ, the row whose `column` it is, and the other
//! row where that does not settle it.

use crate::balances::Touch;
use crate::policy::CompiledPolicy;
use crate::relations::RowId;
use crate::rules::changed_of;
use crate::strict_rules::blamed;
use model::{Change, Judgement, Standing};

/// A row that the books speak against: its change, the rule, the columns.
pub(crate) type Guilty = (usize, &'static str, Vec<u16>);

/// What the books look up to find the guilty row.
pub(crate) struct Books<'a> {
    pub(crate) batch: &'a [Change],
    pub(crate) policy: &'a CompiledPolicy,
    pub(crate) out: &'a [Judgement],
}

impl Books<'_> {
    pub(crate) fn of_sum(&self, number: usize, group: &[Touch]) -> Vec<Guilty> {
        let sum = &self.policy.sums()[number];
        let mut guilty: Vec<Guilty> = Vec::new();
        let parents = || group.iter().filter(|t| t.as_parent).map(|t| t.change);
        for index in parents() {
            let columns = self.written(index, sum.own.columns());
            let column = if columns.contains(&sum.own.column) {
                vec![sum.own.column]
            } else {
                columns
            };
            if !column.is_empty() {
                guilty.push((index, "sum", column));
            }
        }
        if !guilty.is_empty() {
            return guilty;
        }
        let columns = || {
            let via = sum.via.iter().copied();
            std::iter::once(sum.column).chain(sum.times).chain(via)
        };
        for index in group.iter().filter(|t| !t.as_parent).map(|t| t.change) {
            match (&self.batch[index].old, &self.batch[index].new) {
                (None, Some(_)) if self.out[index].standing != Standing::Forged => {
                    guilty.push((index, "sum", vec![sum.column]));
                }
                (Some(_), None) if self.out[index].standing == Standing::Gone => {
                    guilty.push((index, "sum", Vec::new()));
                }
                (Some(_), Some(_)) => {
                    let mut columns = self.written(index, columns());
                    columns.retain(|c| !self.is_tainted(index, *c));
                    if !columns.is_empty() {
                        guilty.push((index, "sum", columns));
                    }
                }
                _ => {}
            }
        }
        if guilty.is_empty() {
            for index in parents() {
                if let Some(rules) = self.policy.table(self.batch[index].table) {
                    let columns = blamed(&sum.own, rules, &self.changed(index));
                    guilty.extend((!columns.is_empty()).then_some((index, "sum", columns)));
                }
            }
        }
        guilty
    }

    pub(crate) fn of_twins(
        &self,
        number: usize,
        group: &[Touch],
        differs: impl Fn(usize, RowId) -> bool,
        differ: bool,
    ) -> Vec<Guilty> {
        let twin = &self.policy.twins()[number];
        let mut guilty: Vec<Guilty> = Vec::new();
        for index in group.iter().filter(|t| !t.as_parent).map(|t| t.change) {
            if differs(index, RowId::of(&self.batch[index].key)) {
                let via = twin.via.iter().copied();
                let columns = self.written(index, std::iter::once(twin.column).chain(via));
                guilty.extend((!columns.is_empty()).then_some((index, "equal", columns)));
            }
        }
        if guilty.is_empty() && differ {
            for index in group.iter().filter(|t| t.as_parent).map(|t| t.change) {
                let columns = self.written(index, [twin.equals]);
                guilty.extend((!columns.is_empty()).then_some((index, "equal", columns)));
            }
        }
        guilty
    }

    /// Which of some columns a change wrote; of an insert the first, which is the amount.
    fn written(&self, index: usize, columns: impl IntoIterator<Item = u16>) -> Vec<u16> {
        let change = &self.batch[index];
        let mut columns: Vec<u16> = columns.into_iter().collect();
        match (&change.old, &change.new) {
            (None, Some(_)) => columns.truncate(1),
            (Some(_), Some(_)) => {
                let changed = self.changed(index);
                columns.retain(|c| changed.contains(c));
                columns.sort_unstable();
                columns.dedup();
            }
            _ => columns.clear(),
        }
        columns
    }

    fn changed(&self, index: usize) -> Vec<u16> {
        changed_of(&self.batch[index])
    }

    fn is_tainted(&self, index: usize, column: u16) -> bool {
        matches!(&self.out[index].standing, Standing::Altered { columns } if columns.contains(&column))
    }
}
