//! `serve`: guards the sources and shows the pages until Ctrl-C.

use super::owner::{config, folder, open};
use crate::arguments::{Arguments, Serve};
use crate::console::Console;
use crate::{Done, Failure};
use desk::Desk;
use std::process::ExitCode;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub fn run(arguments: &Arguments, serve: &Serve, console: &Console) -> Done {
    let desk = match serve.accept_loss {
        true => accept_loss(arguments, console)?,
        false => open(arguments)?,
    };
    let settings = desk.config().web.clone();
    desk.start_guards()?;
    desk.start_audits()?;
    desk.start_table_watch()?;
    desk::control::listen(&desk)?;
    let options = web::WebOptions {
        listen: serve.listen.clone().unwrap_or(settings.listen),
        trusted_proxies: settings.trusted_proxies,
        public_journal: settings.public_journal,
        language: settings.language,
        ..web::WebOptions::default()
    };
    let running = web::start(desk.clone(), options)?;
    let interrupts = Interrupts::listen()?;
    // Whoever starts us waits for this line.
    console.line(&format!("{{\"listening\": \"http://{}\"}}", running.addr));
    interrupts.wait()?;
    console.say("cli-stopping", &[]);
    running.stop();
    desk.stop();
    Ok(ExitCode::SUCCESS)
}

fn accept_loss(arguments: &Arguments, console: &Console) -> Result<Desk, Failure> {
    let (desk, losses) = Desk::open_accepting_loss(folder(arguments), config(arguments)?)?;
    for loss in losses {
        let values = [
            ("log", loss.log.as_str().into()),
            ("entries", loss.entries.into()),
        ];
        console.say("cli-loss-accepted", &values);
    }
    Ok(desk)
}

/// Returns at Ctrl-C or SIGTERM.
pub fn wait_for_interrupt() -> std::io::Result<()> {
    Interrupts::listen()?.wait()
}

/// Ctrl-C and SIGTERM, listened for from now on: whoever read the ready line may stop us at once.
struct Interrupts {
    runtime: Runtime,
    ctrl_c: Signal,
    terminate: Signal,
}

impl Interrupts {
    fn listen() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let entered = runtime.enter();
        let ctrl_c = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        drop(entered);
        Ok(Self {
            runtime,
            ctrl_c,
            terminate,
        })
    }

    fn wait(mut self) -> std::io::Result<()> {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.ctrl_c.recv() => {}
                _ = self.terminate.recv() => {}
            }
        });
        Ok(())
    }
}
