//! `cargo xtask shop online-retail`: the UCI Online Retail data as a SQLite shop.
//!
//! Rows are kept exactly: every line of the file is one row of `invoice_lines`, its texts
//! untouched and its price as it is written; money in minor units is computed from that text
//! in integers, and is NULL where the price is no whole number of pence. What is odd in the
//! data stays odd and is told in docs/online-retail.md.

mod decimal;
mod load;

use flate2::read::MultiGzDecoder;
use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Where the data lies in the folder of samples.
pub const SAMPLE: &str = "online_retail/online_retail_uci.csv.gz";

const DDL: &str = include_str!("retail/ddl.sql");
const POLICY: &str = include_str!("retail/policy.toml");

/// What was made, and what was odd.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub customers: u32,
    pub invoices: u32,
    pub lines: u32,
    pub refunds: u32,
    pub adjustments: u32,
    pub lines_without_customer: u32,
    pub lines_without_whole_pence: u32,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} customers, {} invoices, {} invoice lines, {} refunds (cancellations)",
            self.customers, self.invoices, self.lines, self.refunds
        )?;
        write!(
            f,
            "odd: {} adjustments, {} lines without a customer, {} prices below a penny",
            self.adjustments, self.lines_without_customer, self.lines_without_whole_pence
        )
    }
}

/// Makes `path` and its policy `path.toml` from the gzipped CSV `sample`. Like the file itself,
/// the policy appears only when it is whole.
pub fn make(sample: &Path, path: &Path, progress: &mut dyn FnMut(u32)) -> Result<Counts, String> {
    if path.exists() {
        return Err(format!(
            "{} is already there; delete it or name another path",
            path.display()
        ));
    }
    let file = File::open(sample).map_err(|error| {
        format!(
            "{}: {error}\nname the folder of samples by --samples or BALEFIRE_SAMPLES",
            sample.display()
        )
    })?;
    let text = MultiGzDecoder::new(BufReader::new(file));
    let mut beside = path.as_os_str().to_owned();
    beside.push(".making");
    let beside = Path::new(&beside);
    // What an interrupted run left is nobody's data.
    let _ = std::fs::remove_file(beside);
    let counts = load::load(text, beside, progress)?;
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    std::fs::rename(beside, path).map_err(failed)?;
    let mut policy = path.as_os_str().to_owned();
    policy.push(".toml");
    let whole = path.canonicalize().map_err(failed)?;
    std::fs::write(&policy, policy_toml(&whole)).map_err(failed)?;
    Ok(counts)
}

/// The `[[source]]` section that guards the shop at `path`.
fn policy_toml(path: &Path) -> String {
    let path = toml::Value::String(path.to_string_lossy().into_owned());
    POLICY.replace("path = \"PATH\"", &format!("path = {path}"))
}

#[cfg(test)]
mod tests;
