//! A throwaway MariaDB with a row-based binlog, on loopback, as an ordinary user. MySQL too, where
//! somebody has one: Debian stable does not.
//!
//! Nothing here touches a server of the system or its data. `root` gets in without a password,
//! through the socket and over loopback.

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
    "bind-address=127.0.0.1",
    "skip-name-resolve",
    "log-bin=binlog",
    "binlog-format=ROW",
    "binlog-row-image=FULL",
    "binlog-annotate-row-events=ON",
    "server-id=1",
    "character-set-server=utf8mb4",
    "collation-server=utf8mb4_general_ci",
    "max-connections=200",
    "innodb-buffer-pool-size=64M",
    "innodb-log-file-size=32M",
    "key-buffer-size=1M",
    "aria-pagecache-buffer-size=8M",
    "default-time-zone=+00:00",
];
const MYSQL_SETTINGS: &[&str] = &[
    "bind-address=127.0.0.1",
    "skip-name-resolve",
    "log-bin=binlog",
    "server-id=1",
    "character-set-server=utf8mb4",
    "collation-server=utf8mb4_general_ci",
    "max-connections=200",
    "innodb-buffer-pool-size=64M",
    "innodb-redo-log-capacity=32M",
    "key-buffer-size=1M",
    "default-time-zone=+00:00",
    "binlog-rows-query-log-events=ON",
    "performance-schema=OFF",
    // Else a folder of the system.
    "secure-file-priv=NULL",
    // Its second protocol would take a port that everybody else's wants too.
    "mysqlx=OFF",
];
const PORT_TRIES: usize = 5;
/// Names the `mysqld` that [`Server::start_mysql`] runs; a script that runs it will do.
const MYSQLD: &str = "BALEFIRE_MYSQLD";
/// Names its client, where it is not found beside it.
const MYSQL: &str = "BALEFIRE_MYSQL";

/// A running server; gone with its data when dropped, or when the test process ends.
#[derive(Debug)]
pub struct Server {
    /// Before `site`: the server ends before its folder goes.
    running: Mutex<Option<Kept>>,
    access: Arc<Access>,
    mariadbd: PathBuf,
    settings: Mutex<Vec<String>>,
    site: Site,
}

/// How the client gets in; what a [`Database`] keeps of its server.
#[derive(Debug)]
struct Access {
    client: PathBuf,
    socket: PathBuf,
    port: u16,
}

impl Server {
    /// A server of the test's own.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more settings, such as `binlog-row-image=MINIMAL`; they win over ours.
    pub fn start_with(settings: &[&str]) -> Self {
        Self::build(settings, None)
    }

    /// It speaks TLS to those who ask for it, with these certificates.
    pub fn start_with_tls(certificates: &Certificates) -> Self {
        Self::build(&[], Some(certificates))
    }

    /// One for all tests of this process, for those that only need a database of their own. Do
    /// not stop it, and do not count on what other tests leave alone: the binlog and the users
    /// are shared.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// MySQL's own server, which `BALEFIRE_MYSQLD` must name.
    pub fn start_mysql(settings: &[&str]) -> Self {
        Self::build_mysql(settings, None)
    }

    pub fn start_mysql_with_tls(certificates: &Certificates) -> Self {
        Self::build_mysql(&[], Some(certificates))
    }

    /// As [`Server::shared`], of MySQL.
    pub fn shared_mysql() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| Self::start_mysql(&[]))
    }

    fn build(settings: &[&str], tls: Option<&Certificates>) -> Self {
        let [mariadbd, install, client] = programs();
        let installing = [
            "--no-defaults",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
            "--skip-log-bin",
        ];
        let own = [SETTINGS, settings].concat();
        Self::launched(
            Site::new(),
            (&install, &installing),
            mariadbd,
            client,
            &own,
            tls,
        )
    }

    fn build_mysql(settings: &[&str], tls: Option<&Certificates>) -> Self {
        let (mysqld, client) = mysql_programs();
        let installing = ["--no-defaults", "--initialize-insecure", "--skip-log-bin"];
        let own = [MYSQL_SETTINGS, settings].concat();
        let install = (&*mysqld.clone(), installing.as_slice());
        let server = Self::launched(Site::new(), install, mysqld, client, &own, tls);
        // Made for the socket alone; the binlog begins behind it.
        let over_loopback = "SET sql_log_bin = 0; CREATE USER root@127.0.0.1; \
                             GRANT ALL ON *.* TO root@127.0.0.1 WITH GRANT OPTION;";
        server.maintenance().run(over_loopback);
        server
    }

    /// `install`: what makes the data folder, and how it is told to.
    fn launched(
        site: Site,
        install: (&Path, &[&str]),
        mariadbd: PathBuf,
        client: PathBuf,
        settings: &[&str],
        tls: Option<&Certificates>,
    ) -> Self {
        site.make_folder("tmp");
        let data = site.make_folder("data");
        let mut installing = site.command(install.0);
        // A server that starts removes temporary tables from its folder, whoever made them.
        installing.args(install.1).env("TMPDIR", site.join("tmp"));
        installing.arg(format!("--datadir={}", data.display()));
        if let Err(said) = ask(installing, "").result() {
            panic!("a server's data cannot be made: {said}");
        }
        let mut all = Vec::new();
        if let Some(tls) = tls {
            let copy = |name: &str, from: &Path| {
                let content = std::fs::read(from)
                    .unwrap_or_else(|error| panic!("{}: {error}", from.display()));
                site.make_file(name, &content).display().to_string()
            };
            all.push(format!("ssl-cert={}", copy("tls.pem", &tls.certificate)));
            all.push(format!("ssl-key={}", copy("tls.key", &tls.key)));
        }
        all.extend(settings.iter().map(|line| (*line).to_owned()));
        let mut server = Self {
            running: Mutex::new(None),
            access: Arc::new(Access {
                client,
                socket: site.join("socket"),
                port: 0,
            }),
            mariadbd,
            settings: Mutex::new(all),
            site,
        };
        for _ in 0..PORT_TRIES {
            let access = Arc::get_mut(&mut server.access).expect("nobody else has it yet");
            access.port = free_port();
            match server.launch() {
                Ok(()) => return server,
                Err(log)
                    if ["Address already", "port already"]
                        .iter()
                        .any(|w| log.contains(w)) => {}
                Err(log) => panic!("MariaDB ended at its start:\n{log}"),
            }
        }
        panic!("others took {PORT_TRIES} free ports:\n{}", server.log());
    }

    /// Until it accepts connections. `Err`: it ended instead; its log.
    fn launch(&self) -> Result<(), String> {
        let mut command = vec![
            self.mariadbd.display().to_string(),
            "--no-defaults".to_owned(),
            format!("--datadir={}", self.site.join("data").display()),
            format!("--tmpdir={}", self.site.join("tmp").display()),
            format!("--pid-file={}", self.site.join("server.pid").display()),
            format!("--socket={}", self.access.socket.display()),
            format!("--port={}", self.access.port),
        ];
        let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        command.extend(settings.iter().map(|setting| format!("--{setting}")));
        drop(settings);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let kept = Kept::start(&self.site, "KILL", &self.log_path(), &command);
        let ready = wait_until("MariaDB accepts connections", || {
            if !kept.runs() {
                return Some(false);
            }
            let answer = self.access.root(None, &[], "select 1");
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

    /// The database `mysql`, for what concerns the whole server.
    pub fn maintenance(&self) -> Database {
        self.database_named("mysql")
    }

    pub fn port(&self) -> u16 {
        self.access.port
    }

    /// Holds `data` (with the binlog), `socket` and `server.log`.
    pub fn folder(&self) -> &Path {
        self.site.path()
    }

    /// The server's process id. Panics when the server is stopped.
    pub fn process(&self) -> i32 {
        let running = self.running();
        let kept = running.as_ref().expect("the server runs");
        kept.server().as_raw_pid()
    }

    /// Ends it in good order; data and port stay.
    pub fn stop(&self) {
        if let Some(kept) = self.running().take() {
            kept.stop(Signal::TERM);
        }
    }

    /// SIGKILL; data and port stay.
    pub fn kill(&self) {
        if let Some(kept) = self.running().take() {
            kept.kill();
        }
    }

    /// After [`Server::stop`] or [`Server::kill`], on the same port.
    pub fn start_again(&self) {
        assert!(self.running().is_none(), "the server runs already");
        if let Err(log) = self.launch() {
            panic!("MariaDB ended at its start:\n{log}");
        }
    }

    pub fn restart(&self) {
        self.stop();
        self.start_again();
    }

    /// With more settings from now on; they win over earlier ones.
    pub fn restart_with(&self, settings: &[&str]) {
        self.stop();
        let mut all = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(settings.iter().map(|line| (*line).to_owned()));
        drop(all);
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

/// The server, its installer and its client, under today's names or those of before 2019.
fn programs() -> [PathBuf; 3] {
    let names = [
        ["mariadbd", "mariadb-install-db", "mariadb"],
        ["mysqld", "mysql_install_db", "mysql"],
    ];
    names
        .iter()
        .find_map(|wanted| find_programs(&[], wanted)?.try_into().ok())
        .unwrap_or_else(|| missing("MariaDB"))
}

fn mysql_programs() -> (PathBuf, PathBuf) {
    let server = std::env::var_os(MYSQLD).map(PathBuf::from);
    let server = server.unwrap_or_else(|| {
        panic!("set {MYSQLD} to a MySQL server's program; Debian stable has none to install")
    });
    let beside = |folder: &str| Some(server.parent()?.join(folder).join("mysql"));
    let client = std::env::var_os(MYSQL).map(PathBuf::from);
    let client = client
        .or_else(|| beside("").filter(|path| path.is_file()))
        .or_else(|| beside("../bin").filter(|path| path.is_file()))
        .unwrap_or_else(|| panic!("set {MYSQL} to the client of {}", server.display()));
    (server, client)
}

/// A database of a throwaway server. Statements go through the `mariadb` client, one after
/// another; the first that fails ends them.
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

    /// As root, without a password.
    pub fn url(&self) -> String {
        format!("mysql://root@127.0.0.1:{}/{}", self.port(), self.name)
    }

    pub fn url_for(&self, user: &str, password: &str) -> String {
        let (user, password) = (percent_encoded(user), percent_encoded(password));
        format!(
            "mysql://{user}:{password}@127.0.0.1:{}/{}",
            self.port(),
            self.name
        )
    }

    /// Makes an account, `user@127.0.0.1`, that may log in and nothing else (accounts belong to
    /// the whole server: choose a name of the test's own); its URL.
    pub fn user(&self, user: &str, password: &str) -> String {
        let (name, word) = (user.replace('\'', "''"), password.replace('\'', "''"));
        self.run(&format!(
            "CREATE USER '{name}'@'127.0.0.1' IDENTIFIED BY '{word}'"
        ));
        self.url_for(user, password)
    }

    /// As root. Panics at the first statement that fails.
    pub fn run(&self, sql: &str) {
        if let Err(said) = self.try_run(sql) {
            panic!("{said}in:\n{sql}");
        }
    }

    /// What the client printed; `Err` when a statement failed: what it said on standard error.
    pub fn try_run(&self, sql: &str) -> Result<String, String> {
        self.access.root(Some(&self.name), &[], sql)
    }

    /// As [`Database::try_run`], but with this account, over TCP.
    pub fn try_run_as(&self, user: &str, password: &str, sql: &str) -> Result<String, String> {
        let mut client = self.access.client(Some(&self.name), &[]);
        client.args(["--protocol=tcp", "--host=127.0.0.1"]);
        client.arg(format!("--port={}", self.port()));
        client
            .arg(format!("--user={user}"))
            .env("MYSQL_PWD", password);
        ask(client, sql).result()
    }

    /// Every row of every statement's result as text; `None` is NULL.
    pub fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let out = self.access.root(Some(&self.name), &["--xml"], sql);
        rows_of_xml(&out.unwrap_or_else(|said| panic!("{said}in:\n{sql}")))
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
    fn root(&self, database: Option<&str>, more: &[&str], sql: &str) -> Result<String, String> {
        let mut client = self.client(database, more);
        client.args(["--protocol=socket", "--user=root"]);
        client.arg(format!("--socket={}", self.socket.display()));
        ask(client, sql).result()
    }

    fn client(&self, database: Option<&str>, more: &[&str]) -> Command {
        let mut client = plain_command(&self.client);
        client.args([
            "--no-defaults",
            "--batch",
            "--default-character-set=utf8mb4",
        ]);
        client.args(more);
        if let Some(database) = database {
            client.arg(format!("--database={database}"));
        }
        client
    }
}

/// The client's XML: the only one of its forms that tells NULL from `NULL`.
fn rows_of_xml(text: &str) -> Vec<Vec<Option<String>>> {
    let mut rows = Vec::new();
    for row in text.split("<row>").skip(1) {
        let row = row.split("</row>").next().unwrap_or_default();
        rows.push(row.split("<field name=\"").skip(1).map(value).collect());
    }
    rows
}

/// From behind `<field name="` on. In names and values `<`, `>`, `&` and `"` are escaped.
fn value(field: &str) -> Option<String> {
    let (tag, rest) = field.split_once('>').expect("a field's tag ends");
    if tag.ends_with("xsi:nil=\"true\" /") {
        return None;
    }
    let text = rest.split("</field>").next().unwrap_or_default();
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    Some(text.replace("&quot;", "\"").replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_xml_is_read() {
        let text = "<?xml version=\"1.0\"?>\n\n<resultset statement=\"select &lt;row&gt;\">\n  \
                    <row>\n\t<field name=\"a&gt;\">x &amp;lt; &lt;/field&gt;</field>\n\t\
                    <field name=\"b\" xsi:nil=\"true\" />\n\t<field name=\"c\"></field>\n  </row>\n\
                    </resultset>\n";
        let expected = vec![vec![
            Some("x &lt; </field>".to_owned()),
            None,
            Some(String::new()),
        ]];
        assert_eq!(rows_of_xml(text), expected);
    }
}
