//! The demo's world, trading and attacked, while detection and pages are measured on it; what is
//! left of it is the data folder that a server is then started on.

use crate::{BenchError, Measure, percentile};
use demo::browser::Browser;
use demo::narrator::Narrator;
use demo::people::People;
use demo::{DemoOptions, Staged, attacker, stage};
use model::{IncidentId, SystemClock};
use plan::Lang;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Whose eyes the pages are loaded with.
pub const PERSON: &str = "ciso";
/// Browsers at once.
const BROWSERS: usize = 4;
/// A finding that has not come by then will not.
const FIND_WITHIN: Duration = Duration::from_secs(10);

pub struct Story {
    staged: Staged,
    incident: IncidentId,
}

/// What a story leaves behind.
pub struct Ended {
    pub folder: PathBuf,
    pub people: People,
    pub incident: IncidentId,
}

impl Story {
    /// A shop of `orders` orders under guard, with its trade and pages, after the demo's attack.
    pub fn begin(folder: &Path, orders: u32) -> Result<Self, BenchError> {
        let options = DemoOptions {
            folder: folder.to_owned(),
            orders,
            seed: 1,
            listen: "127.0.0.1:0".into(),
            lang: Lang::Zh,
        };
        let silent = Narrator::new(Lang::Zh, |_| {});
        let staged = stage(&options, &silent, &mut |_, _| {})?;
        let injected = staged.attack(&silent)?;
        let incident = staged.await_incident(&injected, &silent)?;
        Ok(Self { staged, incident })
    }

    /// Tampers with one paid order after the other; the time runs from before the COMMIT until
    /// the finding is durable.
    pub fn detection(&self, tampered: usize) -> Result<Vec<Measure>, BenchError> {
        let desk = &self.staged.desk;
        let found = || desk.sources().iter().map(|s| s.findings).sum::<u64>();
        let mut times_ms = Vec::with_capacity(tampered);
        for _ in 0..tampered {
            let before = found();
            let start = Instant::now();
            attacker::tamper_one(&self.staged.shop, None, &SystemClock)?;
            let mut seen = 0;
            while found() == before {
                seen = desk.wait_for_change(seen, Duration::from_millis(100));
                if start.elapsed() > FIND_WITHIN {
                    return Err(BenchError::Unsound("a tampered order was not found".into()));
                }
            }
            times_ms.push(start.elapsed().as_secs_f64() * 1e3);
        }
        times_ms.sort_by(f64::total_cmp);
        let how = format!(
            "from before the attacker's COMMIT to the durable finding; {tampered} orders under trade"
        );
        Ok(vec![
            Measure::new("detection p50", percentile(&times_ms, 50.0), "ms", how),
            Measure::new(
                "detection p99",
                percentile(&times_ms, 99.0),
                "ms",
                "the same",
            ),
        ])
    }

    /// Loads pages under trade, with several browsers at once.
    pub fn pages(&self, each: usize) -> Result<Vec<Measure>, BenchError> {
        let base = self.staged.running.url();
        let war_room = format!("/incidents/{}", self.incident);
        let mut measures = Vec::new();
        for (p50, p99, path) in [
            ("duty board p50", "duty board p99", "/"),
            ("war room p50", "war room p99", war_room.as_str()),
            ("report form p50", "report form p99", "/report"),
        ] {
            let times_ms = load(&base, path, &self.staged.people, each)?;
            let how =
                format!("{path} over HTTP, {BROWSERS} browsers of one person at once, under trade");
            let how = if path == war_room {
                how.replace(path, "an incident")
            } else {
                how
            };
            measures.push(Measure::new(p50, percentile(&times_ms, 50.0), "ms", how));
            measures.push(Measure::new(
                p99,
                percentile(&times_ms, 99.0),
                "ms",
                "the same",
            ));
        }
        Ok(measures)
    }

    /// Ends trade, pages and guard in good order. A copy of the folder is left to another
    /// process: this one keeps its lock and its control socket until it ends.
    pub fn end(self, copy: PathBuf) -> Result<Ended, BenchError> {
        let folder = self.staged.desk.folder().root().to_owned();
        let Staged {
            desk,
            running,
            trade,
            people,
            ..
        } = self.staged;
        trade.stop()?;
        running.stop();
        desk.stop();
        copy_files(&folder, &copy)?;
        Ok(Ended {
            folder: copy,
            people,
            incident: self.incident,
        })
    }
}

/// Plain files and folders; sockets stay behind.
fn copy_files(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (kind, to) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy_files(&entry.path(), &to)?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// Times of `each` loads by each browser, sorted. The first ones of a browser are not counted.
pub fn load(base: &str, path: &str, people: &People, each: usize) -> Result<Vec<f64>, BenchError> {
    const WARM_UP: usize = 3;
    let password = people.password(PERSON).unwrap_or_default();
    let browsers: Result<Vec<Browser>, _> = (0..BROWSERS)
        .map(|_| Browser::login(base, PERSON, password))
        .collect();
    let work = |mut browser: Browser| {
        let mut times_ms = Vec::with_capacity(each);
        for number in 0..each + WARM_UP {
            let start = Instant::now();
            std::hint::black_box(browser.page(path)?.len());
            if number >= WARM_UP {
                times_ms.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
        Ok::<_, BenchError>(times_ms)
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = browsers?
            .into_iter()
            .map(|b| scope.spawn(move || work(b)))
            .collect();
        // A browser's panic is ours.
        Ok::<_, BenchError>(
            threads
                .into_iter()
                .map(|t| {
                    t.join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect(),
        )
    })?;
    let mut all = Vec::new();
    for times in results {
        all.append(&mut times?);
    }
    all.sort_by(f64::total_cmp);
    Ok(all)
}
