//! The guard as a process of its own, asked through its control socket.

use super::{Shop, shop_name};
use crate::BenchError;
use crate::processes::{cpu_of, pause};
use crate::server::Server;
use desk::DataFolder;
use desk::control::{ControlRequest, ask};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// More findings than any run makes.
const FINDINGS: u32 = 10_000;
/// Findings that have not come by then will not.
const FOUND_WITHIN: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(10);

pub struct Guarded {
    serve: Server,
    socket: PathBuf,
}

impl Guarded {
    pub fn start(shop: &Shop) -> Result<Self, BenchError> {
        Ok(Self {
            serve: Server::start(&shop.data)?,
            socket: DataFolder::new(&shop.data).socket(),
        })
    }

    fn ask(&self, request: &ControlRequest) -> Result<Value, BenchError> {
        let gone = || BenchError::Unsound("`balefire serve` does not answer".into());
        let answer = ask(&self.socket, request).ok_or_else(gone)??;
        match answer.ok {
            Some(value) => Ok(value),
            None => Err(BenchError::Unsound(answer.error.unwrap_or_default())),
        }
    }

    /// Compares every row with its lawful image, and gives the report.
    pub fn audit(&self) -> Result<Value, BenchError> {
        self.ask(&ControlRequest::Audit {
            source: shop_name(),
        })
    }

    /// Waits until these rows have a finding each.
    pub fn await_findings(&self, ids: &BTreeSet<String>) -> Result<(), BenchError> {
        let began = Instant::now();
        loop {
            let found = self.ask(&ControlRequest::Findings {
                source: Some(shop_name()),
                limit: FINDINGS,
            })?;
            let rows = found.as_array().into_iter().flatten();
            let found: BTreeSet<&str> = rows.filter_map(|f| f["key"].as_str()).collect();
            let left = ids.iter().filter(|id| !found.contains(id.as_str())).count();
            if left == 0 {
                return Ok(());
            }
            if began.elapsed() > FOUND_WITHIN {
                let why = format!("{left} of {} tampered rows were not found", ids.len());
                return Err(BenchError::Unsound(why));
            }
            pause(LOOK);
        }
    }

    /// Stops the process where it stands, as if it got no CPU; it goes on when the answer is dropped.
    pub fn suspend(&self) -> Suspended<'_> {
        self.signal(Signal::STOP);
        Suspended(self)
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.serve.process())
            .ok()
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // Fails only when it has ended, which the next question says.
            let _ = kill_process(pid, signal);
        }
    }

    /// CPU seconds so far.
    pub fn cpu_s(&self) -> f64 {
        cpu_of(self.serve.process()).map_or(0.0, |(_, seconds)| seconds)
    }

    /// From now on the peak of memory counts anew.
    pub fn forget_peak(&self) -> std::io::Result<()> {
        std::fs::write(format!("/proc/{}/clear_refs", self.serve.process()), "5")
    }

    /// Resident and most resident memory in MiB.
    pub fn memory(&self) -> Result<(f64, f64), BenchError> {
        self.serve.memory()
    }
}

pub struct Suspended<'a>(&'a Guarded);

impl Drop for Suspended<'_> {
    fn drop(&mut self) {
        self.0.signal(Signal::CONT);
    }
}
