//! The real router on a real desk in a throwaway folder.

mod across;
mod api_fuzz;
mod assessment;
mod browser;
mod call_out;
mod discussion;
mod doors;
mod handover;
mod joining;
mod lists;
mod live;
mod need_to_know;
mod orders;
mod pages;
mod programs;
mod reports;
mod reports_by_mail;
mod resources;
mod role_matrix;
mod settings;
mod sign_on;
mod sources;
mod timeline_export;
mod triage;
mod ways_in;
mod world;
