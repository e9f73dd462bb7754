//! The terminal: data to stdout, messages to stderr, in the user's language.

use crate::arguments::Arguments;
use document::{Catalogue, Value};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use plan::Lang;
use serde::Serialize;
use std::error::Error;
use std::io::{IsTerminal as _, Write as _};

pub struct Console {
    pub lang: Lang,
    pub json: bool,
    words: &'static Catalogue,
}

impl Console {
    /// Sets up the program's own log too; `BALEFIRE_LOG` chooses its level.
    pub fn new(arguments: &Arguments) -> Self {
        let lang = arguments.lang.unwrap_or_else(locale);
        let level = match std::env::var("BALEFIRE_LOG").as_deref() {
            Ok("debug") => tracing::Level::DEBUG,
            Ok("info") => tracing::Level::INFO,
            Ok("error") => tracing::Level::ERROR,
            _ => tracing::Level::WARN,
        };
        // A second call in one process (tests) keeps the first subscriber.
        let _ = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .try_init();
        Self {
            lang,
            json: arguments.json,
            words: document::words(lang),
        }
    }

    /// A message of the catalogue to stderr.
    pub fn say(&self, key: &str, values: &[(&str, Value<'_>)]) {
        self.line(&self.words.with(key, values));
    }

    /// A line to stderr.
    pub fn line(&self, text: &str) {
        // A closed stderr is nobody's loss.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    pub fn text(&self, key: &str, values: &[(&str, Value<'_>)]) -> String {
        self.words.with(key, values)
    }
    /// Who wrote a change by the server's log.
    pub fn writer(&self, writer: &model::LoggedWriter) -> String {
        document::logged_writer(self.words, writer)
    }

    /// Data to stdout.
    pub fn data(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        // A closed pipe (`| head`) is the reader's choice.
        let _ = writeln!(out, "{}", text.trim_end_matches('\n'));
    }

    /// Data to stdout as JSON, pretty on a terminal.
    pub fn object<T: Serialize>(&self, value: &T) -> Result<(), serde_json::Error> {
        let text = if std::io::stdout().is_terminal() {
            serde_json::to_string_pretty(value)?
        } else {
            serde_json::to_string(value)?
        };
        self.data(&text);
        Ok(())
    }

    /// An error with its causes, once, at the edge.
    pub fn error(&self, error: &dyn Error) {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            let inner_text = inner.to_string();
            if !text.contains(&inner_text) {
                text = format!("{text}\n  {inner_text}");
            }
            cause = inner.source();
        }
        self.line(&format!("balefire: {text}"));
    }

    /// A line below an error: what to do about it.
    pub fn advice(&self, advice: &str) {
        self.line(&format!("  {advice}"));
    }

    /// A progress bar on stderr; silent when stderr is no terminal.
    pub fn progress(&self, total: u64, label: &str) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:32} {pos}/{len} ({eta})") {
            bar.set_style(style);
        }
        bar.set_message(label.to_owned());
        bar
    }
}

/// The language of the locale, as POSIX orders the variables; English when it is another one.
fn locale() -> Lang {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty());
    set.and_then(|value| value.parse().ok()).unwrap_or(Lang::En)
}

/// Arms the points named in `BALEFIRE_CRASH_AT` (`NAME` or `NAME:COUNT`): the process kills itself
/// there with SIGKILL, at the COUNT-th pass. For the crash tests alone.
#[cfg(feature = "failpoints")]
pub fn arm_failpoints() -> Option<fail::FailScenario<'static>> {
    use std::sync::atomic::{AtomicU32, Ordering};
    let spec = std::env::var("BALEFIRE_CRASH_AT").ok()?;
    let scenario = fail::FailScenario::setup();
    let (name, count) = spec.split_once(':').unwrap_or((&spec, "1"));
    let left = AtomicU32::new(count.parse().unwrap_or(1));
    let armed = fail::cfg_callback(name, move || {
        if left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let _ = rustix::process::kill_process(
                rustix::process::getpid(),
                rustix::process::Signal::KILL,
            );
        }
    });
    armed.ok()?;
    Some(scenario)
}
