//! The command line: its verbs and options, nothing else.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Balefire (烽火) runs an e-commerce platform's contingency plan for transaction-data security.
#[derive(Debug, Parser)]
#[command(name = "balefire", version, about, after_help = EXAMPLES, propagate_version = true)]
pub struct Arguments {
    /// Data folder
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Configuration file [default: balefire.toml in the data folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Language of messages: zh-CN or en [default: from the locale]
    #[arg(long, global = true, value_name = "LANG")]
    pub lang: Option<plan::Lang>,
    /// Machine-readable output on stdout
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  balefire demo                          a shop, an attack, the plan run, a report
  balefire init --data ./guard           write a commented balefire.toml
  balefire source check shop             say what is wrong with a policy
  balefire serve --data ./guard          guard the shop and show the pages
  balefire audit shop --json             compare every row with its lawful image
  balefire investigate --row orders:17   the whole life of a row, from the journal
  balefire journal verify                check every byte of the journal";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole story on a shop of our own
    Demo(Demo),
    /// Guard the sources and show the pages
    Serve(Serve),
    /// Write a commented configuration
    Init {
        /// Overwrite an existing file
        #[arg(long)]
        force: bool,
    },
    /// The guarded sources
    #[command(subcommand)]
    Source(Source),
    /// Compare the rows of a source with their lawful images: all of them, or a part
    Audit {
        source: String,
        /// Only so many of the next rows in key order; says what share is covered
        #[arg(long, conflicts_with = "sample")]
        rows: Option<u64>,
        /// Only so many rows drawn at random
        #[arg(long)]
        sample: Option<u64>,
    },
    /// List findings
    Findings {
        /// Only of this source
        #[arg(long)]
        source: Option<String>,
        #[arg(long, default_value_t = 1000)]
        limit: u32,
    },
    /// Tell the whole life of rows: of a finding, a row, a person or a time
    Investigate(Investigate),
    /// Put tampered rows right, by two people
    #[command(subcommand)]
    Repair(Repair),
    /// Say of a finding that its change was the shop's own (a false alarm), or that it was not
    Judge {
        finding: String,
        /// The change was lawful: a false alarm
        #[arg(
            long,
            conflicts_with = "unlawful",
            required_unless_present = "unlawful"
        )]
        lawful: bool,
        /// The alarm was right
        #[arg(long)]
        unlawful: bool,
        #[arg(long)]
        reason: String,
    },
    /// Planned changes by the shop's owners, opened by two people
    #[command(subcommand)]
    Window(Window),
    /// Leave found rows as they are: one person asks, a second one approves
    #[command(subcommand)]
    Accept(Accept),
    /// Accounts of people
    #[command(subcommand)]
    Account(Account),
    /// Log in for repair verbs
    Login {
        name: String,
        #[arg(long, value_name = "FILE")]
        password_file: PathBuf,
    },
    /// The tamper-evident journal
    #[command(subcommand)]
    Journal(Journal),
    /// Incidents
    #[command(subcommand)]
    Incident(Incident),
    /// The contingency plan
    #[command(subcommand)]
    Plan(Plan),
    /// Hand in what came another way
    #[command(subcommand)]
    Intake(Intake),
    /// Measure this machine and this program
    Bench(Bench),
    /// The configuration
    #[command(subcommand)]
    Config(Config),
}

#[derive(Debug, Subcommand)]
pub enum Intake {
    /// Hand the mail on standard input to a running Balefire, for a mail server's pipe
    Mail(IntakeMail),
}

#[derive(Debug, Args)]
pub struct IntakeMail {
    /// Address of the pages, such as https://response.example
    #[arg(long)]
    pub url: String,
    /// File with a token whose scope is `intake`
    #[arg(long, value_name = "FILE")]
    pub token_file: PathBuf,
    /// Certificates (PEM) that sign the server's [default: the system's]
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Orders in the shop before the trade starts
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(500..=1_000_000))]
    pub orders: u32,
    /// Seed of everything random in the shop
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Address of the pages
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: String,
    /// End after the report instead of waiting for Ctrl-C
    #[arg(long)]
    pub exit: bool,
    /// Leave the people's steps to the user
    #[arg(long)]
    pub manual: bool,
}

#[derive(Debug, Args)]
pub struct Serve {
    /// Address of the pages [default: from the configuration]
    #[arg(long)]
    pub listen: Option<String>,
    /// Go on although acknowledged journal entries are gone for good; the loss is put on the record
    #[arg(long)]
    pub accept_loss: bool,
}

#[derive(Debug, Subcommand)]
pub enum Source {
    /// Connect, list the tables with their policies, say what is wrong
    Check { source: String },
    /// Make on the server what following its changes needs: a publication and a slot
    Attach { source: String },
    /// Remove from the server what `attach` made; the source is no longer guarded
    Detach { source: String },
    /// What the last days of watching were like: findings, false alarms, blind minutes, load
    Shadow {
        source: String,
        #[arg(long, default_value_t = 31)]
        days: u32,
    },
    /// Take the first images of every row
    Baseline {
        source: String,
        /// Confirm a second baseline: what stands in the shop now becomes lawful
        #[arg(long)]
        again: bool,
    },
    /// Propose a policy from a recording of lawful traffic
    Learn(Learn),
    /// Hold a recorded trace against a policy and list what breaks it
    Replay(Replay),
    /// Ready policies: list them, or print one
    Pack { name: Option<String> },
    /// Make a key for the shop's write tokens, in a new file
    StampKey { file: PathBuf },
    /// Print one write token, for a transaction that somebody writes by hand
    Stamp(Stamp),
}

#[derive(Debug, Args)]
pub struct Stamp {
    /// File with the key, as `stamp-key` makes it
    #[arg(long, value_name = "FILE")]
    pub key_file: PathBuf,
    /// Name of the source in balefire.toml
    #[arg(long)]
    pub source: String,
    /// Id of the transaction, as the database tells it
    #[arg(long, value_name = "ID")]
    pub transaction: String,
    /// Who writes: letters, digits, `_` or `-`
    #[arg(long)]
    pub writer: String,
    /// Seconds in which the transaction must be committed
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(i64).range(1..=86_400))]
    pub valid_s: i64,
}

#[derive(Debug, Args)]
pub struct Learn {
    /// A guarded source: learn from the lawful traffic that its guard has seen
    #[arg(required_unless_present = "trace", conflicts_with = "trace")]
    pub source: Option<String>,
    /// Recorded row changes, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Schema dump (pg_dump --schema-only, mysqldump --no-data)
    #[arg(long, value_name = "FILE")]
    pub schema: Option<PathBuf>,
    /// Where the policy is written [default: stdout]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Replay {
    /// Recorded row changes, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub trace: PathBuf,
    /// Policy file, configuration, or pack:NAME
    #[arg(long, value_name = "FILE")]
    pub policy: String,
    /// Schema dump (pg_dump --schema-only, mysqldump --no-data)
    #[arg(long, value_name = "FILE")]
    pub schema: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Accept {
    /// Ask that the rows of these findings become lawful as they stand now
    Ask {
        #[arg(required = true)]
        findings: Vec<String>,
        #[arg(long)]
        reason: String,
    },
    /// Approve what somebody else asked for
    Approve { id: String },
    /// Refuse what somebody else asked for, or take back what one asked for oneself
    Refuse { id: String },
    /// List what was asked for, the newest first
    List { source: Option<String> },
}

#[derive(Debug, Subcommand)]
pub enum Window {
    /// Ask for a window; a second person approves it
    Ask {
        source: String,
        /// Number of the change request
        #[arg(long)]
        ticket: String,
        #[arg(long, default_value = "")]
        reason: String,
        /// Guarded tables that will be changed
        #[arg(long, value_delimiter = ',', required = true)]
        tables: Vec<String>,
        /// Changes against the policy that it excuses; the next one is a finding
        #[arg(long)]
        most_rows: u64,
        /// When it begins (RFC 3339) [default: now]
        #[arg(long)]
        from: Option<String>,
        /// When it ends (RFC 3339), at most 72 hours later
        #[arg(long)]
        until: String,
    },
    /// Approve somebody else's window
    Approve { id: String },
    /// End a window before its time
    Close { id: String },
    /// List windows, the newest first
    List {
        /// Only of this source
        #[arg(long)]
        source: Option<String>,
    },
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("about").required(true).args(["finding", "row", "person", "from"])))]
pub struct Investigate {
    /// A finding's id, as `findings --json` shows it
    pub finding: Option<String>,
    /// One row, for example orders:17
    #[arg(long, value_name = "TABLE:KEY")]
    pub row: Option<String>,
    /// All rows of the person whom this row names, for example customers:17
    #[arg(long, value_name = "TABLE:KEY")]
    pub person: Option<String>,
    /// Everything seen from this time on (RFC 3339, or 2026-01-02 03:04 in Beijing time)
    #[arg(long, value_name = "TIME", requires = "until")]
    pub from: Option<String>,
    /// ... and until this one
    #[arg(long, value_name = "TIME", requires = "from")]
    pub until: Option<String>,
    /// The source, where there are several
    #[arg(long)]
    pub source: Option<String>,
    /// Write the report with the journal's proofs into a new folder
    #[arg(long, value_name = "FOLDER")]
    pub export: Option<PathBuf>,
    /// Show personal values; log in first, as somebody who may read evidence
    #[arg(long)]
    pub in_full: bool,
}

#[derive(Debug, Subcommand)]
pub enum Repair {
    /// Propose a repair of everything that an audit finds
    Plan { source: String },
    /// Show a proposal row by row with its SQL
    Show { id: String },
    /// Approve somebody else's proposal
    Approve { id: String },
    /// Apply an approved proposal
    Apply {
        id: String,
        /// Do the whole in a transaction and roll it back
        #[arg(long)]
        dry_run: bool,
    },
    /// Propose what takes an applied repair back
    Undo { id: String },
}

#[derive(Debug, Subcommand)]
pub enum Account {
    /// Add a person
    Add {
        name: String,
        /// Position of the plan, for example ciso; may be given several times
        #[arg(long = "position", required = true, value_name = "P")]
        positions: Vec<String>,
        #[arg(long, value_name = "FILE")]
        password_file: PathBuf,
        /// Name shown to others
        #[arg(long)]
        display: Option<String>,
    },
    /// List people and their positions
    List,
    /// Invite a person, who sets a password with the one-time link
    Invite {
        name: String,
        #[arg(long = "position", value_name = "P")]
        positions: Vec<String>,
        #[arg(long)]
        display: Option<String>,
    },
    /// A new one-time link for a lost invitation or password
    Link {
        name: String,
    },
    /// Replace a person's positions
    Positions {
        name: String,
        #[arg(long = "position", value_name = "P")]
        positions: Vec<String>,
    },
    /// Disable an account and end its sessions at once
    Disable {
        name: String,
    },
    /// Let an account in again
    Enable {
        name: String,
    },
    /// Take a lost second factor off
    ResetSecondFactor {
        name: String,
    },
    /// Make sealed emergency codes; the old ones end
    BreakGlass {
        #[arg(long, default_value_t = 5)]
        count: u32,
    },
    /// What waits for a second person
    Proposals,
    Approve {
        proposal: String,
    },
    Refuse {
        proposal: String,
    },
    /// Take what an approved proposal of yours gives, once
    Collect {
        proposal: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Journal {
    /// Check every entry, tile, root and signature
    Verify {
        /// A checkpoint kept elsewhere: the log must continue it
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
        /// Check one tlog-proof bundle, offline
        #[arg(long, value_name = "FILE")]
        proof: Option<PathBuf>,
        /// Verifier key (`journal key` prints it), or a file with it
        #[arg(long, value_name = "VKEY")]
        key: Option<String>,
    },
    /// Write a proof bundle for one entry
    Prove {
        /// root, record or ledger/0
        log: String,
        index: u64,
    },
    /// Print the newest checkpoint of a log
    Checkpoint {
        #[arg(default_value = "root")]
        log: String,
    },
    /// Print the verifier key
    Key,
}

#[derive(Debug, Subcommand)]
pub enum Incident {
    /// List incidents
    List,
    /// Show one
    Show { id: String },
}

#[derive(Debug, Subcommand)]
pub enum Plan {
    /// Find gaps
    Check,
    /// Show the plan
    Show,
    /// Compare the plan in force with a file
    Diff { file: PathBuf },
    /// Write the whole document
    Export {
        #[arg(long, value_enum, default_value_t = Format::Markdown)]
        format: Format,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    Html,
    Markdown,
    Json,
}

#[derive(Debug, Args)]
pub struct Bench {
    /// Only these measurements: limits, ingest, verify, audit, commands, detection, pages, start, memory, history, postgres, mariadb
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// Smaller sizes, for a first look
    #[arg(long)]
    pub quick: bool,
    /// Rows of the shops on PostgreSQL and MariaDB: 5,000,000, or 200,000 when quick
    #[arg(long)]
    pub rows: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub enum Config {
    /// Read the configuration and say what is wrong
    Check,
}
