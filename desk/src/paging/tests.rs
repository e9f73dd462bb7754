//! Ten thousand seeded nights of paging: the engine alone, and under it the calling of groups.

mod simulation;
