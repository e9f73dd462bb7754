//! The course of incidents under the built-in plan, through the room's public face only.

mod assessing;
mod call_order;
mod four_eyes;
mod guests;
mod handover;
mod happy_run;
mod joining;
mod orders;
mod random;
mod resources;
mod room;
mod tables;
mod tasks;
mod world;
