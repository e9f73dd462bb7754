//! `source learn`: a recording of lawful traffic in, a policy for a person to confirm out.

use crate::Done;
use crate::arguments::Learn;
use crate::console::Console;

pub fn run(wanted: &Learn, _console: &Console) -> Done {
    Err(format!("{} cannot be learnt from yet", wanted.trace.display()).into())
}
