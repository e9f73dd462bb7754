//! Throwaway database servers for the bench, started from the installed programs: on loopback, as
//! an ordinary user, behind a random password.
//!
//! A server ends with its [`ShopServer`], and also when the bench is killed: its keeper is a shell
//! that waits for the end of a pipe from us. Deliberately not here: servers that somebody else
//! uses. The bench writes, tampers and fills disks.

use crate::BenchError;
use crate::processes::{
    User, as_user, cpu_of, find, made, ordinary_user, own, own_file, pause, write_private,
};
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// Until a server accepts connections.
const READY_WITHIN: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);
/// The account that owns the throwaway server, and the shop's database.
const DATABASE: &str = "shop";

/// `$1` signal that ends the server at once, `$2` log, then the server's command.
const KEEPER: &str = r#"
signal=$1 log=$2
shift 2
"$@" </dev/null >>"$log" 2>&1 &
server=$!
echo "$server"
exec >/dev/null
read -r order
kill -s "$signal" "$server"
wait
"#;

const POSTGRES: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "wal_level=logical",
    "shared_buffers=512MB",
    "max_wal_size=8GB",
    "checkpoint_timeout=30min",
    "wal_sender_timeout=10min",
    "autovacuum=off",
    "timezone=UTC",
    "logging_collector=off",
];
const MARIADB: &[&str] = &[
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--log-bin=binlog",
    "--binlog-format=ROW",
    "--binlog-row-image=FULL",
    "--server-id=1",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
    "--innodb-buffer-pool-size=1G",
    "--innodb-log-file-size=1G",
    "--net-write-timeout=600",
    "--default-time-zone=+00:00",
    "--socket=server.sock",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Postgres,
    Mariadb,
}

impl Kind {
    /// Its name among the measurements.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
        }
    }
    /// What to install.
    pub const fn packages(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql",
            Self::Mariadb => "mariadb-server mariadb-client",
        }
    }
    const fn account(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mariadb => "bench",
        }
    }
    const fn wanted(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["postgres", "initdb", "psql"],
            Self::Mariadb => &[
                "mariadbd",
                "mariadb-install-db",
                "mariadb",
                "mariadb-binlog",
            ],
        }
    }
}

/// A running server with an empty database `shop`.
#[derive(Debug)]
pub struct ShopServer {
    pub kind: Kind,
    pub port: u16,
    /// The server's process, or that of its postmaster.
    pub process: u32,
    password: String,
    /// In the order of [`Kind::wanted`].
    programs: Vec<PathBuf>,
    log: PathBuf,
    keeper: Child,
    pipe: Option<ChildStdin>,
}

impl ShopServer {
    /// Starts one in `folder`, which is new; `None` where its programs are not installed.
    pub fn start(kind: Kind, folder: &Path) -> Result<Option<Self>, BenchError> {
        let Some(programs) = find(kind.wanted()) else {
            return Ok(None);
        };
        let user = ordinary_user()?;
        std::fs::create_dir_all(folder)?;
        own(folder, user)?;
        let password = format!("{:032x}", fastrand::u128(..));
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let command = match kind {
            Kind::Postgres => postgres(&programs, folder, user, port, &password)?,
            Kind::Mariadb => mariadb(&programs, folder, user, port, &password)?,
        };
        let log = folder.join("server.log");
        let signal = match kind {
            // PostgreSQL's immediate end, which gives its shared memory back.
            Kind::Postgres => "QUIT",
            Kind::Mariadb => "KILL",
        };
        let mut keeper = as_user(Path::new("/bin/sh"), folder, user);
        keeper
            .args(["-c", KEEPER, "keeper", signal])
            .arg(&log)
            .args(command)
            // A Ctrl-C in the terminal must not end the keeper before its work is done.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut keeper = keeper.spawn()?;
        let pipe = keeper.stdin.take();
        let mut line = String::new();
        if let Some(said) = keeper.stdout.take() {
            BufReader::new(said).read_line(&mut line)?;
        }
        let process = line.trim().parse().unwrap_or_default();
        let server = Self {
            kind,
            port,
            process,
            password,
            programs,
            log,
            keeper,
            pipe,
        };
        server.await_ready()?;
        Ok(Some(server))
    }

    fn await_ready(&self) -> Result<(), BenchError> {
        let began = Instant::now();
        let make = format!("CREATE DATABASE {DATABASE}");
        loop {
            let mut client = self.client_of("");
            let flag = match self.kind {
                Kind::Postgres => "-c",
                Kind::Mariadb => "-e",
            };
            let answer = client.args([flag, &make]).output()?;
            if answer.status.success() {
                return Ok(());
            }
            if began.elapsed() > READY_WITHIN {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                return Err(BenchError::Server(format!(
                    "{}{log}",
                    String::from_utf8_lossy(&answer.stderr)
                )));
            }
            pause(LOOK);
        }
    }

    /// For Balefire's `url_file`.
    pub fn url(&self) -> String {
        let scheme = match self.kind {
            Kind::Postgres => "postgres",
            Kind::Mariadb => "mysql",
        };
        let (account, password, port) = (self.kind.account(), &self.password, self.port);
        format!("{scheme}://{account}:{password}@127.0.0.1:{port}/{DATABASE}")
    }

    /// The server's own client on the shop's database.
    pub fn client(&self) -> Command {
        self.client_of(DATABASE)
    }

    fn client_of(&self, database: &str) -> Command {
        let mut client;
        match self.kind {
            Kind::Postgres => {
                client = self.program(&self.programs[2]);
                let database = if database.is_empty() {
                    "postgres"
                } else {
                    database
                };
                client.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
                client.env("PGDATABASE", database);
            }
            Kind::Mariadb => {
                client = self.program(&self.programs[2]);
                client.args(["--no-defaults", "--batch", "--skip-column-names"]);
                client.args(["--unbuffered", "--protocol=tcp", "--host=127.0.0.1"]);
                client.arg(format!("--port={}", self.port));
                client.arg(format!("--user={}", self.kind.account()));
                client.arg(format!("--database={database}"));
            }
        }
        client
    }

    /// A program that finds server and password in its environment.
    pub fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", self.kind.account())
            .env("PGPASSWORD", &self.password)
            .env("MYSQL_PWD", &self.password)
            .stdin(Stdio::null());
        command
    }

    /// MariaDB's reader of its own binlog, as a replica would read it.
    pub fn binlog_reader(&self) -> Option<Command> {
        let mut command = self.program(self.programs.get(3)?);
        command.args(["--no-defaults", "--read-from-remote-server"]);
        command.args(["--protocol=tcp", "--host=127.0.0.1"]);
        command.arg(format!("--port={}", self.port));
        command.arg(format!("--user={}", self.kind.account()));
        Some(command)
    }

    /// Where percona-toolkit finds the server; the password is in a file beside it.
    pub fn dsn(&self, client_file: &Path) -> String {
        format!(
            "h=127.0.0.1,P={},u={},F={}",
            self.port,
            self.kind.account(),
            client_file.display()
        )
    }

    /// A file with account and password in the form of MySQL's clients.
    pub fn write_client_file(&self, path: &Path) -> std::io::Result<()> {
        let text = format!(
            "[client]\nprotocol=tcp\nhost=127.0.0.1\nport={}\nuser={}\npassword={}\n",
            self.port,
            self.kind.account(),
            self.password
        );
        write_private(path, &text)
    }

    /// CPU seconds of the server with all that it has started so far: what a backend has used goes
    /// to its parent when it ends.
    pub fn cpu_s(&self) -> f64 {
        let own = cpu_of(self.process).map_or(0.0, |(_, s)| s);
        if self.kind == Kind::Mariadb {
            return own;
        }
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let children = processes
            .filter_map(|entry| cpu_of(entry.file_name().to_str()?.parse().ok()?))
            .filter(|(parent, _)| *parent == self.process)
            .map(|(_, seconds)| seconds);
        own + children.sum::<f64>()
    }
}

impl Drop for ShopServer {
    fn drop(&mut self) {
        // The pipe's end is the keeper's order.
        drop(self.pipe.take());
        let _ = self.keeper.wait();
    }
}

/// Makes the data; the server's command line.
fn postgres(
    programs: &[PathBuf],
    folder: &Path,
    user: User,
    port: u16,
    password: &str,
) -> Result<Vec<String>, BenchError> {
    let (data, secret) = (folder.join("data"), folder.join("password"));
    write_private(&secret, password)?;
    own_file(&secret, user)?;
    let mut initdb = as_user(&programs[1], folder, user);
    initdb
        .args(["--username=postgres", "--auth=scram-sha-256"])
        .args(["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"])
        .arg(format!("--pwfile={}", secret.display()))
        .arg(format!("--pgdata={}", data.display()));
    made(initdb)?;
    let mut command = vec![programs[0].display().to_string()];
    command.extend(["-D".to_owned(), data.display().to_string()]);
    command.extend(["-p".to_owned(), port.to_string()]);
    for setting in POSTGRES {
        command.extend(["-c".to_owned(), (*setting).to_owned()]);
    }
    Ok(command)
}

/// Makes the data; the server's command line.
fn mariadb(
    programs: &[PathBuf],
    folder: &Path,
    user: User,
    port: u16,
    password: &str,
) -> Result<Vec<String>, BenchError> {
    let (data, first) = (folder.join("data"), folder.join("first.sql"));
    let mut install = as_user(&programs[1], folder, user);
    install
        .args(["--no-defaults", "--auth-root-authentication-method=normal"])
        .args(["--skip-test-db", "--skip-name-resolve", "--skip-log-bin"])
        .arg(format!("--datadir={}", data.display()));
    made(install)?;
    // Before anybody can connect: an account with a password, and none without.
    let sql = format!(
        "SET sql_log_bin = 0;\n\
         CREATE OR REPLACE USER bench@'127.0.0.1' IDENTIFIED BY '{password}';\n\
         GRANT ALL ON *.* TO bench@'127.0.0.1' WITH GRANT OPTION;\n\
         DROP USER IF EXISTS root@localhost, root@'127.0.0.1', root@'::1';\n"
    );
    write_private(&first, &sql)?;
    own_file(&first, user)?;
    let mut command = vec![
        programs[0].display().to_string(),
        "--no-defaults".to_owned(),
        format!("--datadir={}", data.display()),
        format!("--init-file={}", first.display()),
        format!("--port={port}"),
    ];
    command.extend(MARIADB.iter().map(|setting| (*setting).to_owned()));
    Ok(command)
}
