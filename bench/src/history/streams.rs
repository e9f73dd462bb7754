//! Two hundred open war rooms: from the durable command to the tick that reaches each of them.

use super::{at, operation};
use crate::{BenchError, Measure};
use desk::Desk;
use incident::Command;
use incident::grading::Impact;
use model::{AccountId, Figure, IncidentId};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

const STREAMS: usize = 200;
/// Changes, one after the other.
const ROUNDS: i64 = 20;
/// A tick that has not come by then is lost.
const LOST: Duration = Duration::from_secs(10);

pub fn run(
    desk: &Desk,
    addr: SocketAddr,
    account: &AccountId,
    incident: &IncidentId,
) -> Result<Vec<Measure>, BenchError> {
    let refused = |e: desk::LoginError| BenchError::Unsound(e.to_string());
    let link = desk.login_link(account)?;
    let token = desk.login_by_link(&link).map_err(refused)?;
    let (tell, ticks) = channel();
    for _ in 0..STREAMS {
        let stream = open(addr, incident, &token)?;
        let tell = tell.clone();
        std::thread::spawn(move || read(stream, &tell));
    }
    // Each stream begins with a tick.
    all(&ticks)?;
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let impact = Impact {
            orders: Figure::known(round),
            ..Impact::default()
        };
        let op = operation(desk, format!("bench-live-{round}"));
        desk.execute(op, incident, Command::RecordImpact { impact })?;
        let durable = Instant::now();
        for seen in all(&ticks)? {
            times.push(seen.saturating_duration_since(durable).as_secs_f64() * 1e3);
        }
    }
    let how = format!("from the durable command to its tick at {STREAMS} streams of one incident");
    Ok(vec![
        at("live p95", &mut times, 95.0, &how),
        at("live slowest", &mut times, 100.0, "the same"),
    ])
}

fn open(addr: SocketAddr, incident: &IncidentId, token: &str) -> Result<TcpStream, BenchError> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(LOST))?;
    write!(
        stream,
        "GET /events?incident={incident} HTTP/1.1\r\nHost: {addr}\r\nCookie: balefire_session={token}\r\n\r\n"
    )?;
    Ok(stream)
}

/// Ends with the stream, or when nobody listens any more.
fn read(stream: TcpStream, tell: &Sender<Instant>) {
    for line in BufReader::new(stream).lines() {
        match line {
            Ok(line) if line.starts_with("event: tick") => {
                if tell.send(Instant::now()).is_err() {
                    return;
                }
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

/// One tick of every stream.
fn all(ticks: &Receiver<Instant>) -> Result<Vec<Instant>, BenchError> {
    let one = || {
        let lost = |_| BenchError::Unsound("a live stream was not told of a change".into());
        ticks.recv_timeout(LOST).map_err(lost)
    };
    (0..STREAMS).map(|_| one()).collect()
}
