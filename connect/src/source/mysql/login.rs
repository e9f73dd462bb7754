//! Getting in: the server's greeting, TLS, the password. The password never leaves this machine in
//! the clear but through TLS or a Unix socket, and only when the server's plugin wants it so.

use super::reader::Reader;
use super::rsa;
use super::tls;
use super::url::{Host, Target};
use super::wire::{Socket, Wait, Wire};
use crate::ConnectError;
use crate::source::{ServerAddress, TlsMode};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_WITHIN: Duration = Wait::LOGIN;
/// Rounds of an exchange about a password; real ones have two or three.
const MAX_ROUNDS: usize = 8;
/// Asks for the key that the password is sent under.
const WANTS_KEY: u8 = 2;
/// utf8mb4_general_ci.
const COLLATION: u8 = 45;
const MAX_SENT: u32 = 64 << 20;

const LONG_PASSWORD: u32 = 1;
const LONG_FLAG: u32 = 1 << 2;
const CONNECT_WITH_DB: u32 = 1 << 3;
const PROTOCOL_41: u32 = 1 << 9;
const TLS: u32 = 1 << 11;
const TRANSACTIONS: u32 = 1 << 13;
const SECURE_CONNECTION: u32 = 1 << 15;
const PLUGIN_AUTH: u32 = 1 << 19;
const CONNECT_ATTRS: u32 = 1 << 20;
/// Neither several statements in one nor files of this machine are ever allowed.
const WANTED: u32 = LONG_PASSWORD
    | LONG_FLAG
    | CONNECT_WITH_DB
    | PROTOCOL_41
    | TRANSACTIONS
    | SECURE_CONNECTION
    | PLUGIN_AUTH
    | CONNECT_ATTRS;

impl Wait {
    const LOGIN: Duration = Duration::from_secs(20);
}

/// A connection on which statements may be sent, and what the server says of itself.
pub(super) struct LoggedIn {
    pub(super) wire: Wire,
    pub(super) version: String,
}

struct Greeting {
    version: String,
    able: u32,
    nonce: Vec<u8>,
    plugin: String,
}

pub(super) fn connect(address: &ServerAddress, target: &Target) -> Result<LoggedIn, ConnectError> {
    let unreachable = |source| ConnectError::Unreachable {
        server: target.server(),
        source,
    };
    let socket = socket(target).map_err(unreachable)?;
    let mut wire = Wire::new(socket).map_err(unreachable)?;
    let packet = answer(&mut wire, target)?;
    let Some(greeting) = greeting(&packet) else {
        return Err(odd("its greeting is none of version 10"));
    };
    if greeting.able & (PROTOCOL_41 | PLUGIN_AUTH) != PROTOCOL_41 | PLUGIN_AUTH {
        return Err(odd("it is older than MySQL 5.5"));
    }
    let mut flags = WANTED;
    if address.tls == TlsMode::Verify
        && let Host::Name(name) = &target.host
    {
        if greeting.able & TLS == 0 {
            return Err(ConnectError::Tls {
                server: target.server(),
                what: "the server has it switched off".to_owned(),
                source: None,
            });
        }
        flags |= TLS;
        wire.send(&opening(flags)).map_err(unreachable)?;
        let sequence = wire.sequence();
        let tcp = wire
            .into_tcp()
            .ok_or_else(|| odd("it says more than a greeting"))?;
        let tls = tls::secured(address, target, name, tcp)?;
        wire = Wire::new(Socket::Tls(Box::new(tls))).map_err(unreachable)?;
        wire.set_sequence(sequence);
    }
    let mut login = opening(flags);
    login.extend_from_slice(target.user.as_bytes());
    login.push(0);
    let first = first_answer(&greeting.plugin, target, &greeting.nonce);
    let first = first.unwrap_or_default();
    login.push(first.len() as u8);
    login.extend_from_slice(&first);
    login.extend_from_slice(target.database.as_bytes());
    login.push(0);
    login.extend_from_slice(greeting.plugin.as_bytes());
    login.push(0);
    let attributes = b"\x0cprogram_name\x08balefire";
    login.push(attributes.len() as u8);
    login.extend_from_slice(attributes);
    wire.send(&login).map_err(unreachable)?;
    prove(&mut wire, target, greeting.plugin, greeting.nonce)?;
    Ok(LoggedIn {
        wire,
        version: greeting.version,
    })
}

fn socket(target: &Target) -> io::Result<Socket> {
    let name = match &target.host {
        Host::Socket(path) => return Ok(Socket::Unix(UnixStream::connect(path)?)),
        Host::Name(name) => name.as_str(),
    };
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (name, target.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_WITHIN) {
            Ok(tcp) => {
                tcp.set_read_timeout(Some(ANSWER_WITHIN))?;
                return Ok(Socket::Tcp(tcp));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn opening(flags: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(&flags.to_le_bytes());
    out.extend_from_slice(&MAX_SENT.to_le_bytes());
    out.push(COLLATION);
    out.extend_from_slice(&[0; 23]);
    out
}

fn greeting(packet: &[u8]) -> Option<Greeting> {
    let mut reader = Reader(packet);
    if reader.u8()? != 10 {
        return None;
    }
    let version = String::from_utf8_lossy(reader.text()?).into_owned();
    reader.u32()?;
    let mut nonce = reader.take(8)?.to_vec();
    reader.u8()?;
    let low = u32::from(reader.u16()?);
    reader.take(3)?;
    let able = low | u32::from(reader.u16()?) << 16;
    let length = usize::from(reader.u8()?);
    reader.take(10)?;
    let more = reader.take(length.saturating_sub(8).max(13))?;
    // The last byte is a zero that is no part of it.
    nonce.extend_from_slice(&more[..more.len().min(12)]);
    let plugin = reader.text().unwrap_or(reader.0);
    Some(Greeting {
        // MariaDB says `5.5.5-` first, for replicas of long ago.
        version: version.trim_start_matches("5.5.5-").to_owned(),
        able,
        nonce,
        plugin: String::from_utf8_lossy(plugin).into_owned(),
    })
}

fn answer(wire: &mut Wire, target: &Target) -> Result<Vec<u8>, ConnectError> {
    let lost = |source| ConnectError::Unreachable {
        server: target.server(),
        source,
    };
    if !wire.next(Wait::Within(ANSWER_WITHIN)).map_err(lost)? {
        return Err(lost(io::Error::new(
            io::ErrorKind::TimedOut,
            "the server does not answer",
        )));
    }
    let packet = wire.packet();
    if packet.first() == Some(&0xff) {
        let (code, message) = refusal(packet);
        return Err(ConnectError::LoginRefused {
            server: target.server(),
            code,
            message,
        });
    }
    Ok(packet.to_vec())
}

/// SQLSTATE (and the server's own number) and words of a packet that says no.
pub(super) fn refusal(packet: &[u8]) -> (String, String) {
    let mut reader = Reader(packet.get(1..).unwrap_or(&[]));
    let number = reader.u16().unwrap_or(0);
    let mut state = "HY000".to_owned();
    if reader.0.first() == Some(&b'#') {
        reader.u8();
        state = String::from_utf8_lossy(reader.take(5).unwrap_or(&[])).into_owned();
    }
    let message = String::from_utf8_lossy(reader.0).into_owned();
    (format!("{state}/{number}"), message)
}

/// What a plugin wants first; `None` for one that is not known here.
fn first_answer(plugin: &str, target: &Target, nonce: &[u8]) -> Option<Vec<u8>> {
    let password = target.password.as_bytes();
    if password.is_empty() {
        return Some(Vec::new());
    }
    match plugin {
        "mysql_native_password" => Some(native(password, nonce)),
        "caching_sha2_password" => Some(sha2(password, nonce)),
        _ => None,
    }
}

fn prove(
    wire: &mut Wire,
    target: &Target,
    mut plugin: String,
    mut nonce: Vec<u8>,
) -> Result<(), ConnectError> {
    let lost = |source| ConnectError::Unreachable {
        server: target.server(),
        source,
    };
    for _ in 0..MAX_ROUNDS {
        let packet = answer(wire, target)?;
        match packet.split_first() {
            Some((0, _)) => return Ok(()),
            // The server asks again, with another plugin.
            Some((0xfe, rest)) => {
                let mut reader = Reader(rest);
                plugin = String::from_utf8_lossy(reader.text().unwrap_or(&[])).into_owned();
                nonce = reader.0.get(..20).unwrap_or(reader.0).to_vec();
                let said = first_answer(&plugin, target, &nonce);
                let said = said.ok_or_else(|| unknown(target, &plugin))?;
                wire.send(&said).map_err(lost)?;
            }
            Some((1, [3])) if plugin == "caching_sha2_password" => {}
            Some((1, [4])) if plugin == "caching_sha2_password" => {
                let said = if wire.is_private() {
                    let mut said = target.password.clone().into_bytes();
                    said.push(0);
                    said
                } else {
                    wire.send(&[WANTS_KEY]).map_err(lost)?;
                    let key = answer(wire, target)?;
                    let key = key.strip_prefix(&[1]);
                    let said = key.and_then(|key| rsa::sealed(&target.password, &nonce, key));
                    said.ok_or_else(|| odd("its public key for the password is none"))?
                };
                wire.send(&said).map_err(lost)?;
            }
            _ => return Err(unknown(target, &plugin)),
        }
    }
    Err(odd("it keeps asking for the password"))
}

fn unknown(target: &Target, plugin: &str) -> ConnectError {
    ConnectError::LoginRefused {
        server: target.server(),
        code: plugin.to_owned(),
        message: "the account uses a plugin that is not known here; use mysql_native_password or \
                  caching_sha2_password"
            .to_owned(),
    }
}

fn odd(what: &str) -> ConnectError {
    ConnectError::Protocol {
        doing: "connecting".to_owned(),
        what: what.to_owned(),
    }
}

/// SHA1(password) XOR SHA1(nonce + SHA1(SHA1(password))).
fn native(password: &[u8], nonce: &[u8]) -> Vec<u8> {
    let once = Sha1::digest(password);
    let twice = Sha1::digest(once);
    let mut hash = Sha1::new();
    hash.update(nonce);
    hash.update(twice);
    let mask = hash.finalize();
    once.iter().zip(mask.iter()).map(|(a, b)| a ^ b).collect()
}

/// SHA256(password) XOR SHA256(SHA256(SHA256(password)) + nonce).
fn sha2(password: &[u8], nonce: &[u8]) -> Vec<u8> {
    let once = Sha256::digest(password);
    let twice = Sha256::digest(once);
    let mut hash = Sha256::new();
    hash.update(twice);
    hash.update(nonce);
    let mask = hash.finalize();
    once.iter().zip(mask.iter()).map(|(a, b)| a ^ b).collect()
}
