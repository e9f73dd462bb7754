//! The desk conducts: intake, triage, commands, dispatch, clocks, repair, report.
//!
//! It is the only room in which everything meets, so it is cut by task, one file each, and this
//! file only opens, wires and closes. Deliberately not here: HTML, SQL, decisions on incidents.

pub mod accept_rows;
mod acceptance;
mod access;
pub mod access_elsewhere;
pub mod account;
mod adopt;
mod alarm;
pub mod audit;
pub mod audit_part;
pub mod audit_turns;
mod bare_intake;
mod catch_up;
mod changes;
pub mod channels;
pub mod chat;
mod commander;
pub mod config;
pub mod control;
mod copier;
mod cross_check;
pub mod data_folder;
pub mod daybook;
mod dispatch;
mod duty;
pub mod error;
pub mod evidence;
mod expectation;
pub mod expected_writers;
mod findings;
mod findings_again;
mod first_look;
mod guard;
pub mod guests;
mod held;
pub mod idempotency;
pub mod identity;
mod incident_index;
mod incident_list;
mod incident_text;
mod incidents;
pub mod intake;
pub mod investigate;
pub mod joining;
mod learning;
mod ledger;
pub mod likeness;
mod log_line;
mod log_tail;
mod loss;
mod mentions;
mod new_tables;
mod open_source;
pub mod opinion;
mod outbox;
pub mod paging;
pub mod people_report;
mod profile;
mod rebaseline;
pub mod register_use;
mod repair;
mod repair_terms;
mod replica;
mod report_triage;
mod reshaped;
mod resume;
mod rota;
pub mod rota_refusal;
mod row_cache;
mod row_work;
pub mod server_log;
mod similar;
pub mod source;
pub mod source_check;
pub mod source_view;
mod stamps;
mod standing_still;
pub mod store_config;
mod summary;
mod ticker;
mod told;
mod triage;
pub mod triage_stack;
mod unfinished;
mod unreadable;
mod unsent;
mod view;
mod watch_status;
pub mod webhooks;
pub mod window;

pub use account::{LoginError, Person};
pub use bare_intake::{BareIntake, Taken};
pub use changes::Changed;
pub use data_folder::DataFolder;
pub use duty::{Duties, OnDuty};
pub use error::{CommandError, DeskError};
pub use incident_list::{IncidentPage, IncidentQuery};
pub use journal::LogReader;
pub use loss::Loss;
pub use people_report::{
    Attachment, ByMail, KeptFile, More, NewReport, Received, ReportState, ReportView, SeenWhen,
    Upload, UploadError, Uploads, Via,
};
pub use profile::{Address, Profile};
pub use report_triage::ReportDecision;
pub use rota::KeptSchedule;
pub use told::Told;
pub use view::{
    AuditSummary, FindingFilter, LogStatus, OutboxItem, ProposalView, RecentChange, ReportFormat,
    Session, SourceStatus,
};

use changes::Changes;
use commander::{Ask, Commander};
use config::Config;
use data_folder::Ownership;
use guard::GuardHandle;
use held::Incidents;
use journal::keys::LogKey;
use journal::vault::{MasterKey, SubjectKeys};
use journal::{Journal, JournalOptions, Log, RootLog};
use model::{Clock, Instant, SourceName, SystemClock};
use plan::Plan;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;
use store::Store;

/// Name under which a folder's logs sign; a company sets its own with its first baseline.
const JOURNAL_NAME: &str = "balefire.local/journal";
/// How often the root log takes the other logs' checkpoints, and timers are looked at.
const TICK: Duration = Duration::from_millis(1_000);
/// Ticks between two attempts to start a stopped guard anew.
const REVIVE_EVERY: u32 = 5;

/// The one handle on a data folder. Cheap to clone; any thread.
#[derive(Clone)]
pub struct Desk {
    inner: Arc<Inner>,
}

/// What only the demo offers: a shop of its own to be tampered with.
#[derive(Clone)]
pub struct DemoHooks {
    tamper: Arc<DemoAct>,
    shell_line: Arc<DemoAct>,
}

type DemoAct = dyn Fn() -> Result<String, String> + Send + Sync;

impl DemoHooks {
    /// `tamper` changes one order from another connection and says what it did; `shell_line`
    /// gives the line that does the same with the sqlite3 shell.
    pub fn new(
        tamper: impl Fn() -> Result<String, String> + Send + Sync + 'static,
        shell_line: impl Fn() -> Result<String, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            tamper: Arc::new(tamper),
            shell_line: Arc::new(shell_line),
        }
    }
    pub fn tamper(&self) -> Result<String, String> {
        (self.tamper)()
    }
    pub fn shell_line(&self) -> Result<String, String> {
        (self.shell_line)()
    }
}

struct Inner {
    folder: DataFolder,
    _owner: Ownership,
    config: Config,
    plan: Arc<Plan>,
    clock: Arc<dyn Clock>,
    store: Store,
    key: Arc<LogKey>,
    index_key: [u8; 32],
    /// Seals second factors and tickets.
    account_key: [u8; 32],
    paging: paging::Parts,
    reports: people_report::Keeper,
    sign_on: identity::sign_on::Provider,
    webhooks: webhooks::Parts,
    subject_keys: Arc<Mutex<SubjectKeys>>,
    commander: Commander,
    incidents: Incidents,
    readers: BTreeMap<String, LogReader>,
    /// Ledgers that no guard has taken yet, by their number.
    ledgers: Mutex<BTreeMap<usize, Log>>,
    guards: RwLock<HashMap<SourceName, GuardHandle>>,
    demo: OnceLock<DemoHooks>,
    changes: Arc<Changes>,
    stopping: Arc<AtomicBool>,
    /// Held while a part of a source is audited: never two at once.
    auditing: Mutex<()>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Desk {
    /// Opens a data folder: takes the lock, recovers journal and store, starts the threads that
    /// need no source. Guards are started with [`Desk::start_guards`].
    pub fn open(folder: DataFolder, config: Config) -> Result<Self, DeskError> {
        Self::open_with(folder, config, Arc::new(SystemClock))
    }

    pub fn open_with(
        folder: DataFolder,
        config: Config,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, DeskError> {
        Ok(Self::open_as(folder, config, clock, false)?.0)
    }

    /// Opens although acknowledged entries of the journal are gone, and puts the loss on the record.
    pub fn open_accepting_loss(
        folder: DataFolder,
        config: Config,
    ) -> Result<(Self, Vec<Loss>), DeskError> {
        Self::open_as(folder, config, Arc::new(SystemClock), true)
    }

    fn open_as(
        folder: DataFolder,
        config: Config,
        clock: Arc<dyn Clock>,
        accept_loss: bool,
    ) -> Result<(Self, Vec<Loss>), DeskError> {
        let owner = folder.own()?;
        let plan = Arc::new(read_plan(&config)?);
        let key = Arc::new(LogKey::load_or_create(
            &folder.keys().join("log.key"),
            JOURNAL_NAME,
        )?);
        write_verifier_key(&folder, &key)?;
        let master = MasterKey::load_or_create(&folder.keys().join("master.key"))?;
        let subject_keys = Arc::new(Mutex::new(SubjectKeys::open(&folder.keys(), &master)?));
        let store = config.store.open(&folder, &key.vkey().to_string())?;
        let mut options = JournalOptions {
            ledgers: config.source.len().max(1) as u32,
            ..JournalOptions::default()
        };
        options.log.accept_loss = accept_loss;
        let (mut journal, recovered) =
            Journal::open_with(&folder.journal(), Arc::clone(&key), JOURNAL_NAME, options)?;
        let losses = match accept_loss {
            true => loss::put_on_record(&store, &config, &mut journal, &recovered, clock.now())?,
            false => Vec::new(),
        };
        copier::check(&store, &journal.record)?;
        source::check_ledgers(&store, &config, &journal)?;
        let incidents = incident_index::open(&store)?;
        let paging = paging::Parts::open(&folder, &config, &store, master.derive("call answers"))?;
        store.outbox_recover()?;
        store.outbox_hasten(clock.now())?;
        let changes = Arc::new(Changes::default());
        let commander = Commander::start(
            Arc::clone(&plan),
            store.clone(),
            incidents.clone(),
            Arc::clone(&changes),
        )?;
        let readers = readers(&journal);
        let Journal {
            root,
            record,
            ledgers,
        } = journal;
        let desk = Self {
            inner: Arc::new(Inner {
                reports: people_report::Keeper::open(&folder, &store, &master)?,
                webhooks: webhooks::Parts::open(&config, &store)?,
                folder,
                _owner: owner,
                config,
                plan,
                clock,
                store,
                key,
                index_key: master.derive("image index"),
                account_key: master.derive("account secrets"),
                paging,
                sign_on: identity::sign_on::Provider::default(),
                subject_keys,
                commander,
                incidents,
                readers,
                ledgers: Mutex::new(ledgers.into_iter().enumerate().collect()),
                guards: RwLock::new(HashMap::new()),
                demo: OnceLock::new(),
                changes,
                stopping: Arc::new(AtomicBool::new(false)),
                auditing: Mutex::new(()),
                threads: Mutex::new(Vec::new()),
            }),
        };
        desk.start_threads(root, record)?;
        Ok((desk, losses))
    }

    fn start_threads(&self, mut root: RootLog, mut record: Log) -> Result<(), DeskError> {
        let (desk, stopping) = (self.clone(), Arc::clone(&self.inner.stopping));
        let stopped = move || stopping.load(Ordering::SeqCst);
        let (store, until) = (self.store().clone(), stopped.clone());
        self.thread("copier", move || copier::run(&store, &mut record, until))?;
        let (worker, until) = (desk.clone(), stopped.clone());
        self.thread("dispatch", move || dispatch::run(&worker, until))?;
        let (pager, until) = (desk.clone(), stopped.clone());
        self.thread("paging", move || paging::driver::run(&pager, until))?;
        let (teller, until) = (desk.clone(), stopped.clone());
        self.thread("webhooks", move || webhooks::run(&teller, until))?;
        self.thread("ticker", move || {
            let (mut ticks, mut last) = (0_u32, desk.now());
            while !stopped() {
                last = ticker::watch_clock(&desk, last);
                ticker::tick(&desk, last);
                ticks += 1;
                if ticks.is_multiple_of(REVIVE_EVERY) {
                    desk.revive_guards();
                }
                if let Err(error) = root.anchor() {
                    tracing::error!(%error, "the root log cannot be continued");
                }
                let open = desk.open_incidents();
                let open = open.iter().map(std::convert::AsRef::as_ref);
                desk.pause(ticker::rest(open, desk.now(), TICK));
            }
            // What was journaled since the last tick is anchored before the end.
            drop(root.anchor());
        })
    }

    fn thread(&self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), DeskError> {
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(run)
            .map_err(|e| DeskError::GuardStopped(e.to_string()))?;
        self.inner
            .threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(thread);
        Ok(())
    }

    /// Ends guards and threads in good order. Later calls on the desk fail.
    pub fn stop(&self) {
        let mut guards = self
            .inner
            .guards
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        guards.values_mut().for_each(|guard| drop(guard.stop()));
        guards.clear();
        drop(guards);
        self.inner.stopping.store(true, Ordering::SeqCst);
        self.inner.changes.touch();
        self.store().wake();
        let threads: Vec<_> = self
            .inner
            .threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
            .collect();
        for thread in threads {
            // A panic was already reported by the thread itself.
            let _ = thread.join();
        }
    }

    /// Waits for the time given, or until the desk stops.
    fn pause(&self, time: Duration) {
        let running = || !self.inner.stopping.load(Ordering::SeqCst);
        self.inner.changes.pause(time, running);
    }

    pub fn folder(&self) -> &DataFolder {
        &self.inner.folder
    }
    pub fn config(&self) -> &Config {
        &self.inner.config
    }
    pub fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.inner.plan)
    }
    pub fn now(&self) -> Instant {
        self.inner.clock.now()
    }
    pub fn vkey(&self) -> String {
        self.inner.key.vkey().to_string()
    }
    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }
    pub fn demo(&self) -> Option<DemoHooks> {
        self.inner.demo.get().cloned()
    }
    /// Set once, by the demo.
    pub fn set_demo(&self, hooks: DemoHooks) {
        // A second set is refused; the first one stands.
        let _ = self.inner.demo.set(hooks);
    }
    pub(crate) fn touched(&self) {
        self.inner.changes.touch();
    }
    /// What changed after the counter had this value.
    pub fn changed_since(&self, seen: u64) -> Changed {
        self.inner.changes.since(seen)
    }
    /// Returns when the change counter is above `after`, or at the time-out; gives the counter.
    pub fn wait_for_change(&self, after: u64, timeout: Duration) -> u64 {
        self.inner.changes.wait(after, timeout)
    }

    pub fn logs(&self) -> Vec<LogStatus> {
        let readers = self.inner.readers.iter();
        readers
            .map(|(name, reader)| LogStatus::of(name, reader))
            .collect()
    }
    /// `root`, `record` or `ledger/P`.
    pub fn log_reader(&self, name: &str) -> Option<LogReader> {
        self.inner.readers.get(name).cloned()
    }
    /// A C2SP tlog-proof bundle for one entry.
    pub fn prove(&self, log: &str, index: u64) -> Result<String, DeskError> {
        let reader = self
            .log_reader(log)
            .ok_or_else(|| DeskError::NotFound(Told::new("log-unknown-of").with("log", log)))?;
        Ok(journal::proof::make(&reader, index)?)
    }

    /// A random id with a prefix: 80 bits, so that it can be neither guessed nor counted.
    pub(crate) fn new_id(&self, prefix: &str) -> Result<String, DeskError> {
        let mut bytes = [0_u8; 10];
        account::random(&mut bytes)?;
        Ok(format!("{prefix}-{}", model::digest::hex(&bytes)))
    }
}

fn write_verifier_key(folder: &DataFolder, key: &LogKey) -> Result<(), DeskError> {
    let path = folder.keys().join("log.vkey");
    std::fs::write(&path, format!("{}\n", key.vkey())).map_err(|e| DeskError::file(&path, e))
}

/// The readers of all logs by the logs' names.
fn readers(journal: &Journal) -> BTreeMap<String, LogReader> {
    let ledgers = journal.ledgers.iter().enumerate();
    let mut readers: BTreeMap<String, LogReader> = ledgers
        .map(|(i, log)| (format!("ledger/{i}"), log.reader()))
        .collect();
    readers.insert("root".to_owned(), journal.root.reader());
    readers.insert("record".to_owned(), journal.record.reader());
    readers
}

fn read_plan(config: &Config) -> Result<Plan, DeskError> {
    let plan = match &config.plan.file {
        None => plan::built_in::plan().clone(),
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|e| DeskError::file(file, e))?;
            serde_json::from_str(&text).map_err(|e| DeskError::Config {
                path: file.clone(),
                detail: e.to_string(),
            })?
        }
    };
    let oidc = config.oidc.as_ref().and_then(|o| o.problem(&plan));
    match config.accounts.problem(&plan).or(oidc) {
        Some(problem) => Err(DeskError::Refused(problem.into())),
        None => Ok(plan),
    }
}
