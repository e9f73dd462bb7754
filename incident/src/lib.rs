//! The course of an incident under the plan: what a command may do, which facts it makes, and
//! how the incident stands after them.
//!
//! `decide` answers a command with facts or with a [`Refusal`]; [`Incident::apply`] folds facts
//! into the incident; `effects` says what the outside must be told because of a fact.
//! Facts are stored as [`Recorded`]; [`Incident::replay`] gives the incident back from them.
//!
//! Deliberately not here: I/O, async, clock reads, words in a language (room `document`), and the
//! plan's own content (room `plan`).

pub mod access;
pub mod assessing;
pub mod authority;
pub mod bounds;
pub mod brief;
pub mod category;
pub mod clocks;
pub mod command;
pub mod communication;
pub mod conditions;
pub mod containment;
pub mod custody;
pub mod effect;
pub mod fact;
pub mod grading;
pub mod handover;
pub mod head;
pub mod incident;
pub mod joining;
pub mod learning;
pub mod open;
pub mod orders;
pub mod people;
pub mod refusal;
pub mod resource;
pub mod room;
pub mod rota;
pub mod rows;
pub mod search_text;
pub mod tasks;
pub mod timeline;

mod apply;
mod decide;

pub use authority::{Authority, may};
pub use category::{Category, Subclass};
pub use command::Command;
pub use decide::decide;
pub use effect::{Effect, Page, effects};
pub use fact::{Fact, Recorded};
pub use head::IncidentHead;
pub use incident::{ClosedIncident, Incident, ReplayError, Status};
pub use open::{OpenRequest, Origin, open};
pub use refusal::{MissingItem, Refusal};
pub use timeline::{Param, Params, TimelineEntry};
