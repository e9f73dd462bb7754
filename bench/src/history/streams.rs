//! Two hundred open war rooms: from the durable command to the tick that reaches each of them, and
//! to the room as each of them has fetched it again.

use super::{at, operation};
use crate::{BenchError, Measure};
use desk::Desk;
use incident::Command;
use incident::grading::Impact;
use model::{AccountId, Figure, IncidentId};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
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
        let room = Room::open(addr, incident, &token)?;
        let tell = tell.clone();
        std::thread::spawn(move || read(stream, room, &tell));
    }
    // Each stream begins with a tick.
    all(&ticks)?;
    let (mut told, mut shown) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let impact = Impact {
            orders: Figure::known(round),
            ..Impact::default()
        };
        let op = operation(desk, format!("bench-live-{round}"));
        desk.execute(op, incident, Command::RecordImpact { impact })?;
        let durable = Instant::now();
        let since = |at: Instant| at.saturating_duration_since(durable).as_secs_f64() * 1e3;
        for seen in all(&ticks)? {
            told.push(since(seen.told));
            shown.push(since(seen.shown));
        }
    }
    let tick = format!("from the durable command to its tick at {STREAMS} streams of one incident");
    let page = "from the durable command to the whole room as each of them fetched it again";
    Ok(vec![
        at("live p95", &mut told, 95.0, &tick),
        at("live slowest", &mut told, 100.0, "the same"),
        at("live, shown p95", &mut shown, 95.0, page),
        at("live, shown slowest", &mut shown, 100.0, "the same"),
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

/// When a change reached one open room.
struct Seen {
    told: Instant,
    shown: Instant,
}

/// The connection over which a page fetches its parts again.
struct Room {
    stream: BufReader<TcpStream>,
    request: String,
}

impl Room {
    fn open(addr: SocketAddr, incident: &IncidentId, token: &str) -> Result<Self, BenchError> {
        let stream = TcpStream::connect(addr)?;
        stream.set_read_timeout(Some(LOST))?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET /incidents/{incident}?fragment=1 HTTP/1.1\r\nHost: {addr}\r\nCookie: balefire_session={token}\r\n\r\n"
        );
        Ok(Self {
            stream: BufReader::new(stream),
            request,
        })
    }

    fn fetch(&mut self) -> std::io::Result<()> {
        self.stream.get_mut().write_all(self.request.as_bytes())?;
        let (mut line, mut length) = (String::new(), 0);
        self.stream.read_line(&mut line)?;
        if !line.starts_with("HTTP/1.1 200 ") {
            return Err(std::io::Error::other(line));
        }
        line.clear();
        while self.stream.read_line(&mut line)? > 2 {
            if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = n.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)
    }
}

/// Ends with the stream, or when nobody listens any more.
fn read(stream: TcpStream, mut room: Room, tell: &Sender<Seen>) {
    for line in BufReader::new(stream).lines() {
        match line {
            Ok(line) if line.starts_with("event: tick") => {
                let told = Instant::now();
                if room.fetch().is_err() {
                    return;
                }
                let shown = Instant::now();
                if tell.send(Seen { told, shown }).is_err() {
                    return;
                }
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

/// One tick of every stream.
fn all(ticks: &Receiver<Seen>) -> Result<Vec<Seen>, BenchError> {
    let one = || {
        let lost = |_| BenchError::Unsound("a live stream was not told of a change".into());
        ticks.recv_timeout(LOST).map_err(lost)
    };
    (0..STREAMS).map(|_| one()).collect()
}
