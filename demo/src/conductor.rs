//! The conductor: sets the stage, lets the attacker in, waits for what happens by itself, lets the
//! people play, and counts what was stored.

use crate::DemoError;
use crate::attacker::{self, AttackOptions, Injected};
use crate::narrator::Narrator;
use crate::outcome::{self, AuditAfter, InjectedCounts, JournalCounts, Outcome, ReportPaths};
use crate::people::People;
use crate::players::Players;
use crate::shop::{self, ShopOptions};
use crate::trade::{self, Trade, TradeOptions};
use desk::config::Config;
use desk::{DataFolder, DemoHooks, Desk, FindingFilter};
use incident::Incident;
use incident::people::CallState;
use model::{AccountId, Clock, Finding, IncidentId, Instant, SourceName, SystemClock};
use plan::Lang;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use web::{Running, WebOptions};

/// The mark of a folder that a demo made.
const MARKER: &str = "demo.json";
/// The demo's watch after the repair, in seconds; the built-in plan's is a day.
const WATCH_QUIET_S: u32 = 3;
/// Lawful transactions before the attack, so that the strip shows a trading shop.
const BEFORE_ATTACK: u64 = 90;
/// How long the guard may take to find everything, and the desk to open and call out.
const FIND_WITHIN: Duration = Duration::from_secs(20);

/// Outbox rows of the incident that are looked through for its first page.
const MOST_PAGES: u32 = 10_000;

#[derive(Clone, Debug)]
pub struct DemoOptions {
    pub folder: PathBuf,
    pub orders: u32,
    pub seed: u64,
    pub listen: String,
    pub lang: Lang,
}

/// The demo's world while it runs.
pub struct Staged {
    pub desk: Desk,
    pub running: Running,
    pub trade: Trade,
    pub people: People,
    pub source: SourceName,
    pub shop: PathBuf,
    pub link: String,
    seed: u64,
}

/// Makes shop and data folder, takes the baseline, starts guard, trade and pages.
pub fn stage(
    options: &DemoOptions,
    say: &Narrator,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Staged, DemoError> {
    let folder = fresh(&options.folder)?;
    let shop = folder.join("shop.db");
    say.say(
        "demo-making-shop",
        &[
            ("orders", options.orders.into()),
            ("path", shop.display().to_string().into()),
        ],
    );
    shop::create(
        &shop,
        &ShopOptions {
            orders: options.orders,
            seed: options.seed,
        },
        &mut |_| {},
    )?;
    write_settings(&folder, options.lang)?;
    let config = Config::load(&folder.join("balefire.toml"))?;
    let desk = Desk::open(DataFolder::new(&folder), config)?;
    let people = People::muster(&desk)?;
    let source = SourceName::new("shop");
    let baseline = desk.baseline(&source, false, progress)?;
    say.say("demo-baseline", &[("rows", baseline.rows.into())]);
    desk.start_guards()?;
    let (for_tamper, for_line) = (shop.clone(), shop.clone());
    desk.set_demo(DemoHooks::new(
        move || {
            let done =
                attacker::tamper_one(&for_tamper, None, &SystemClock).map_err(|e| e.to_string())?;
            Ok(done.to_string())
        },
        move || {
            let order =
                attacker::paid_order(&for_line, 7, &SystemClock).map_err(|e| e.to_string())?;
            Ok(attacker::tamper_line(&for_line, order))
        },
    ));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut trading = TradeOptions::new(&shop, desk.folder().holds());
    trading.seed = options.seed;
    let trade = trade::start(&trading, clock)?;
    let options_web = WebOptions {
        listen: options.listen.clone(),
        language: options.lang,
        ..WebOptions::default()
    };
    let running = web::start(desk.clone(), options_web)?;
    desk::control::listen(&desk)?;
    let token = desk.login_link(&AccountId::new("ciso"))?;
    let link = format!("{}/login/link?token={token}", running.url());
    announce(say, &folder, &running, &link, &desk);
    Ok(Staged {
        desk,
        running,
        trade,
        people,
        source,
        shop,
        link,
        seed: options.seed,
    })
}

fn announce(say: &Narrator, folder: &Path, running: &Running, link: &str, desk: &Desk) {
    say.say(
        "demo-folder",
        &[("path", folder.display().to_string().into())],
    );
    say.say(
        "demo-throw-away",
        &[("path", folder.display().to_string().into())],
    );
    say.say("demo-pages", &[("url", running.url().into())]);
    say.say("demo-link", &[("url", link.into())]);
    if let Some(line) = desk.demo().and_then(|hooks| hooks.shell_line().ok()) {
        say.say("demo-shell-line", &[("line", line.into())]);
    }
}

impl Staged {
    /// Lets the attacker in after some lawful trade; a part of the attacked rows is then changed
    /// lawfully by the shop, which does not know.
    pub fn attack(&self, say: &Narrator) -> Result<Injected, DemoError> {
        self.trade.wait_for(BEFORE_ATTACK, FIND_WITHIN);
        let status = self.desk.sources();
        let alarms = status.first().map_or(0, |s| s.findings);
        say.say(
            "demo-lawful",
            &[
                ("changes", status.first().map_or(0, |s| s.changes).into()),
                ("alarms", alarms.into()),
            ],
        );
        let options = AttackOptions {
            seed: self.seed,
            ..AttackOptions::default()
        };
        let injected = attacker::attack(&self.shop, &options, &SystemClock)?;
        let counts = InjectedCounts::of(&injected);
        say.say(
            "demo-attack",
            &[
                ("altered", counts.altered.into()),
                ("forged", counts.forged.into()),
                ("deleted", counts.deleted.into()),
                ("undetectable", counts.undetectable.into()),
            ],
        );
        Ok(injected)
    }

    /// Waits until as many rows are found as were attacked (or the time is up) and the groups are
    /// called; then lets the shop carry attacked rows on. Gives the incident.
    pub fn await_incident(
        &self,
        injected: &Injected,
        say: &Narrator,
    ) -> Result<IncidentId, DemoError> {
        let wanted =
            (injected.altered.len() + injected.forged.len() + injected.deleted.len()) as u64;
        let until = self.desk.now().plus_s(FIND_WITHIN.as_secs() as i64);
        let mut seen = 0;
        loop {
            let open = self
                .desk
                .open_incident_of(&self.source)
                .and_then(|id| self.desk.incident(&id));
            if let Some(incident) = &open {
                let called = incident.calls.iter().any(|c| c.state == CallState::Called);
                if incident.findings.counts.total() >= wanted && called {
                    break;
                }
            }
            if self.desk.now() >= until {
                break;
            }
            seen = self.desk.wait_for_change(seen, Duration::from_millis(500));
        }
        let carried = self.trade.nudge(&injected.nudgeable())?;
        say.say("demo-carried-on", &[("rows", carried.len().into())]);
        let id = self.desk.open_incident_of(&self.source);
        id.ok_or_else(|| {
            DemoError::Story("the attack was not noticed: no incident was opened".into())
        })
    }

    /// The findings of the source, oldest first.
    pub fn findings(&self) -> Vec<Finding> {
        self.desk.findings(&FindingFilter {
            source: Some(self.source.clone()),
            limit: 10_000,
            ..FindingFilter::default()
        })
    }

    /// Plays the people through the six steps over HTTP.
    pub fn play(&self, id: &IncidentId, say: &Narrator) -> Result<(), DemoError> {
        Players::new(self, id.clone(), say).run()
    }

    /// Writes the report, audits once more, verifies the journal, and counts.
    pub fn conclude(
        &self,
        id: &IncidentId,
        injected: &Injected,
        lang: Lang,
    ) -> Result<Outcome, DemoError> {
        let (html, markdown) = self.desk.write_report(id, lang)?;
        let audit = self.desk.audit_source(&self.source)?;
        let findings = self.findings();
        let incident = self
            .desk
            .incident(id)
            .ok_or_else(|| DemoError::Story("the incident is gone".into()))?;
        Ok(Outcome {
            incident: id.clone(),
            injected: InjectedCounts::of(injected),
            found: outcome::found(&findings),
            false_findings: outcome::false_findings(&findings, injected),
            detected_in_ms: outcome::detected(&findings, injected),
            called_out_in_ms: called_out(&self.desk, id, injected),
            repaired: repaired(&incident),
            audit_after: AuditAfter {
                rows: audit.rows,
                discrepancies: audit.discrepancies.len() as u64,
            },
            journal: self.journal()?,
            steps: outcome::steps(&incident, self.desk.now()),
            report: ReportPaths { html, markdown },
        })
    }

    fn journal(&self) -> Result<JournalCounts, DemoError> {
        let size = |log: &str| self.desk.log_reader(log).map_or(0, |r| r.size());
        let vkey = self.desk.vkey().parse().map_err(desk::DeskError::from)?;
        let options = journal::verify::VerifyOptions {
            live: true,
            ..journal::verify::VerifyOptions::default()
        };
        let report = journal::verify::verify_dir(
            &self.desk.folder().journal(),
            &vkey,
            &options,
            &mut |_| {},
        );
        for fault in &report.faults {
            tracing::error!(%fault, "the journal does not verify");
        }
        Ok(JournalCounts {
            ledger_entries: size("ledger/0"),
            record_entries: size("record"),
            verified: report.is_clean(),
        })
    }

    /// Ends trade, pages and guard in good order.
    pub fn end(self) -> Result<(), DemoError> {
        self.trade.stop()?;
        self.running.stop();
        self.desk.stop();
        Ok(())
    }
}

/// From the attacker's last COMMIT to the first page that was written out and fsynced.
fn called_out(desk: &Desk, id: &IncidentId, injected: &Injected) -> u64 {
    let outbox = desk.outbox(Some(id), MOST_PAGES);
    let pages = outbox.iter().filter(|item| item.kind == "page");
    let first = pages.filter_map(|page| page.sent_at).min();
    first.map_or(0, |at| outcome::milliseconds(injected.committed_at, at))
}

fn repaired(incident: &Incident) -> incident::rows::RowCounts {
    let mut sum = incident::rows::RowCounts::default();
    for repair in &incident.repairs {
        if let incident::containment::RepairState::Applied { repaired, .. } = &repair.state {
            sum.altered += repaired.altered;
            sum.forged += repaired.forged;
            sum.deleted += repaired.deleted;
        }
    }
    sum
}

/// A new folder: the one named, or that name with a number when an earlier demo's is there.
fn fresh(wanted: &Path) -> Result<PathBuf, DemoError> {
    for number in 1..1_000 {
        let folder = if number == 1 {
            wanted.to_owned()
        } else {
            with_number(wanted, number)
        };
        if folder.join(MARKER).is_file() {
            continue;
        }
        let empty = std::fs::read_dir(&folder).map_or(true, |mut entries| entries.next().is_none());
        if !empty {
            return Err(DemoError::NotOurs { folder });
        }
        let failed = |source| DemoError::File {
            path: folder.clone(),
            source,
        };
        std::fs::create_dir_all(&folder).map_err(failed)?;
        std::fs::write(folder.join(MARKER), "{\"made_by\":\"balefire demo\"}\n").map_err(failed)?;
        // Absolute, so that the printed commands work from anywhere.
        return folder.canonicalize().map_err(failed);
    }
    Err(DemoError::NotOurs {
        folder: wanted.to_owned(),
    })
}

fn with_number(folder: &Path, number: u32) -> PathBuf {
    let name = folder.file_name().map_or_else(
        || "balefire-demo".into(),
        |n| n.to_string_lossy().into_owned(),
    );
    folder.with_file_name(format!("{name}-{number}"))
}

/// The demo's configuration and its plan: the built-in one with a short watch.
fn write_settings(folder: &Path, lang: Lang) -> Result<(), DemoError> {
    let mut plan = plan::built_in::plan().clone();
    plan.version = format!("{}-demo", plan.version);
    plan.watch_quiet_s = WATCH_QUIET_S;
    let config = format!(
        "[web]\nlanguage = \"{lang}\"\n\n[plan]\nfile = \"plan.json\"\ncii = false\n\n{}",
        shop::policy_toml()
    );
    for (name, text) in [
        ("plan.json", serde_json::to_string_pretty(&plan)?),
        ("balefire.toml", config),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|source| DemoError::File { path, source })?;
    }
    Ok(())
}

/// Seconds since `from`, for the narration.
pub(crate) fn seconds_since(from: Instant, now: Instant) -> String {
    format!("{:.1}", now.since_s(from))
}
