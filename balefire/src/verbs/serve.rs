//! `serve`: guards the sources and shows the pages until Ctrl-C.

use super::owner::open;
use crate::Done;
use crate::arguments::{Arguments, Serve};
use crate::console::Console;
use std::process::ExitCode;

pub fn run(arguments: &Arguments, serve: &Serve, console: &Console) -> Done {
    let desk = open(arguments)?;
    let settings = desk.config().web.clone();
    desk.start_guards()?;
    desk::control::listen(&desk)?;
    let options = web::WebOptions {
        listen: serve.listen.clone().unwrap_or(settings.listen),
        public_journal: settings.public_journal,
        language: settings.language,
        ..web::WebOptions::default()
    };
    let running = web::start(desk.clone(), options)?;
    // Whoever starts us waits for this line.
    console.line(&format!("{{\"listening\": \"http://{}\"}}", running.addr));
    wait_for_interrupt()?;
    console.say("cli-stopping", &[]);
    running.stop();
    desk.stop();
    Ok(ExitCode::SUCCESS)
}

/// Returns at Ctrl-C or SIGTERM.
pub fn wait_for_interrupt() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    })
}
