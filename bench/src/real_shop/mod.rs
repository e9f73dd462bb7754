//! A shop on a real server, PostgreSQL or MariaDB: first look, audit, feed and latency, each beside
//! what the server alone needs for the same rows in the same run.
//!
//! ```text
//! load ─► baseline ─► 100 faults ─► audits and plain reads in turn ─► peers ─► backlog ─► attacks under trade
//! ```
//! The guard is a `balefire serve`, a process of its own, but for the baseline and the attacks,
//! which are timed from within. The server is thrown away at the end.

mod audit;
mod feed;
mod guarded;
mod latency;
mod peers;
mod session;
mod sql;

use crate::processes::write_private;
use crate::servers::{Kind, ShopServer};
use crate::{BenchError, Measure};
use desk::config::Config;
use desk::{DataFolder, Desk};
use guarded::Guarded;
use model::SourceName;
use session::Session;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub rows: u64,
    /// Row changes of the feed's backlog; at most half the rows.
    pub backlog: u64,
    /// How long the attacks under trade go on.
    pub trade: Duration,
}

/// The shop with its server, before and while it is guarded.
struct Shop {
    server: ShopServer,
    rows: u64,
    /// Balefire's data folder.
    data: PathBuf,
    scratch: PathBuf,
}

/// Measures in `folder`, which is new. Where the server is not installed, that is all that is said.
pub fn run(kind: Kind, folder: &Path, size: Size) -> Result<Vec<Measure>, BenchError> {
    std::fs::create_dir_all(folder)?;
    let Some(server) = ShopServer::start(kind, &folder.join("server"))? else {
        let why = format!("not installed (apt-get install {})", kind.packages());
        return Ok(vec![Measure::missing(kind.name(), why)]);
    };
    let shop = Shop {
        server,
        rows: sql::whole(size.rows),
        data: folder.join("data"),
        scratch: folder.to_owned(),
    };
    shop.fill()?;
    shop.configure()?;
    let mut measures = audit::baseline(&shop)?;
    let guarded = Guarded::start(&shop)?;
    measures.append(&mut audit::run(&shop, &guarded)?);
    measures.append(&mut peers::run(&shop)?);
    measures.append(&mut feed::run(&shop, &guarded, size.backlog)?);
    drop(guarded);
    measures.append(&mut latency::run(&shop, size.trade)?);
    Ok(measures)
}

impl Shop {
    fn fill(&self) -> Result<(), BenchError> {
        let kind = self.server.kind;
        let mut session = Session::open(&self.server)?;
        session.run(&sql::create(kind, self.rows))?;
        drop(session);
        if peers::any(kind) {
            // PostgreSQL copies a database only while nobody is in it.
            self.alone(sql::copy(kind))?;
        }
        Ok(())
    }

    /// Runs statements through a client that is in no database that they copy.
    fn alone(&self, statements: &str) -> Result<(), BenchError> {
        let mut client = self.server.client();
        match self.server.kind {
            Kind::Postgres => client
                .env("PGDATABASE", "postgres")
                .args(["-c", statements]),
            Kind::Mariadb => client.args(["-e", statements]),
        };
        let done = client.output()?;
        if done.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        Err(BenchError::Server(said))
    }

    fn configure(&self) -> Result<(), BenchError> {
        std::fs::create_dir_all(&self.data)?;
        write_private(&self.data.join("shop.url"), &self.server.url())?;
        let kind = match self.server.kind {
            Kind::Postgres => "postgres",
            Kind::Mariadb => "mysql",
        };
        let head = format!(
            "[[source]]\nname = \"{SHOP}\"\nkind = \"{kind}\"\nurl_file = \"shop.url\"\ntls = \"off\"\n"
        );
        std::fs::write(
            self.data.join("balefire.toml"),
            format!("{head}{}", sql::POLICY),
        )?;
        Ok(())
    }

    /// The desk in this process.
    fn desk(&self) -> Result<Desk, BenchError> {
        let folder = DataFolder::new(&self.data);
        let config = Config::load(&folder.config())?;
        Ok(Desk::open(folder, config)?)
    }

    /// Seconds, and the server's CPU seconds, of a plain read of the whole table to a client.
    fn plain_read(&self) -> Result<(f64, f64), BenchError> {
        let statement = sql::plain_read(self.server.kind);
        let mut client = self.server.client();
        match self.server.kind {
            Kind::Postgres => client.args(["-c", statement]),
            Kind::Mariadb => client.args(["--quick", "-e", statement]),
        };
        let (began, cpu) = (Instant::now(), self.server.cpu_s());
        let status = client.stdout(std::process::Stdio::null()).status()?;
        let (wall, cpu) = (began.elapsed().as_secs_f64(), self.server.cpu_s() - cpu);
        if !status.success() {
            let why = "the plain read of the table failed";
            return Err(BenchError::Server(why.into()));
        }
        Ok((wall, cpu))
    }

    /// What the plain read is, for people.
    fn plain(&self) -> &'static str {
        match self.server.kind {
            Kind::Postgres => "binary COPY to psql",
            Kind::Mariadb => "unbuffered SELECT to the mariadb client",
        }
    }

    fn name(&self, what: &str) -> String {
        format!("{} {what}", self.server.kind.name())
    }
}

/// The source's name.
const SHOP: &str = "shop";

fn shop_name() -> SourceName {
    SourceName::new(SHOP)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(session: &mut Session, what: &str) -> u64 {
        let lines = session.run(&format!("SELECT count(*) FROM orders WHERE {what};"));
        lines.unwrap()[0].parse().unwrap()
    }

    /// A shop of the least size, read, tampered with and traded in, on a server that ends.
    fn check(kind: Kind) {
        let folder = tempfile::tempdir().unwrap();
        let server = ShopServer::start(kind, &folder.path().join("server")).unwrap();
        let server = server.expect("install the packages that `cargo xtask packages` names");
        let shop = Shop {
            server,
            rows: sql::whole(0),
            data: folder.path().join("data"),
            scratch: folder.path().to_owned(),
        };
        shop.fill().unwrap();
        let before = shop.server.cpu_s();
        assert!(before > 0.0 && shop.plain_read().unwrap().0 > 0.0);
        assert!(shop.server.cpu_s() >= before);
        let mut session = Session::open(&shop.server).unwrap();
        assert_eq!(count(&mut session, "status = 'paid'"), 2_000);
        session.run(&sql::tamper_all(shop.rows)).unwrap();
        for what in [
            "currency <> 'CNY'",
            "payee_account LIKE '%EVIL%'",
            "status <> 'paid'",
        ] {
            assert_eq!(count(&mut session, what), 25, "{what}");
        }
        session.run(&sql::backlog(1_000)).unwrap();
        assert_eq!(count(&mut session, "status = 'shipped'"), 1_000);
        let trade = sql::trade(shop.rows, 1, 10, &mut fastrand::Rng::with_seed(1));
        session.run(&trade).unwrap();
        assert_eq!(count(&mut session, "address LIKE '%another%'"), 10);
        let refused = session.run("SELECT no_such_column FROM orders;");
        assert!(refused.unwrap_err().to_string().contains("no_such_column"));
        let process = shop.server.process;
        drop(shop);
        assert_eq!(crate::processes::cpu_of(process), None, "it has ended");
    }

    #[test]
    fn a_postgres_shop_is_made_traded_in_and_thrown_away() {
        check(Kind::Postgres);
    }

    #[test]
    fn a_mariadb_shop_is_made_traded_in_and_thrown_away() {
        check(Kind::Mariadb);
    }
}
