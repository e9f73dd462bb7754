//! A small shop under guard of a real `balefire`, and the people who use it.

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use testkit::{Ended, Program, Running, SMALL_SHOP_SETTINGS, SmallShop, TempFolder};

/// Nothing that the program does on a small shop takes longer, on a busy machine either.
pub const LONG: Duration = Duration::from_secs(60);
pub const PASSWORD: &str = "correct horse battery staple";
/// Proposes and applies repairs.
pub const ENGINEER: &str = "engineer";
/// Approves them and decides.
pub const CHIEF: &str = "chief";

pub struct Guarded {
    folder: TempFolder,
    pub server: Option<Running>,
    /// `http://127.0.0.1:PORT` of the server that runs, or ran last.
    pub base: String,
}

impl Guarded {
    /// A data folder with settings and nothing else.
    pub fn empty() -> Self {
        let folder = TempFolder::new();
        std::fs::create_dir(folder.join("data")).expect("a folder is made");
        let guarded = Self {
            folder,
            server: None,
            base: String::new(),
        };
        guarded.settings(SMALL_SHOP_SETTINGS);
        guarded
    }

    /// With a shop of so many orders, its baseline and two people.
    pub fn with_shop(orders: u64, seed: u64) -> (Self, SmallShop) {
        let guarded = Self::empty();
        let shop = SmallShop::create(&guarded.shop(), orders, seed);
        guarded.good(&["source", "baseline", "shop"]);
        guarded.people();
        (guarded, shop)
    }

    pub fn people(&self) {
        let file = self.password_file(PASSWORD);
        for (name, position) in [(ENGINEER, "security_engineer"), (CHIEF, "ciso")] {
            let file = file.to_str().expect("a path of letters");
            let add = ["account", "add", name, "--position", position];
            self.good(&[&add[..], &["--password-file", file]].concat());
        }
    }

    pub fn password_file(&self, password: &str) -> PathBuf {
        let path = self.folder.join("password");
        std::fs::write(&path, format!("{password}\n")).expect("a file is written");
        path
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
    pub fn shop(&self) -> PathBuf {
        self.data().join("shop.db")
    }
    pub fn path(&self, name: &str) -> PathBuf {
        self.data().join(name)
    }
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes `balefire.toml`.
    pub fn settings(&self, text: &str) {
        std::fs::write(self.path("balefire.toml"), text).expect("a file is written");
    }

    /// `balefire` with the folder, in English.
    pub fn program(&self) -> Program {
        Program::balefire()
            .args(["--lang", "en", "--data"])
            .args([self.data()])
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.program().args(arguments).run(LONG)
    }

    /// Runs what must end with code 0; gives its standard output.
    pub fn good(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        ended.out
    }

    /// Runs what must end with this code and say all these words.
    pub fn says(&self, arguments: &[&str], code: i32, words: &[&str]) -> Ended {
        let ended = self.run(arguments);
        tells(&ended, code, words);
        ended
    }

    /// Machine-readable output, whatever the code.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[arguments, &["--json"]].concat());
        serde_json::from_str(&ended.out)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {ended:?}"))
    }

    pub fn log_in(&self, name: &str) {
        let file = self.password_file(PASSWORD);
        let file = file.to_str().expect("a path of letters");
        self.good(&["login", name, "--password-file", file]);
    }

    pub fn serve_program(&self) -> Program {
        self.program().args(["serve", "--listen", "127.0.0.1:0"])
    }

    /// Starts the server; how long it took until it was ready.
    pub fn serve(&mut self) -> Duration {
        let begun = Instant::now();
        let ready = self.serve_until(self.serve_program());
        assert!(
            ready,
            "the server ended before it was ready: {:?}",
            self.server
        );
        begun.elapsed()
    }

    /// Starts a server that kills itself at a failpoint; false when that was before it was ready.
    pub fn serve_crashing(&mut self, at: &str) -> bool {
        self.serve_until(self.serve_program().env("BALEFIRE_CRASH_AT", at))
    }

    fn serve_until(&mut self, program: Program) -> bool {
        let server = program.start();
        let line = server.line_or_end(|line| line.contains("\"listening\""), LONG);
        if let Some(line) = &line {
            let ready: Value = serde_json::from_str(line).expect("the ready line is JSON");
            self.base = ready["listening"].as_str().expect("an address").to_owned();
        }
        self.server = Some(server);
        line.is_some()
    }

    pub fn running(&mut self) -> &mut Running {
        self.server.as_mut().expect("a server was started")
    }

    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill();
        }
    }

    /// Ends the server in good order.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.terminate();
            let status = server.wait_for_end(LONG);
            assert!(status.success(), "{status}: {:?}", server.stderr());
        }
    }

    /// The database of Balefire, read beside the program.
    pub fn store(&self) -> Connection {
        reading(&self.path("balefire.db"))
    }

    pub fn findings(&self) -> Vec<Value> {
        let Value::Array(findings) = self.json(&["findings"]) else {
            panic!("findings are a list");
        };
        findings
    }

    /// Asks until `enough` says so; panics with the last answer when that takes too long.
    pub fn until<T: std::fmt::Debug>(
        &self,
        ask: impl Fn(&Self) -> T,
        enough: impl Fn(&T) -> bool,
    ) -> T {
        let begun = Instant::now();
        loop {
            let answer = ask(self);
            if enough(&answer) {
                return answer;
            }
            assert!(begun.elapsed() < LONG, "it did not come: {answer:?}");
            testkit::pause(Duration::from_millis(20));
        }
    }

    /// The id of the one open incident, once there is one.
    pub fn incident(&self) -> String {
        let found = self.until(
            |g| g.json(&["incident", "list"]),
            |list| list.as_array().is_some_and(|l| !l.is_empty()),
        );
        found[0]["id"]
            .as_str()
            .expect("an incident has an id")
            .to_owned()
    }

    /// Proposes, approves and applies a repair of everything; gives the proposal as applied.
    pub fn repair(&self) -> Value {
        let id = self.approved_proposal();
        self.log_in(ENGINEER);
        self.json(&["repair", "apply", &id])
    }

    pub fn approved_proposal(&self) -> String {
        self.log_in(ENGINEER);
        let plan = self.json(&["repair", "plan", "shop"]);
        let id = plan["proposal"]["id"]
            .as_str()
            .expect("a proposal has an id");
        self.log_in(CHIEF);
        self.good(&["repair", "approve", id]);
        id.to_owned()
    }
}

pub fn tells(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    for word in words {
        let said = format!("{}\n{}", ended.err, ended.out);
        assert!(said.contains(word), "`{word}` is not said: {ended:?}");
    }
}

pub fn reading(path: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).expect("the database opens")
}
