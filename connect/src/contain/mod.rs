//! Keeping harm from growing while people look into it.

mod hold_list;

pub use hold_list::{ContainError, HeldAction, HeldRow, Hold, HoldList};
