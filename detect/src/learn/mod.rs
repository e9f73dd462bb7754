//! What lawful traffic shows of a shop's rules, and the ready policies of known shops.
//!
//! A [`Learner`] is told transactions one after another and then proposes a policy. It prefers
//! rules that a write straight into the database breaks and the shop's own code keeps (in what
//! company a write comes, which columns move together, what never changes) over rules that the
//! next lawful step of a kind not yet seen would break (closed lists of states). What it cannot
//! decide it says.
//!
//! Deliberately not here: confirming a policy. A person reads the proposal and takes it, or not.
//!
//! Memory: images of at most [`MAX_LEARNT_ROWS`] rows, and counters that do not grow with the
//! traffic. Where it is full the rows not written for longest are forgotten, and the proposal says
//! how many.

mod balance;
mod changes;
mod choose;
mod company;
mod habits;
mod novelty;
mod observe;
pub mod packs;
mod pointers;
mod proposal;
mod propose;
mod roles;
mod shop;
mod sums;
mod tables;
mod text;
mod trial;
mod words;

pub use proposal::{Proposal, Proposed, Rule, TableProposal};

use company::Company;
use model::{TableSchema, WrittenTransaction};
use novelty::Novelty;
use observe::Rows;
use sums::Equalities;
use tables::Tables;
use trial::Trials;

/// Rows whose last image is kept, about a kilobyte each.
pub const MAX_LEARNT_ROWS: usize = 500_000;

/// Learns a policy. Same transactions in the same order: same proposal.
#[derive(Debug)]
pub struct Learner {
    tables: Tables,
    rows: Rows,
    company: Company,
    equalities: Equalities,
    trials: Trials,
    novelty: Novelty,
    transactions: u64,
    writes: u64,
}

impl Learner {
    /// `schemas` in the order in which the writes count their tables. Types and foreign keys may be
    /// missing; then names and values stand in for them.
    pub fn new(schemas: &[TableSchema]) -> Self {
        Self {
            tables: Tables::new(schemas),
            rows: Rows::default(),
            company: Company::default(),
            equalities: Equalities::default(),
            trials: Trials::new(schemas),
            novelty: Novelty::default(),
            transactions: 0,
            writes: 0,
        }
    }

    /// The next transaction, whole.
    pub fn transaction(&mut self, transaction: &WrittenTransaction) {
        self.transactions += 1;
        self.writes += transaction.writes.len() as u64;
        let nets = self.rows.observe(transaction);
        for net in &nets {
            self.tables.observe(net);
        }
        self.novelty.observe(&nets);
        self.company.observe(&self.tables, &nets);
        self.equalities.observe(&self.tables, &self.rows, &nets);
        self.trials.transaction(transaction);
        if self.trials.is_due() {
            let proposal = self.propose();
            self.trials.begin(&proposal);
        }
    }

    pub fn propose(&self) -> Proposal {
        propose::propose(self)
    }
}
