//! A throwaway PostgreSQL with logical replication, on loopback, as an ordinary user.
//!
//! Nothing here touches a server of the system or its clusters. The superuser `postgres` gets in
//! without a password, everybody else with SCRAM. `fsync` is on; a test that never kills the
//! server may turn it off with [`Server::start_with`].

use crate::certificates::Certificates;
use crate::server::{
    Kept, Site, ask, find_programs, free_port, missing, percent_encoded, plain_command, random,
    wait_until,
};
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "wal_level=logical",
    "max_replication_slots=50",
    "max_wal_senders=50",
    "max_connections=200",
    "shared_buffers=32MB",
    "password_encryption=scram-sha-256",
    "timezone=UTC",
    "log_timezone=UTC",
    "logging_collector=off",
];
const HBA: &str = "local all postgres trust\n\
                   local all all scram-sha-256\n\
                   local replication postgres trust\n\
                   local replication all scram-sha-256\n\
                   host all postgres 127.0.0.1/32 trust\n\
                   host all all 127.0.0.1/32 scram-sha-256\n\
                   host replication postgres 127.0.0.1/32 trust\n\
                   host replication all 127.0.0.1/32 scram-sha-256\n";
const PORT_TRIES: usize = 5;

/// A running server; gone with its data when dropped, or when the test process ends.
#[derive(Debug)]
pub struct Server {
    /// Before `site`: the server ends before its folder goes.
    running: Mutex<Option<Kept>>,
    access: Arc<Access>,
    postgres: PathBuf,
    site: Site,
}

/// How `psql` gets in; what a [`Database`] keeps of its server.
#[derive(Debug)]
struct Access {
    psql: PathBuf,
    sockets: PathBuf,
    port: u16,
}

impl Server {
    /// A server of the test's own.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more settings, such as `fsync=off`; they win over ours.
    pub fn start_with(settings: &[&str]) -> Self {
        Self::build(settings, None)
    }

    /// It speaks TLS to those who ask for it, with these certificates.
    pub fn start_with_tls(certificates: &Certificates) -> Self {
        Self::build(&[], Some(certificates))
    }

    /// One for all tests of this process, for those that only need a database of their own. Do
    /// not stop it, and do not count on what other tests leave alone: slots and roles are shared.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn build(settings: &[&str], tls: Option<&Certificates>) -> Self {
        let wanted = ["postgres", "initdb", "psql"];
        let found =
            find_programs(&version_folders(), &wanted).unwrap_or_else(|| missing("PostgreSQL"));
        let site = Site::new();
        let sockets = site.make_folder("sockets");
        let mut initdb = site.command(&found[1]);
        initdb
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C.UTF-8", "--data-checksums", "--no-sync"])
            .arg("--pgdata")
            .arg(site.join("data"));
        if let Err(said) = ask(initdb, "").result() {
            panic!("initdb: {said}");
        }
        configure(&site, &sockets, settings, tls);
        Self::launched(site, sockets, found[0].clone(), found[2].clone())
    }

    /// A standby of this server, of PostgreSQL 17 or later, by the physical slot `standby` that it
    /// makes there; logical slots that are made for it are kept on it too.
    pub fn standby(&self) -> Self {
        let site = Site::new();
        let sockets = site.make_folder("sockets");
        let mut copy = site.command(&self.programs().join("pg_basebackup"));
        let from = format!(
            "host=127.0.0.1 port={} user=postgres dbname=postgres",
            self.port()
        );
        copy.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]);
        copy.args(["--create-slot", "--slot=standby", "--dbname", &from]);
        copy.arg("--pgdata").arg(site.join("data"));
        if let Err(said) = ask(copy, "").result() {
            panic!("pg_basebackup: {said}");
        }
        let settings = ["hot_standby_feedback=on", "sync_replication_slots=on"];
        configure(&site, &sockets, &settings, None);
        let psql = self.access.psql.clone();
        Self::launched(site, sockets, self.postgres.clone(), psql)
    }

    /// Takes over from the server that it follows.
    pub fn promote(&self) {
        let promoted = self.maintenance().value("SELECT pg_promote()");
        assert_eq!(promoted, "t", "{}", self.log());
    }

    fn launched(site: Site, sockets: PathBuf, postgres: PathBuf, psql: PathBuf) -> Self {
        let mut server = Self {
            running: Mutex::new(None),
            access: Arc::new(Access {
                psql,
                sockets,
                port: 0,
            }),
            postgres,
            site,
        };
        for _ in 0..PORT_TRIES {
            let access = Arc::get_mut(&mut server.access).expect("nobody else has it yet");
            access.port = free_port();
            match server.launch() {
                Ok(()) => return server,
                Err(log) if log.contains("Address already in use") => (),
                Err(log) => panic!("PostgreSQL ended at its start:\n{log}"),
            }
        }
        panic!("others took {PORT_TRIES} free ports:\n{}", server.log());
    }

    /// Until it accepts connections. `Err`: it ended instead; its log.
    fn launch(&self) -> Result<(), String> {
        let data = self.data().display().to_string();
        let port = self.access.port.to_string();
        let program = self.postgres.display().to_string();
        let command = [program.as_str(), "-D", &data, "-p", &port];
        // QUIT is PostgreSQL's immediate shutdown: unlike KILL it gives back System V memory.
        let kept = Kept::start(&self.site, "QUIT", &self.log_path(), &command);
        let ready = wait_until("PostgreSQL accepts connections", || {
            if !kept.runs() {
                return Some(false);
            }
            let answer = self.access.psql("postgres", &["-c", "select 1"], "");
            answer.is_ok().then_some(true)
        });
        if ready {
            *self.running() = Some(kept);
            return Ok(());
        }
        // The folder stays, for the log and for another try on another port.
        kept.kill();
        Err(self.log())
    }

    fn data(&self) -> PathBuf {
        self.site.join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.site.join("server.log")
    }

    fn running(&self) -> MutexGuard<'_, Option<Kept>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fresh database with a name of its own.
    pub fn database(&self) -> Database {
        let name = format!("test_{:012x}", random() & 0xffff_ffff_ffff);
        self.maintenance().run(&format!("CREATE DATABASE {name}"));
        self.database_named(&name)
    }

    /// One that is there already.
    pub fn database_named(&self, name: &str) -> Database {
        Database {
            access: Arc::clone(&self.access),
            name: name.to_owned(),
        }
    }

    /// The database `postgres`, for what concerns the whole server.
    pub fn maintenance(&self) -> Database {
        self.database_named("postgres")
    }

    pub fn port(&self) -> u16 {
        self.access.port
    }

    /// Holds `data`, `sockets` and `server.log`.
    pub fn folder(&self) -> &Path {
        self.site.path()
    }

    /// The postmaster's process id. Panics when the server is stopped.
    pub fn process(&self) -> i32 {
        let running = self.running();
        let kept = running.as_ref().expect("the server runs");
        kept.server().as_raw_pid()
    }

    /// The folder of the server's programs: `pg_ctl`, `pg_dump`, `pgbench`, ...
    pub fn programs(&self) -> &Path {
        self.postgres.parent().expect("a program lies in a folder")
    }

    /// Ends it in good order ("fast": sessions are closed); data and port stay.
    pub fn stop(&self) {
        if let Some(kept) = self.running().take() {
            kept.stop(Signal::INT);
        }
    }

    /// SIGKILL of the postmaster and all its children; data and port stay.
    pub fn kill(&self) {
        if let Some(kept) = self.running().take() {
            kept.kill();
        }
    }

    /// After [`Server::stop`] or [`Server::kill`], on the same port.
    pub fn start_again(&self) {
        assert!(self.running().is_none(), "the server runs already");
        if let Err(log) = self.launch() {
            panic!("PostgreSQL ended at its start:\n{log}");
        }
    }

    pub fn restart(&self) {
        self.stop();
        self.start_again();
    }

    pub fn kill_and_start(&self) {
        self.kill();
        self.start_again();
    }

    /// All that the server has logged since it was made.
    pub fn log(&self) -> String {
        let log = std::fs::read(self.log_path()).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }
}

fn configure(site: &Site, sockets: &Path, settings: &[&str], tls: Option<&Certificates>) {
    use std::fmt::Write as _;
    let mut text = String::new();
    let sockets = format!("unix_socket_directories={}", sockets.display());
    let own = SETTINGS.iter().copied().chain([sockets.as_str()]);
    let mut lines: Vec<String> = own.map(str::to_owned).collect();
    if let Some(tls) = tls {
        let copy = |name: &str, from: &Path| {
            let content =
                std::fs::read(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
            site.make_file(name, &content).display().to_string()
        };
        lines.push("ssl=on".to_owned());
        lines.push(format!(
            "ssl_cert_file={}",
            copy("tls.pem", &tls.certificate)
        ));
        lines.push(format!("ssl_key_file={}", copy("tls.key", &tls.key)));
    }
    lines.extend(settings.iter().map(|setting| (*setting).to_owned()));
    for line in lines {
        let (name, value) = line
            .split_once('=')
            .unwrap_or_else(|| panic!("a setting is name=value, not {line}"));
        let value = value.replace('\'', "''");
        writeln!(text, "{name} = '{value}'").expect("a text can be written to");
    }
    site.make_file("data/postgresql.conf", text.as_bytes());
    site.make_file("data/pg_hba.conf", HBA.as_bytes());
}

/// The folder that `BALEFIRE_POSTGRES` names alone, for tests on another version; else Debian's, the
/// newest version first.
fn version_folders() -> Vec<PathBuf> {
    if let Some(named) = std::env::var_os("BALEFIRE_POSTGRES") {
        let named = PathBuf::from(named);
        let here = named.join("postgres").is_file();
        assert!(
            here,
            "BALEFIRE_POSTGRES: no postgres in {}",
            named.display()
        );
        return vec![named];
    }
    let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") else {
        return Vec::new();
    };
    let mut found: Vec<(u32, PathBuf)> = versions
        .flatten()
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().parse().unwrap_or(0),
                entry.path(),
            )
        })
        .map(|(version, path)| (version, path.join("bin")))
        .filter(|(_, path)| path.join("postgres").is_file())
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, path)| path).collect()
}

/// A database of a throwaway server. Statements go through `psql`, each in a transaction of its
/// own unless they say `BEGIN`.
#[derive(Clone, Debug)]
pub struct Database {
    access: Arc<Access>,
    name: String,
}

impl Database {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn port(&self) -> u16 {
        self.access.port
    }

    /// As the superuser, without a password.
    pub fn url(&self) -> String {
        format!(
            "postgres://postgres@127.0.0.1:{}/{}",
            self.port(),
            self.name
        )
    }

    pub fn url_for(&self, user: &str, password: &str) -> String {
        let (user, password) = (percent_encoded(user), percent_encoded(password));
        format!(
            "postgres://{user}:{password}@127.0.0.1:{}/{}",
            self.port(),
            self.name
        )
    }

    /// Makes a role that may log in and nothing else (roles belong to the whole server: choose a
    /// name of the test's own); its URL.
    pub fn user(&self, user: &str, password: &str) -> String {
        let (name, word) = (user.replace('"', "\"\""), password.replace('\'', "''"));
        self.run(&format!("CREATE ROLE \"{name}\" LOGIN PASSWORD '{word}'"));
        self.url_for(user, password)
    }

    /// As the superuser. Panics at the first statement that fails.
    pub fn run(&self, sql: &str) {
        if let Err(said) = self.try_run(sql) {
            panic!("{said}in:\n{sql}");
        }
    }

    /// What `psql` printed; `Err` when a statement failed: what it said on standard error.
    pub fn try_run(&self, sql: &str) -> Result<String, String> {
        self.access.psql(&self.name, &[], sql)
    }

    /// As [`Database::try_run`], but as this role, over TCP.
    pub fn try_run_as(&self, user: &str, password: &str, sql: &str) -> Result<String, String> {
        let mut psql = self.access.client(&self.name);
        psql.args(["--host=127.0.0.1", "--username", user]);
        psql.env("PGPASSWORD", password);
        ask(psql, sql).result()
    }

    /// Every row of every statement's result as text; `None` is NULL. No value may contain the
    /// control characters 0x1d and 0x1f.
    pub fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let shape = ["-A", "-t", "-0", "-F", "\u{1f}", "-P", "null=\u{1d}"];
        let out = self.access.psql(&self.name, &shape, sql);
        let out = out.unwrap_or_else(|said| panic!("{said}in:\n{sql}"));
        out.split_terminator('\0')
            .map(|row| {
                row.split('\u{1f}')
                    .map(|value| (value != "\u{1d}").then(|| value.to_owned()))
                    .collect()
            })
            .collect()
    }

    /// The only value of the only row. Panics when it is NULL or not alone.
    pub fn value(&self, sql: &str) -> String {
        let rows = self.rows(sql);
        match rows.as_slice() {
            [row] => match row.as_slice() {
                [Some(value)] => value.clone(),
                _ => panic!("not one value: {rows:?}"),
            },
            _ => panic!("not one row: {rows:?}"),
        }
    }
}

impl Access {
    fn psql(&self, database: &str, arguments: &[&str], sql: &str) -> Result<String, String> {
        let mut psql = self.client(database);
        psql.arg("--host").arg(&self.sockets);
        psql.args(["--username=postgres"]).args(arguments);
        ask(psql, sql).result()
    }

    fn client(&self, database: &str) -> Command {
        let mut psql = plain_command(&self.psql);
        psql.args([
            "--no-psqlrc",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            "--no-password",
        ])
        .args(["--port", &self.port.to_string(), "--dbname", database]);
        psql
    }
}
