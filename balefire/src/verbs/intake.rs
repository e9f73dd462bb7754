//! `intake mail`: a mail server's pipe hands a mail to a running Balefire.
//!
//! The exit status is for the mail server (sysexits.h): 0 the mail was taken; 65 it will never be,
//! and goes back to its sender; 75 keep it and try again. Whatever an operator can mend (a wrong
//! address, an ended token, a server that is down) is 75, so that no report is sent back for it.

use crate::Done;
use crate::arguments::IntakeMail;
use crate::console::Console;
use connect::letter::MAX_BYTES;
use connect::notify::SecretFile;
use connect::outbound::{AllowList, Answer, Method, Outbound, Request, SystemLookup, Target};
use serde_json::Value;
use std::io::Read as _;
use std::process::ExitCode;
use std::sync::Arc;

const EX_DATAERR: u8 = 65;
const EX_TEMPFAIL: u8 = 75;
const PATH: &str = "/api/v1/intake/mail";

pub fn mail(wanted: &IntakeMail, console: &Console) -> Done {
    let later = |why: String| {
        console.say("cli-intake-later", &[("why", why.into())]);
        Ok(ExitCode::from(EX_TEMPFAIL))
    };
    let mut body = Vec::new();
    // One byte more than may be, so that the server's own bound speaks.
    let most = MAX_BYTES as u64 + 1;
    if let Err(error) = std::io::stdin().lock().take(most).read_to_end(&mut body) {
        return later(error.to_string());
    }
    match send(wanted, body, console) {
        Ok(answer) => told(&answer, console),
        Err(why) => later(why),
    }
}

fn send(wanted: &IntakeMail, body: Vec<u8>, console: &Console) -> Result<Answer, String> {
    let file = wanted.token_file.display().to_string();
    let token = SecretFile::new(&wanted.token_file).read().map_err(|why| {
        console.text(
            "cli-intake-token",
            &[("file", file.into()), ("why", why.into())],
        )
    })?;
    let url = format!("{}{PATH}", wanted.url.trim_end_matches('/'));
    let bad = |why: String| console.text("cli-intake-url", &[("why", why.into())]);
    let target = Target::parse(&url).map_err(|e| bad(e.to_string()))?;
    // The operator named this host; it may well stand inside.
    let allow = AllowList::parse(&[target.host()]).map_err(bad)?;
    let outbound = Outbound::new(allow, wanted.ca_file.as_deref(), Arc::new(SystemLookup))
        .map_err(|e| e.to_string())?;
    let kind = ("content-type".to_owned(), "message/rfc822".to_owned());
    let request = Request {
        method: Method::Post,
        target: &target,
        headers: vec![kind, token.bearer()],
        body,
    };
    outbound.send(request).map_err(|e| e.to_string())
}

fn told(answer: &Answer, console: &Console) -> Done {
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let text = |name: &str| said[name].as_str().unwrap_or("").to_owned();
    match answer.status {
        200 if console.json => {
            console.object(&said)?;
            Ok(ExitCode::SUCCESS)
        }
        200 => {
            let key = format!("cli-intake-{}", text("outcome"));
            console.say(&key, &[("report", text("report").into())]);
            Ok(ExitCode::SUCCESS)
        }
        // What the mail itself is to blame for.
        413 | 422 => {
            console.say("cli-intake-refused", &[("why", text("title").into())]);
            Ok(ExitCode::from(EX_DATAERR))
        }
        status => {
            let why = format!("HTTP {status} {}", text("title"));
            console.say("cli-intake-later", &[("why", why.into())]);
            Ok(ExitCode::from(EX_TEMPFAIL))
        }
    }
}
