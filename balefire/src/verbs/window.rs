//! `window ask|approve|close|list`.

use super::account::session;
use super::owner::request;
use crate::arguments::{Arguments, Window};
use crate::console::Console;
use crate::{Done, Failure};
use desk::control::ControlRequest;
use desk::window::NewWindow;
use model::{Clock as _, Instant, SourceName, SystemClock};
use serde_json::Value;
use std::process::ExitCode;

pub fn run(arguments: &Arguments, window: &Window, console: &Console) -> Done {
    let asked = match window {
        Window::Ask {
            source,
            ticket,
            reason,
            tables,
            most_rows,
            from,
            until,
        } => ControlRequest::WindowAsk {
            window: NewWindow {
                source: SourceName::new(source),
                ticket: ticket.clone(),
                reason: reason.clone(),
                tables: tables.clone(),
                most_rows: *most_rows,
                from: match from {
                    Some(from) => instant(from)?,
                    None => SystemClock.now(),
                },
                until: instant(until)?,
            },
            session: session(arguments)?,
        },
        Window::Approve { id } => ControlRequest::WindowApprove {
            id: id.clone(),
            session: session(arguments)?,
        },
        Window::Close { id } => ControlRequest::WindowClose {
            id: id.clone(),
            session: session(arguments)?,
        },
        Window::List { source } => ControlRequest::Windows {
            source: source.as_ref().map(SourceName::new),
        },
    };
    let answer = request(arguments, asked, false)?;
    if console.json {
        console.object(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    match &answer {
        Value::Array(windows) if windows.is_empty() => console.say("cli-windows-none", &[]),
        Value::Array(windows) => windows.iter().for_each(|window| line(console, window)),
        window => line(console, window),
    }
    Ok(ExitCode::SUCCESS)
}

fn line(console: &Console, window: &Value) {
    let text = |name: &str| window[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| window[name].as_u64().unwrap_or_default();
    let tables: Vec<&str> = (window["tables"].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    let state = if window["closed_at"].is_string() {
        console.text("cli-window-closed", &[])
    } else if window["approved_by"].is_string() {
        console.text("cli-window-open", &[("by", text("approved_by").into())])
    } else {
        let (by, id) = (text("asked_by"), text("id"));
        console.text("cli-window-asked", &[("by", by.into()), ("id", id.into())])
    };
    console.data(&console.text(
        "cli-window",
        &[
            ("id", text("id").into()),
            ("source", text("source").into()),
            ("state", state.into()),
            ("from", text("from").into()),
            ("until", text("until").into()),
            ("ticket", text("ticket").into()),
            ("tables", tables.join(", ").into()),
            ("used", number("used").into()),
            ("most", number("most_rows").into()),
        ],
    ));
}

fn instant(text: &str) -> Result<Instant, Failure> {
    Instant::parse(text)
        .map_err(|_| format!("`{text}` is no time; write it as 2026-01-31T22:00:00+08:00").into())
}
