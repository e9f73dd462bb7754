//! What the throwaway database servers have in common: a folder, a user without rights, a port,
//! and a keeper that ends the server when the test process ends, however that ends.
//!
//! The keeper is a shell whose standard input is a pipe from the test process. When that process
//! is gone (returned, panicked, killed with SIGKILL) the kernel closes the pipe, and the keeper
//! ends the server and removes the folder. The kernel's own parent-death signal would not do: it
//! fires when the *thread* that started the child ends, and every test is a thread. Test process,
//! keeper and server are in different process groups, so a Ctrl-C in the terminal does not get
//! the keeper before its work is done.
//!
//! Linux only: children are found, and ends are seen, in `/proc`.

use crate::TempFolder;
use crate::pause::pause;
use rustix::process::{Pid, Signal, kill_process};
use std::hash::BuildHasher as _;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Between two looks at a server that is starting or ending.
const LOOK: Duration = Duration::from_millis(20);
/// For a start, a recovery, or an end in good order, on a busy machine.
pub(crate) const SERVER_PATIENCE: Duration = Duration::from_secs(120);
/// For one call of a client.
pub(crate) const CLIENT_PATIENCE: Duration = Duration::from_secs(120);
/// Below the range that Linux gives to outgoing connections (32768 and up), so that nobody takes
/// the port of a server that is down for a moment.
const FIRST_PORT: u16 = 10_000;
const PORTS: u16 = 22_000;

/// `$1` signal that ends the server at once, `$2` folder, `$3` log, then the server's command.
/// The descriptors that the test process got from cargo and others are not passed on.
const KEEPER: &str = r#"
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
signal=$1 folder=$2 log=$3
shift 3
"$@" </dev/null >>"$log" 2>&1 &
server=$!
echo "$server"
exec >/dev/null
order=remove
read -r order
kill -s "$signal" "$server"
looks=0
while kill -s 0 "$server" && [ "$looks" -lt 100 ]; do
    sleep 0.05
    looks=$((looks + 1))
done
kill -s KILL "$server"
wait
[ "$order" = keep ] || rm -rf "$folder"
"#;

/// A folder and the user to whom it and the server in it belong.
#[derive(Debug)]
pub(crate) struct Site {
    folder: TempFolder,
    user: Option<User>,
}

#[derive(Clone, Copy, Debug)]
struct User {
    uid: u32,
    gid: u32,
}

impl Site {
    pub(crate) fn new() -> Self {
        let site = Self {
            folder: TempFolder::new(),
            user: ordinary_user(),
        };
        site.own(site.path());
        site
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A folder that only the server's user may enter.
    pub(crate) fn make_folder(&self, name: &str) -> PathBuf {
        let path = self.join(name);
        std::fs::create_dir(&path).expect("a throwaway folder can be written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))
            .expect("our own folder's mode can be set");
        self.own(&path);
        path
    }

    /// A file that only the server's user may read.
    pub(crate) fn make_file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.join(name);
        write_private(&path, content);
        self.own(&path);
        path
    }

    fn own(&self, path: &Path) {
        if let Some(user) = self.user {
            chown(path, Some(user.uid), Some(user.gid))
                .unwrap_or_else(|error| panic!("{} to nobody: {error}", path.display()));
        }
    }

    /// The program as the server's user, with nothing of the test's environment: a `PGPORT` of
    /// the developer's must not lead anywhere.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = plain_command(program);
        command.env("HOME", self.path()).current_dir("/");
        if let Some(user) = self.user {
            // Without `groups`, a switch of the user also drops all supplementary groups.
            command.uid(user.uid).gid(user.gid);
        }
        command
    }
}

pub(crate) fn plain_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// `nobody` for a test that runs as root (database servers refuse to run as root), else `None`:
/// the test's own user.
fn ordinary_user() -> Option<User> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").expect("/etc/passwd can be read");
    let user = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let (uid, gid) = (fields.nth(1)?, fields.next()?);
        (name == "nobody").then_some(User {
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
        })
    });
    Some(user.expect("/etc/passwd names the user nobody"))
}

/// A server that runs under a keeper.
#[derive(Debug)]
pub(crate) struct Kept {
    keeper: Child,
    pipe: Option<ChildStdin>,
    server: Pid,
}

impl Kept {
    /// `instant`: the signal after which the server ends at once and takes its shared memory
    /// with it. `log`: belongs to the server's user, is appended to.
    pub(crate) fn start(site: &Site, instant: &str, log: &Path, server: &[&str]) -> Self {
        let mut command = site.command(Path::new("/bin/sh"));
        command.args(["-c", KEEPER, "keeper", instant]);
        command.arg(site.path()).arg(log).args(server);
        command.process_group(0);
        let mut keeper = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("/bin/sh starts");
        let pipe = keeper.stdin.take();
        let mut line = String::new();
        let said = keeper.stdout.take().expect("its standard output is a pipe");
        BufReader::new(said)
            .read_line(&mut line)
            .expect("the keeper says the server's id");
        let server = line.trim().parse().ok().and_then(Pid::from_raw);
        Self {
            keeper,
            pipe,
            server: server.unwrap_or_else(|| panic!("no process id: {line:?}")),
        }
    }

    pub(crate) fn server(&self) -> Pid {
        self.server
    }

    pub(crate) fn runs(&self) -> bool {
        lives(self.server)
    }

    /// Asks the server to end in good order and waits for it; its folder stays.
    pub(crate) fn stop(mut self, order: Signal) {
        // Fails only when it has ended by itself.
        let _ = kill_process(self.server, order);
        wait_until("the server ends in good order", || {
            (!self.runs()).then_some(())
        });
        self.leave("keep\n");
    }

    /// SIGKILL for the server and its children, as when the power goes; its folder stays.
    pub(crate) fn kill(mut self) {
        // Stopped first, so that it neither starts more children nor tidies up after those that go.
        let _ = kill_process(self.server, Signal::STOP);
        let mut all = children(self.server);
        all.push(self.server);
        for process in &all {
            let _ = kill_process(*process, Signal::KILL);
        }
        wait_until("the killed server is gone", || {
            (!all.iter().any(|process| lives(*process))).then_some(())
        });
        self.leave("keep\n");
    }

    fn leave(&mut self, order: &str) {
        if let Some(mut pipe) = self.pipe.take() {
            // Fails only when the keeper is gone already.
            let _ = pipe.write_all(order.as_bytes());
        }
        let _ = self.keeper.wait();
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.leave("");
    }
}

/// A process that is dead but was not waited for yet no longer has files, locks or ports.
fn lives(process: Pid) -> bool {
    status(process).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

fn children(parent: Pid) -> Vec<Pid> {
    let processes = std::fs::read_dir("/proc").expect("/proc can be read");
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(Pid::from_raw)
        .filter(|process| status(*process).is_some_and(|(_, its)| its == parent.as_raw_pid()))
        .collect()
}

/// State and parent. The name before them, in brackets, may contain anything.
fn status(process: Pid) -> Option<(char, i32)> {
    let path = format!("/proc/{}/stat", process.as_raw_pid());
    let stat = std::fs::read_to_string(path).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next()?.parse().ok()?))
}

/// What `look` finds, as soon as it finds it. Panics after [`SERVER_PATIENCE`].
pub(crate) fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < SERVER_PATIENCE, "not in time: {what}");
        pause(LOOK);
    }
}

/// A loopback port on which nobody listens; somebody may before it is used.
pub(crate) fn free_port() -> u16 {
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    (0..200)
        .map(|_| FIRST_PORT + (random() % u64::from(PORTS)) as u16)
        .find(free)
        .expect("one of 200 loopback ports is free")
}

/// Different in every call and every process; the standard library's seed for hash tables.
pub(crate) fn random() -> u64 {
    std::hash::RandomState::new().hash_one(std::process::id())
}

/// How a client ended and what it said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: ExitStatus,
    pub out: Vec<u8>,
    pub err: String,
}

impl Answer {
    pub(crate) fn result(self) -> Result<String, String> {
        let out = String::from_utf8_lossy(&self.out).into_owned();
        if self.status.success() {
            Ok(out)
        } else {
            Err(format!("{}{out}", self.err))
        }
    }
}

/// Runs it to its end with this standard input. A client that goes on after [`CLIENT_PATIENCE`]
/// is killed, which its answer shows.
pub(crate) fn ask(mut command: Command, input: &str) -> Answer {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut to = child.stdin.take().expect("its standard input is a pipe");
    let out = child.stdout.take().expect("its standard output is a pipe");
    let err = child.stderr.take().expect("its standard error is a pipe");
    std::thread::scope(|threads| {
        // A client that ends early does not read it all, and says why on its own.
        threads.spawn(move || to.write_all(input.as_bytes()));
        let out = threads.spawn(move || read_all(out));
        let err = threads.spawn(move || read_all(err));
        let began = Instant::now();
        while !out.is_finished() || !err.is_finished() {
            if began.elapsed() > CLIENT_PATIENCE {
                let _ = child.kill();
                break;
            }
            pause(Duration::from_millis(2));
        }
        let (out, err) = (out.join(), err.join());
        Answer {
            status: child.wait().expect("a child can be waited for"),
            out: out.expect("reading a pipe does not panic"),
            err: String::from_utf8_lossy(&err.expect("reading a pipe does not panic")).into_owned(),
        }
    })
}

fn read_all(mut pipe: impl Read) -> Vec<u8> {
    let mut all = Vec::new();
    // A broken pipe is the end of it, as a closed one is.
    let _ = pipe.read_to_end(&mut all);
    all
}

/// The newest of the folders, else the first folder of `PATH`, that has the first program; the
/// whole list must be there.
pub(crate) fn find_programs(folders: &[PathBuf], wanted: &[&str]) -> Option<Vec<PathBuf>> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let everywhere: Vec<PathBuf> = folders
        .iter()
        .cloned()
        .chain(std::env::split_paths(&path))
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .collect();
    let find = |name: &&str| {
        everywhere
            .iter()
            .map(|folder| folder.join(name))
            .find(|program| program.is_file())
    };
    wanted.iter().map(find).collect()
}

pub(crate) fn missing(what: &str) -> ! {
    panic!(
        "{what} is not installed, and this test needs it: \
         apt-get install postgresql mariadb-server openssl"
    )
}

/// A file that holds the URL of a database, as Balefire wants it: one line, for its owner only.
pub fn write_url_file(folder: &Path, url: &str) -> PathBuf {
    let path = folder.join("database.url");
    write_private(&path, format!("{url}\n").as_bytes());
    path
}

fn write_private(path: &Path, content: &[u8]) {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(content))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// As user names and passwords stand in a URL.
pub(crate) fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_gives_a_meaning_to_is_encoded() {
        assert_eq!(percent_encoded("a:b@c/d é%"), "a%3Ab%40c%2Fd%20%C3%A9%25");
    }

    #[test]
    fn a_client_gets_its_input_and_its_failure_is_told() {
        let mut shell = plain_command(Path::new("/bin/sh"));
        shell.args(["-c", "cat; echo bad >&2; exit 3"]);
        let answer = ask(shell, "text\n").result();
        assert_eq!(answer, Err("bad\ntext\n".to_owned()));
    }

    #[test]
    fn a_url_file_is_for_its_owner_only() {
        let folder = TempFolder::new();
        let path = write_url_file(folder.path(), "postgres://a@b/c");
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "postgres://a@b/c\n"
        );
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn our_own_child_is_among_our_children() {
        let mut child = Command::new("/bin/sh")
            .args(["-c", "exec tail -f /dev/null"])
            .spawn()
            .unwrap();
        let id = Pid::from_child(&child);
        let own = Pid::from_raw(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(children(own).contains(&id) && lives(id));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!lives(id));
    }
}
