//! `bench`: measures this machine and this program.

use crate::Done;
use crate::arguments::{Arguments, Bench};
use crate::console::Console;
use std::process::ExitCode;

pub fn run(_arguments: &Arguments, bench: &Bench, console: &Console) -> Done {
    console.say("cli-benching", &[]);
    let measures = bench::run(&bench::BenchOptions {
        only: bench.only.clone(),
        quick: bench.quick,
        rows: bench.rows,
    })?;
    if console.json {
        console.object(&measures)?;
    } else {
        console.data(&bench::table::render(&measures));
    }
    Ok(ExitCode::SUCCESS)
}
