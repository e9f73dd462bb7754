//! What lawful traffic shows of a shop's rules, and the ready policies of known shops.

pub mod packs;
