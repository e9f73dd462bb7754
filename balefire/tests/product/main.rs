//! The product as its users meet it: the real binary, real files, a real shop.

mod attack;
mod bad_disk;
mod bad_files;
mod bad_people;
mod bad_rows;
mod checks;
mod crash;
mod guarded;
mod http;
mod intake;
mod investigate;
mod learn;
mod ledger_crash;
mod packs;
mod paging;
mod postgres_store;
mod server_crash;
mod stamp;
mod story;
mod vendure;
mod writers;
