//! What tests of several rooms share: a clock that stands still, throwaway folders, a seeded
//! world, a small shop, and real processes that are waited for and killed.
//!
//! Deliberately not here: anything a product path uses. A test that cannot get its footing should
//! stop at once, so this room panics, with a reason, where a product room would give an error.

mod clock;
mod folder;
mod pause;
mod program;
mod seed;
mod shop;

pub use clock::VirtualClock;
pub use folder::TempFolder;
pub use pause::pause;
pub use program::{Ended, Killer, Program, Running, free_loopback_address};
pub use seed::Seed;
pub use shop::{SMALL_SHOP_SETTINGS, ShopCounts, SmallShop, small_shop_policy};
