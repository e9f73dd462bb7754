//! Processes and programs of this machine: what is installed, as whom it runs, the CPU it has used.

use crate::BenchError;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

/// Parent, and CPU seconds of a process with its ended children; `None` when it is gone.
pub fn cpu_of(process: u32) -> Option<(u32, f64)> {
    /// Ticks of `/proc` in a second, the same on every Linux of today.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before it, in brackets, may contain anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = fields.get(11..15)?.iter();
    let ticks: f64 = ticks.filter_map(|f| f.parse::<f64>().ok()).sum();
    Some((fields.get(1)?.parse().ok()?, ticks / TICKS))
}

/// Waits for a time, where there is nothing to wait on.
pub fn pause(time: Duration) {
    let (_open, never) = channel::<()>();
    // Nothing is ever sent.
    let _ = never.recv_timeout(time);
}

/// A file for its owner only.
pub fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?
        .write_all(text.as_bytes())
}

/// A program of `PATH`.
pub fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// The newest version in Debian's folders, else `PATH`; all or nothing.
pub fn find(wanted: &[&str]) -> Option<Vec<PathBuf>> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .flatten()
        .map(|v| (v.file_name().to_string_lossy().parse().unwrap_or(0), v))
        .map(|(number, v)| (number, v.path().join("bin")))
        .collect();
    versions.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    let folders: Vec<PathBuf> = versions
        .into_iter()
        .map(|(_, folder)| folder)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .collect();
    let one = |name: &&str| {
        let programs = folders.iter().map(|folder| folder.join(name));
        programs
            .filter(|program| program.is_file())
            .find(|_| true)
            .or_else(|| installed(name))
    };
    wanted.iter().map(one).collect()
}

/// Who runs a server: user and group, or ourselves.
pub type User = Option<(u32, u32)>;

/// `nobody` where we are root (database servers refuse to run as root), else ourselves.
pub fn ordinary_user() -> Result<User, BenchError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    let nobody = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        (name == "nobody").then_some((uid, gid))
    });
    nobody
        .map(Some)
        .ok_or_else(|| BenchError::Server("there is no user `nobody` to run it".into()))
}

/// Gives a folder to the server's user.
pub fn own(path: &Path, user: User) -> std::io::Result<()> {
    let Some((uid, gid)) = user else {
        return Ok(());
    };
    // Others may pass through our folder to theirs, and see nothing of it.
    if let Some(above) = path.parent() {
        std::fs::set_permissions(above, std::fs::Permissions::from_mode(0o711))?;
    }
    chown(path, Some(uid), Some(gid))
}

/// The program as the server's user, with nothing of our environment.
pub fn as_user(program: &Path, folder: &Path, user: User) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .current_dir("/")
        .stdin(Stdio::null());
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

/// Runs it to its end; what it said when it failed.
pub fn made(mut command: Command) -> Result<(), BenchError> {
    let done = command.output()?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    Err(BenchError::Server(said))
}

/// Gives a file to the server's user.
pub fn own_file(path: &Path, user: User) -> std::io::Result<()> {
    match user {
        Some((uid, gid)) => chown(path, Some(uid), Some(gid)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_time_is_known_and_a_process_that_is_gone_has_none() {
        let (parent, seconds) = cpu_of(std::process::id()).unwrap();
        assert!(parent > 0 && seconds >= 0.0);
        assert_eq!(cpu_of(u32::MAX), None);
    }

    #[test]
    fn a_program_that_nobody_has_is_not_found() {
        assert_eq!(find(&["sh", "no-such-program-anywhere"]), None);
        assert!(installed("sh").is_some());
    }
}
