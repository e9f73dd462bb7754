//! What tests of several rooms share: a clock that stands still, throwaway folders, a seeded
//! world, a small shop, real processes that are waited for and killed, and throwaway database
//! servers.
//!
//! Deliberately not here: anything a product path uses. A test that cannot get its footing should
//! stop at once, so this room panics, with a reason, where a product room would give an error.

mod browser;
mod certificates;
mod clock;
mod folder;
mod mail_server;
pub mod mariadb;
pub mod npm;
mod packages;
mod pause;
pub mod postgres;
mod program;
pub mod pypi;
mod schemathesis;
mod seed;
mod server;
mod shop;
mod sign_on;

pub use browser::Browser;
pub use certificates::{Certificates, certificates};
pub use clock::VirtualClock;
pub use folder::TempFolder;
pub use mail_server::MailServer;
pub use pause::pause;
pub use program::{Ended, Killer, Program, Running, free_loopback_address};
pub use schemathesis::Schemathesis;
pub use seed::Seed;
pub use server::write_url_file;
pub use shop::{SMALL_SHOP_SETTINGS, ShopCounts, SmallShop, small_shop_policy};
pub use sign_on::SignOnProvider;
