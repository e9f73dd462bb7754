//! Real processes: started, listened to, waited for without sleeping, killed.

use rustix::process::{Pid, Signal, kill_process};
use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Lines kept of each stream; a program that says more has run away, and the oldest go.
const MAX_LINES: usize = 100_000;

/// A command that was not started yet.
#[derive(Debug)]
pub struct Program {
    command: Command,
}

impl Program {
    /// The `balefire` of this build: from `CARGO_BIN_EXE_balefire` or `BALEFIRE`, else beside
    /// this test in the target folder.
    pub fn balefire() -> Self {
        let named = ["CARGO_BIN_EXE_balefire", "BALEFIRE"]
            .into_iter()
            .find_map(std::env::var_os);
        let path = named.map_or_else(|| built("balefire"), PathBuf::from);
        assert!(
            path.is_file(),
            "{} is not built; run `cargo build -p balefire` first",
            path.display()
        );
        Self::at(&path)
    }

    pub fn at(path: &Path) -> Self {
        let mut command = Command::new(path);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self { command }
    }

    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// For example `FAILPOINTS`.
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    pub fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs to the end. Panics with all that was said when it does not end in time.
    pub fn run(self, timeout: Duration) -> Ended {
        let mut running = self.start();
        let status = running.wait_for_end(timeout);
        Ended {
            code: status.code(),
            out: running.stdout().join("\n"),
            err: running.stderr().join("\n"),
        }
    }

    pub fn start(mut self) -> Running {
        let mut child = self.command.spawn().expect("the program starts");
        let heard = Arc::new(Heard::default());
        let out = child.stdout.take().expect("its standard output is a pipe");
        let err = child.stderr.take().expect("its standard error is a pipe");
        listen(Arc::clone(&heard), Stream::Out, out);
        listen(Arc::clone(&heard), Stream::Err, err);
        Running { child, heard }
    }
}

/// How a process ended and all that it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// `None`: a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Kills a process from another thread. Good for as long as its [`Running`] lives: until that
/// has waited for the process, nobody else gets its id.
#[derive(Clone, Copy, Debug)]
pub struct Killer {
    process: Pid,
}

impl Killer {
    /// SIGKILL.
    pub fn kill(self) {
        // Fails only when it has ended by itself, which is as good.
        let _ = kill_process(self.process, Signal::KILL);
    }
}

/// A process that was started; killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    heard: Arc<Heard>,
}

impl Running {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The first line, of either stream, that `wanted` accepts. Panics with all that was said
    /// when it does not come in time or the process ends without it.
    pub fn wait_for_line(&self, wanted: impl Fn(&str) -> bool, timeout: Duration) -> String {
        let find = |said: &Said| said.all().find(|line| wanted(line)).map(str::to_owned);
        let said = self
            .heard
            .wait(timeout, |said| find(said).is_some() || said.closed());
        find(&said).unwrap_or_else(|| panic!("the line did not come; it said:\n{}", said.text()))
    }

    /// As [`Running::wait_for_line`], but `None` when the process ends without the line.
    pub fn line_or_end(&self, wanted: impl Fn(&str) -> bool, timeout: Duration) -> Option<String> {
        let find = |said: &Said| said.all().find(|line| wanted(line)).map(str::to_owned);
        let said = self
            .heard
            .wait(timeout, |said| find(said).is_some() || said.closed());
        let found = find(&said);
        assert!(
            found.is_some() || said.closed(),
            "neither the line nor the end came; it said:\n{}",
            said.text()
        );
        found
    }

    /// Whether it has ended, by itself or by a signal.
    pub fn has_ended(&mut self) -> bool {
        let status = self.child.try_wait();
        status.expect("a child can be asked after").is_some()
    }

    pub fn killer(&self) -> Killer {
        Killer {
            process: Pid::from_child(&self.child),
        }
    }

    /// SIGTERM: asks it to end in good order.
    pub fn terminate(&self) {
        // Fails only when it has ended by itself.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
    }

    /// What the process wrote to standard output so far, by lines.
    pub fn stdout(&self) -> Vec<String> {
        self.heard.lock().out.lines.clone()
    }

    pub fn stderr(&self) -> Vec<String> {
        self.heard.lock().err.lines.clone()
    }

    /// SIGKILL, and waits until the process is gone: its locks and ports are free afterwards.
    pub fn kill(&mut self) {
        // Fails only when it has ended by itself, which is as good.
        let _ = self.child.kill();
        self.child.wait().expect("a child can be waited for");
    }

    /// Waits until it ends by itself. Panics with all that was said when it does not.
    pub fn wait_for_end(&mut self, timeout: Duration) -> ExitStatus {
        // Both pipes close when it ends; only then do we wait for it, which has no time limit.
        let said = self.heard.wait(timeout, Said::closed);
        assert!(
            said.closed(),
            "the program goes on; it said:\n{}",
            said.text()
        );
        drop(said);
        self.child.wait().expect("a child can be waited for")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address on which nobody listened a moment ago. Prefer port 0 where the program takes it
/// and says its port: between this answer and its use somebody else may take the port.
pub fn free_loopback_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("the loopback interface has a free port")
}

/// `target/debug/NAME`, from a test that runs as `target/debug/deps/TEST-HASH`.
fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let folder = test.parent().expect("a program lies in a folder");
    let folder = if folder.ends_with("deps") {
        folder.parent()
    } else {
        Some(folder)
    };
    folder.expect("deps lies in a folder").join(name)
}

#[derive(Clone, Copy)]
enum Stream {
    Out,
    Err,
}

#[derive(Debug, Default)]
struct Heard {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Said {
    out: Lines,
    err: Lines,
}

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<String>,
    closed: bool,
}

impl Said {
    fn closed(&self) -> bool {
        self.out.closed && self.err.closed
    }
    fn all(&self) -> impl Iterator<Item = &str> {
        self.out
            .lines
            .iter()
            .chain(&self.err.lines)
            .map(String::as_str)
    }
    fn text(&self) -> String {
        self.all().collect::<Vec<_>>().join("\n")
    }
    fn of(&mut self, stream: Stream) -> &mut Lines {
        match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        }
    }
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn wait(&self, timeout: Duration, enough: impl Fn(&Said) -> bool) -> MutexGuard<'_, Said> {
        self.more
            .wait_timeout_while(self.lock(), timeout, |said| !enough(said))
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }
    fn change(&self, change: impl FnOnce(&mut Said)) {
        change(&mut self.lock());
        self.more.notify_all();
    }
}

fn listen(heard: Arc<Heard>, stream: Stream, pipe: impl Read + Send + 'static) {
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        // A broken pipe is the end of it, as a closed one is.
        while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            heard.change(|said| {
                let lines = &mut said.of(stream).lines;
                if lines.len() == MAX_LINES {
                    lines.remove(0);
                }
                lines.push(text);
            });
            line.clear();
        }
        heard.change(|said| said.of(stream).closed = true);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn shell(script: &str) -> Running {
        Program::at(Path::new("/bin/sh"))
            .args(["-c", script])
            .start()
    }

    #[test]
    fn a_ready_line_is_waited_for_and_a_kill_is_final() {
        let mut running =
            shell("echo one; echo '{\"listening\": \"x\"}' >&2; exec tail -f /dev/null");
        let line = running.wait_for_line(|line| line.contains("listening"), LONG);
        assert_eq!(line, "{\"listening\": \"x\"}");
        assert_eq!(running.stderr(), [line]);
        running.wait_for_line(|line| line == "one", LONG);
        assert_eq!(running.stdout(), ["one"]);
        running.kill();
        assert!(!Path::new(&format!("/proc/{}", running.id())).exists());
    }

    #[test]
    fn an_end_is_told_with_its_code_and_all_that_was_said() {
        let mut running = Program::at(Path::new("/bin/sh"))
            .args(["-c", "cat; echo $SAID; exit 7"])
            .env("SAID", "last words")
            .folder(Path::new("/"))
            .start();
        assert_eq!(running.wait_for_end(LONG).code(), Some(7));
        assert_eq!(running.stdout(), ["last words"]);
    }

    #[test]
    #[should_panic(expected = "the line did not come; it said:\nsomething else")]
    fn a_line_that_never_comes_shows_what_was_said() {
        shell("echo something else").wait_for_line(|line| line == "ready", LONG);
    }

    #[test]
    #[should_panic(expected = "the program goes on")]
    fn a_program_that_goes_on_is_not_taken_for_ended() {
        shell("exec tail -f /dev/null").wait_for_end(Duration::from_millis(20));
    }

    #[test]
    fn a_free_address_can_be_listened_on() {
        assert!(TcpListener::bind(free_loopback_address()).is_ok());
    }
}
