//! The real router on a real desk in a throwaway folder.

mod doors;
mod pages;
mod role_matrix;
mod sources;
mod world;
