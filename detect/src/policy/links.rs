//! Between tables: companions, parents, and whom else a rule speaks of.

use super::check::Check;
use super::strict::{Columns, Strict};
use super::strict_check::Shared;
use super::{ABSENT, CompiledTable, Need, ParentRule, PolicyProblem, Problem, Relation, suggest};
use model::policy::{Companion, ForeignKey};
use model::{SourcePolicy, TablePolicy, TableSchema};

/// Fills `needs`, `parent`, `is_parent`, `companion_in`, `freezes` and `strict` of every table.
pub(super) fn link(
    policy: &SourcePolicy,
    schemas: &[TableSchema],
    tables: &mut [CompiledTable],
    problems: &mut Vec<PolicyProblem>,
) -> (Vec<Relation>, Shared) {
    let mut relations = Vec::new();
    let mut shared = Shared::default();
    for (number, declared) in policy.tables.iter().enumerate() {
        let schema = schemas.iter().find(|s| s.name == declared.name);
        let (Some(_), Some(schema)) = (tables.get(number), schema) else {
            continue;
        };
        let check = Check {
            policy: declared,
            problems,
        };
        let mut linker = Linker {
            source: policy,
            schemas,
            tables,
            check,
            number,
        };
        let needs = linker.needs(&mut relations);
        let parent = linker.parent();
        let freezes = linker.freezes(schema, &mut shared);
        let strict = declares_more(declared).then(|| linker.strict(schema, &mut shared));
        if let Some(parent) = &parent {
            tables[usize::from(parent.table)].is_parent = true;
        }
        tables[number].needs = needs;
        tables[number].parent = parent;
        tables[number].frozen = Columns::of(
            (0..schema.columns.len() as u16)
                .filter(|c| freezes.iter().any(|f| f.columns.contains(*c))),
        );
        tables[number].freezes = freezes;
        tables[number].strict = strict.map(Box::new);
    }
    spread(&shared, tables);
    for (number, relation) in relations.iter().enumerate() {
        tables[usize::from(relation.companion)]
            .companion_in
            .push((number, relation.via.clone()));
    }
    (relations, shared)
}

/// Whether a table has rules beyond states, companions, parents and frozen columns.
fn declares_more(table: &TablePolicy) -> bool {
    !(table.together.is_empty()
        && table.company.is_empty()
        && table.only_rise.is_empty()
        && table.only_fall.is_empty()
        && table.set_once.is_empty()
        && table.values.is_empty()
        && table.equal.is_empty()
        && table.sum.is_empty())
}

/// Tells each table in which of the shared rules it has a part.
fn spread(shared: &Shared, tables: &mut [CompiledTable]) {
    for (number, pattern) in shared.patterns.iter().enumerate() {
        strict_of(tables, pattern.table).witness_of.push(number);
    }
    for (number, sum) in shared.sums.iter().enumerate() {
        let parent = strict_of(tables, sum.parent);
        parent.sums_as_parent.push(number);
        sum.own.columns().for_each(|c| parent.balanced.insert(c));
        let child = strict_of(tables, sum.child);
        child.sums_as_child.push(number);
        let columns = sum.via.iter().chain([&sum.column]).chain(&sum.times);
        columns.for_each(|c| child.balanced.insert(*c));
    }
    for (number, twin) in shared.twins.iter().enumerate() {
        let parent = strict_of(tables, twin.parent);
        parent.twins_as_parent.push(number);
        parent.balanced.insert(twin.equals);
        let child = strict_of(tables, twin.child);
        child.twins_as_child.push(number);
        let columns = twin.via.iter().chain([&twin.column]);
        columns.for_each(|c| child.balanced.insert(*c));
    }
    for sum in &shared.sums {
        // Entering one of the states is what brings the rule into force.
        let table = &mut tables[usize::from(sum.parent)];
        if let (Some(state), Some(strict)) = (table.state, &mut table.strict)
            && sum.own.states != u64::MAX
        {
            strict.balanced.insert(state);
        }
    }
}

fn strict_of(tables: &mut [CompiledTable], table: u16) -> &mut Strict {
    tables[usize::from(table)].strict.get_or_insert_default()
}

pub(super) struct Linker<'a> {
    pub(super) source: &'a SourcePolicy,
    schemas: &'a [TableSchema],
    pub(super) tables: &'a [CompiledTable],
    pub(super) check: Check<'a>,
    pub(super) number: usize,
}

impl<'a> Linker<'a> {
    fn needs(&mut self, relations: &mut Vec<Relation>) -> Vec<Need> {
        let mut needs: Vec<Need> = Vec::new();
        for (state, companion) in &self.check.policy.requires {
            let Some(relation) = self.companion(companion) else {
                continue;
            };
            let number = relations
                .iter()
                .position(|r| *r == relation)
                .unwrap_or_else(|| {
                    relations.push(relation);
                    relations.len() - 1
                });
            let set = self.tables[self.number].states.set([state]);
            match needs.iter_mut().find(|n| n.relation == number) {
                Some(need) => need.states |= set,
                None => needs.push(Need {
                    relation: number,
                    states: set,
                    behind: Vec::new(),
                }),
            }
        }
        let states = &self.tables[self.number].states;
        for need in &mut needs {
            need.behind = (0..states.names().len() as u8)
                .chain([ABSENT])
                .map(|from| states.behind(from, need.states))
                .collect();
        }
        needs
    }

    fn companion(&mut self, companion: &Companion) -> Option<Relation> {
        let name = companion.table();
        let (number, schema) = self.guarded("requires", name)?;
        let own = self.check.policy.name.clone();
        let via = match companion {
            Companion::Via { via, .. } => vec![self.check.column(schema, "requires.via", via)?],
            Companion::Table(_) => {
                let found: Vec<&ForeignKey> = schema
                    .foreign_keys
                    .iter()
                    .filter(|f| f.table == own)
                    .collect();
                let [only] = found.as_slice() else {
                    let problem = Problem::NeedsVia {
                        companion: name.into(),
                        foreign_keys: found.len(),
                    };
                    self.check.say("requires", problem);
                    return None;
                };
                vec![schema.column(only.columns.first()?)?]
            }
        };
        let via = self.key_columns("requires", schema, via[0], self.number)?;
        Some(Relation {
            companion: number,
            of: self.number as u16,
            via,
        })
    }

    fn parent(&mut self) -> Option<ParentRule> {
        let parent = self.check.policy.parent.as_ref()?;
        let own = self
            .schemas
            .iter()
            .find(|s| s.name == self.check.policy.name)?;
        let guarded = self.guarded("parent.table", &parent.table);
        let via = self.check.column(own, "parent.via", &parent.via);
        let (number, _) = guarded?;
        let target = &self.tables[usize::from(number)];
        let states = if parent.states.is_empty() {
            u64::MAX
        } else if self.source.tables[usize::from(number)].state.is_none() {
            let problem = Problem::ParentWithoutState {
                parent: parent.table.clone(),
            };
            self.check.say("parent.states", problem);
            0
        } else {
            self.check
                .known(&target.states, "parent.states", &parent.states);
            target.states.set(&parent.states)
        };
        let via = self.key_columns("parent.via", own, via?, usize::from(number))?;
        Some(ParentRule {
            table: number,
            via,
            states,
        })
    }

    /// Number and schema of a table that the policy guards and the shop has.
    pub(super) fn guarded(&mut self, setting: &str, name: &str) -> Option<(u16, &'a TableSchema)> {
        let Some((number, _)) = self.source.table(name) else {
            let near = suggest(name, self.source.tables.iter().map(|t| t.name.as_str()));
            self.check
                .say_near(setting, Problem::UnguardedTable { name: name.into() }, near);
            return None;
        };
        // A guarded table that the shop lacks has been told about already.
        Some((number, self.schemas.iter().find(|s| s.name == name)?))
    }

    /// The columns that point to the whole key of table `to`, in that key's order: those of the
    /// foreign key that `via` is part of, or `via` alone for a key of one column.
    pub(super) fn key_columns(
        &mut self,
        setting: &str,
        schema: &TableSchema,
        via: u16,
        to: usize,
    ) -> Option<Vec<u16>> {
        let target = &self.tables[to];
        let name = schema.name_of(via);
        let foreign = schema
            .foreign_keys
            .iter()
            .find(|f| f.table == target.name && f.columns.iter().any(|c| c == name));
        let columns = match foreign {
            Some(foreign) => self.in_key_order(schema, foreign, target),
            None if target.key.len() == 1 => Some(vec![via]),
            None => None,
        };
        if columns.is_none() && !target.key.is_empty() {
            self.check.say(
                setting,
                Problem::NotToKey {
                    table: target.name.clone(),
                },
            );
        }
        columns
    }

    fn in_key_order(
        &self,
        schema: &TableSchema,
        foreign: &ForeignKey,
        target: &CompiledTable,
    ) -> Option<Vec<u16>> {
        // Without named columns a foreign key references the primary key in its own order.
        let primary = self.schemas.iter().find(|s| s.name == target.name)?;
        let references: Vec<&str> = if foreign.references.is_empty() {
            primary
                .primary_key
                .iter()
                .map(|c| primary.name_of(*c))
                .collect()
        } else {
            foreign.references.iter().map(String::as_str).collect()
        };
        if references.len() != target.key.len() || foreign.columns.len() != references.len() {
            return None;
        }
        target
            .key
            .iter()
            .map(|key| {
                let at = references
                    .iter()
                    .position(|r| *r == target.columns[usize::from(*key)])?;
                schema.column(&foreign.columns[at])
            })
            .collect()
    }
}
