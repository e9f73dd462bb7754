//! What a user would take instead of an audit, on the same rows: reladiff for PostgreSQL,
//! percona-toolkit for MariaDB. One that is not installed is said to be missing.
//!
//! They compare with a second database that holds the shop as it lawfully is. They need one that
//! nobody can have tampered with; an audit needs none.

use super::{Shop, sql};
use crate::processes::installed;
use crate::servers::Kind;
use crate::{BenchError, Measure};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// pt-table-checksum says by this status that there is no replica to compare with.
const NO_REPLICA: i32 = 8;
/// reladiff and pt-table-sync say by these that there are differences.
const DIFFERENT: [i32; 2] = [1, 2];

const fn programs(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Postgres => &[("reladiff", "pip install 'reladiff[postgresql]'")],
        Kind::Mariadb => &[
            ("pt-table-checksum", "apt-get install percona-toolkit"),
            ("pt-table-sync", "apt-get install percona-toolkit"),
        ],
    }
}

/// Whether one is there, so that the lawful copy is worth making.
pub fn any(kind: Kind) -> bool {
    programs(kind)
        .iter()
        .any(|(name, _)| installed(name).is_some())
}

pub fn run(shop: &Shop) -> Result<Vec<Measure>, BenchError> {
    let mut measures = Vec::new();
    for (name, package) in programs(shop.server.kind) {
        let title = shop.name(name);
        let Some(program) = installed(name) else {
            let why = format!("not installed ({package}); not compared with");
            measures.push(Measure::missing(title, why));
            continue;
        };
        let (plain, _) = shop.plain_read()?;
        let (began, cpu) = (Instant::now(), shop.server.cpu_s());
        let found = match *name {
            "reladiff" => reladiff(shop, &program)?,
            "pt-table-checksum" => checksum(shop, &program)?,
            _ => sync(shop, &program)?,
        };
        let seconds = began.elapsed().as_secs_f64();
        let us = (shop.server.cpu_s() - cpu) * 1e6 / shop.rows as f64;
        let how = format!(
            "{found}; the servers' CPU {us:.1} us a row; machine: the plain read of one table"
        );
        measures.push(Measure::new(title, seconds, "s", how).beside(plain));
    }
    Ok(measures)
}

fn said(mut command: Command, fine: &[i32]) -> Result<String, BenchError> {
    let done = command.output()?;
    let code = done.status.code().unwrap_or(-1);
    if code == 0 || fine.contains(&code) {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let why = String::from_utf8_lossy(&done.stderr).into_owned();
    Err(BenchError::Server(why))
}

/// Both databases by URL; the password is in the environment.
fn reladiff(shop: &Shop, program: &Path) -> Result<String, BenchError> {
    let url = |database: &str| {
        format!(
            "postgresql://postgres@127.0.0.1:{}/{database}",
            shop.server.port
        )
    };
    let mut command = shop.server.program(program);
    command.args([&url("lawful"), "orders", &url("shop"), "orders"]);
    command.args(["--key-columns", "id", "--algorithm", "hashdiff"]);
    for column in &sql::COLUMNS[1..] {
        command.args(["--columns", column]);
    }
    let out = said(command, &DIFFERENT)?;
    let rows: BTreeSet<&str> = out
        .lines()
        .filter_map(|line| line.strip_prefix(['+', '-']))
        .filter_map(|row| row.trim_start().split(',').next())
        .collect();
    Ok(format!(
        "reladiff, hashdiff of two databases; named {} rows of {} faults, no columns",
        rows.len(),
        sql::FAULTS
    ))
}

fn client_file(shop: &Shop) -> Result<PathBuf, BenchError> {
    let path = shop.scratch.join("client.cnf");
    shop.server.write_client_file(&path)?;
    Ok(path)
}

/// Its own half of the work: the checksums of the shop, which a replica would compare.
fn checksum(shop: &Shop, program: &Path) -> Result<String, BenchError> {
    let mut command = shop.server.program(program);
    command
        .args(["--recursion-method=none", "--no-check-replication-filters"])
        .args(["--no-check-binlog-format", "--set-vars=sql_log_bin=0"])
        .args(["--databases=shop", "--tables=orders"])
        .arg(shop.server.dsn(&client_file(shop)?));
    said(command, &[NO_REPLICA])?;
    Ok("checksums of the shop's chunks (CRC32) in its own database; there is no replica that it could compare them with".to_owned())
}

fn sync(shop: &Shop, program: &Path) -> Result<String, BenchError> {
    let file = client_file(shop)?;
    let mut command = shop.server.program(program);
    command.arg("--print");
    for database in ["lawful", "shop"] {
        command.arg(format!("{},D={database},t=orders", shop.server.dsn(&file)));
    }
    let out = said(command, &DIFFERENT)?;
    let rows = out.lines().filter(|line| {
        ["REPLACE", "UPDATE", "INSERT", "DELETE"]
            .iter()
            .any(|verb| line.starts_with(verb))
    });
    Ok(format!(
        "pt-table-sync --print from a lawful copy in the same server; {} statements for {} faults",
        rows.count(),
        sql::FAULTS
    ))
}
