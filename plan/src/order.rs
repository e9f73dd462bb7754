//! What the plan says about orders: the constraints to choose from, which ones a second person
//! checks, and when a late order goes to the issuer and the lead.
//!
//! Deliberately not here: who may issue and answer orders (`authority`).

use crate::Words;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderRules {
    pub constraints: Vec<OrderConstraint>,
    /// Seconds after the due time until issuer and lead are told; our own target.
    pub escalate_after_s: u32,
}

impl Default for OrderRules {
    /// A plan that says nothing of orders has no list to choose from.
    fn default() -> Self {
        Self {
            constraints: Vec::new(),
            escalate_after_s: 900,
        }
    }
}

impl OrderRules {
    pub fn constraint(&self, id: &str) -> Option<&OrderConstraint> {
        self.constraints.iter().find(|c| c.id == id)
    }
}

/// A safety constraint (安全约束) that an order may carry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderConstraint {
    pub id: String,
    pub title: Words,
    /// Whoever did the work does not say alone that it was done well.
    #[serde(default)]
    pub verify: bool,
}
