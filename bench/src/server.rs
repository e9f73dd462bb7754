//! A real `balefire serve`, a process of its own: how fast it starts, and how much memory it takes.

use crate::memory::resident_mib;
use crate::story::{Ended, load};
use crate::{BenchError, Measure, median};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

const STARTS: usize = 3;
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long a server is left alone before its memory counts as idle.
const IDLE: Duration = Duration::from_secs(5);

/// Measures on the folder that a story left.
pub fn run(ended: &Ended, loads: usize) -> Result<Vec<Measure>, BenchError> {
    let mut starts_s = Vec::new();
    for _ in 0..STARTS - 1 {
        starts_s.push(Server::start(&ended.folder)?.ready_s);
    }
    let server = Server::start(&ended.folder)?;
    starts_s.push(server.ready_s);
    server.stays(IDLE)?;
    let idle = server.memory()?.0;
    for path in ["/", &format!("/incidents/{}", ended.incident), "/report"] {
        load(&server.url, path, &ended.people, loads)?;
    }
    let audited = program()?
        .arg("audit")
        .arg("shop")
        .arg("--data")
        .arg(&ended.folder)
        .output()?;
    // 1: it found something, and there is something to find.
    if !matches!(audited.status.code(), Some(0 | 1)) {
        return Err(BenchError::Unsound(
            String::from_utf8_lossy(&audited.stderr).into_owned(),
        ));
    }
    let peak = server.memory()?.1;
    Ok(vec![
        Measure::new(
            "start",
            median(starts_s),
            "s",
            "`serve` on an attacked shop of that size: from the process's start to its open port, every row looked at",
        ),
        Measure::new("memory idle", idle, "mib", "resident, 5 s after the start"),
        Measure::new(
            "memory peak",
            peak,
            "mib",
            "resident at most, after logins, page loads and an audit",
        ),
    ])
}

fn program() -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.stdin(Stdio::null());
    Ok(command)
}

/// Killed when dropped, if it has not ended by then.
pub struct Server {
    child: Child,
    lines: Receiver<String>,
    url: String,
    ready_s: f64,
}

impl Server {
    /// Returns when its port is open, which is after its guards have looked at every row.
    pub fn start(folder: &Path) -> Result<Self, BenchError> {
        let mut command = program()?;
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder);
        let start = Instant::now();
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let (line, lines) = channel();
        if let Some(stderr) = child.stderr.take() {
            std::thread::spawn(move || {
                let mut said = BufReader::new(stderr).lines().map_while(Result::ok);
                // Ends with the pipe, or when nobody listens any more.
                while said.next().is_some_and(|text| line.send(text).is_ok()) {}
            });
        }
        let mut server = Self {
            child,
            lines,
            url: String::new(),
            ready_s: 0.0,
        };
        let mut heard = String::new();
        loop {
            let Ok(said) = server.lines.recv_timeout(READY_WITHIN) else {
                let why = format!("`balefire serve` did not say its address, but: {heard}");
                return Err(BenchError::Unsound(why));
            };
            if let Some((_, url)) = said.split_once("\"listening\": \"") {
                server.url = url.trim_end_matches(['"', '}']).to_owned();
                server.ready_s = start.elapsed().as_secs_f64();
                return Ok(server);
            }
            heard.push_str(&said);
        }
    }

    /// Leaves it alone; an error when it ends meanwhile.
    fn stays(&self, time: Duration) -> Result<(), BenchError> {
        let until = Instant::now() + time;
        loop {
            match self
                .lines
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(BenchError::Unsound("`balefire serve` ended".into()));
                }
            }
        }
    }

    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Resident and most resident memory in MiB.
    pub fn memory(&self) -> Result<(f64, f64), BenchError> {
        resident_mib(&self.child.id().to_string()).ok_or_else(|| {
            BenchError::Unsound("this system does not tell a process's memory".into())
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        let asked =
            pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM));
        if !matches!(asked, Some(Ok(()))) {
            // It has ended by itself.
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
