//! From an address to a session that is let in: socket, TLS, settings, password.
//!
//! Passwords go out only as SCRAM-SHA-256 or MD5 proofs, or in the clear within TLS.

use super::session::Purpose;
use super::tls;
use super::url::{Host, Target};
use super::wire::{Message, Reader, Socket, Wait, Wire, put_text};
use crate::ConnectError;
use crate::source::{ServerAddress, TlsMode};
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
const LOGIN_WITHIN: Duration = Duration::from_secs(15);
/// Protocol 3.0, and the code that asks for TLS.
const PROTOCOL: u32 = 3 << 16;
const TLS_REQUEST: u32 = 80_877_103;

/// Under these the server writes every value in one way. Numbers that a shop has set for the
/// account or the database do not count.
const SETTINGS: [(&str, &str); 11] = [
    ("application_name", "balefire"),
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO, YMD"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
    ("extra_float_digits", "1"),
    ("bytea_output", "hex"),
    ("lc_monetary", "C"),
    ("standard_conforming_strings", "on"),
    // We never stand in the queue before the shop for longer than this.
    ("lock_timeout", "5000"),
    ("idle_in_transaction_session_timeout", "600000"),
];

pub(super) fn connect(
    address: &ServerAddress,
    target: &Target,
    purpose: Purpose,
) -> Result<Wire, ConnectError> {
    let unreachable = |source| ConnectError::Unreachable {
        server: target.server(),
        source,
    };
    let socket = match &target.host {
        Host::Socket(folder) => {
            let path = folder.join(format!(".s.PGSQL.{}", target.port));
            Socket::Unix(UnixStream::connect(path).map_err(unreachable)?)
        }
        Host::Name(name) => {
            let tcp = reached(name, target.port).map_err(unreachable)?;
            match address.tls {
                TlsMode::Off => Socket::Tcp(tcp),
                TlsMode::Verify => Socket::Tls(Box::new(with_tls(address, target, name, tcp)?)),
            }
        }
    };
    let secret = !matches!(socket, Socket::Tcp(_));
    let mut wire = Wire::new(socket).map_err(unreachable)?;
    start(&mut wire, target, purpose);
    let mut login = Login {
        wire,
        target,
        secret,
        scram: None,
    };
    login.run()?;
    Ok(login.wire)
}

fn reached(name: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (name, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_WITHIN) {
            Ok(tcp) => {
                tcp.set_read_timeout(Some(LOGIN_WITHIN))?;
                tcp.set_write_timeout(Some(LOGIN_WITHIN))?;
                return Ok(tcp);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn with_tls(
    address: &ServerAddress,
    target: &Target,
    name: &str,
    mut tcp: TcpStream,
) -> Result<tls::TlsStream, ConnectError> {
    let mut request = [0; 8];
    request[..4].copy_from_slice(&8_u32.to_be_bytes());
    request[4..].copy_from_slice(&TLS_REQUEST.to_be_bytes());
    let mut answer = [0];
    tcp.write_all(&request)
        .and_then(|()| tcp.read_exact(&mut answer))
        .map_err(|source| ConnectError::Unreachable {
            server: target.server(),
            source,
        })?;
    if answer != *b"S" {
        return Err(ConnectError::Tls {
            server: target.server(),
            what: "the server has it switched off".to_owned(),
            source: None,
        });
    }
    tls::secured(address, target, name, tcp)
}

fn start(wire: &mut Wire, target: &Target, purpose: Purpose) {
    wire.put(0, |out| {
        out.extend_from_slice(&PROTOCOL.to_be_bytes());
        let own = [
            ("user", target.user.as_str()),
            ("database", target.database.as_str()),
        ];
        for (name, value) in own.into_iter().chain(SETTINGS) {
            put_text(out, name);
            put_text(out, value);
        }
        if purpose == Purpose::Follow {
            put_text(out, "replication");
            put_text(out, "database");
        }
        out.push(0);
    });
}

struct Login<'a> {
    wire: Wire,
    target: &'a Target,
    /// Nobody between us and the server can read along.
    secret: bool,
    scram: Option<ScramSha256>,
}

impl Login<'_> {
    fn run(&mut self) -> Result<(), ConnectError> {
        loop {
            self.wire.flush().map_err(|e| self.unreachable(e))?;
            let next = self.wire.next(Wait::Within(LOGIN_WITHIN));
            let message = match next.map_err(|e| self.unreachable(e))? {
                Some(message) => message,
                None => return Err(self.unreachable(io::ErrorKind::TimedOut.into())),
            };
            match message.tag {
                b'R' => self.authenticate(&message)?,
                b'E' => {
                    let (_, code, message) = error_fields(self.wire.body(&message));
                    return Err(self.refused(&code, &message));
                }
                b'Z' => return Ok(()),
                // Settings, the key for cancelling, notices, another minor protocol.
                b'S' | b'K' | b'N' | b'v' => {}
                _ => return Err(self.odd()),
            }
        }
    }

    fn authenticate(&mut self, message: &Message) -> Result<(), ConnectError> {
        let mut body = Reader(self.wire.body(message));
        let kind = body.u32().ok_or_else(|| self.odd())?;
        let password = self.target.password.as_deref();
        if kind == 0 {
            return Ok(());
        }
        let Some(password) = password else {
            return Err(self.refused("28P01", "it asks for a password, and the address has none"));
        };
        let answer = match kind {
            3 if self.secret => text_of(password),
            3 => return Err(self.refused("28000", "it asks for the password in the clear")),
            5 => {
                let salt = body.take(4).and_then(|s| s.try_into().ok());
                let salt = salt.ok_or_else(|| self.odd())?;
                text_of(&md5_hash(
                    self.target.user.as_bytes(),
                    password.as_bytes(),
                    salt,
                ))
            }
            10 => {
                let mut offers = std::iter::from_fn(|| body.text().filter(|t| !t.is_empty()));
                if !offers.any(|offer| offer == SCRAM_SHA_256.as_bytes()) {
                    return Err(self.refused("28000", "it offers no login that we know"));
                }
                let scram = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
                let mut answer = text_of(SCRAM_SHA_256);
                answer.extend_from_slice(&(scram.message().len() as u32).to_be_bytes());
                answer.extend_from_slice(scram.message());
                self.scram = Some(scram);
                answer
            }
            11 => {
                let rest = body.0.to_vec();
                let target = self.target;
                let scram = self.scram.as_mut().ok_or_else(|| wrong(target))?;
                scram.update(&rest).map_err(|_| wrong(self.target))?;
                scram.message().to_vec()
            }
            12 => {
                let rest = body.0.to_vec();
                let mut scram = self.scram.take().ok_or_else(|| wrong(self.target))?;
                // The server proves here that it knows the password too.
                return scram.finish(&rest).map_err(|_| wrong(self.target));
            }
            _ => return Err(self.refused("28000", "it asks for a login that we do not know")),
        };
        self.wire.put(b'p', |out| out.extend_from_slice(&answer));
        Ok(())
    }

    fn unreachable(&self, source: io::Error) -> ConnectError {
        ConnectError::Unreachable {
            server: self.target.server(),
            source,
        }
    }
    fn refused(&self, code: &str, message: &str) -> ConnectError {
        ConnectError::LoginRefused {
            server: self.target.server(),
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }
    fn odd(&self) -> ConnectError {
        wrong(self.target)
    }
}

fn wrong(target: &Target) -> ConnectError {
    ConnectError::Protocol {
        doing: format!("logging in to {}", target.server()),
        what: "the login does not follow its rules".to_owned(),
    }
}

fn text_of(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 1);
    put_text(&mut out, text);
    out
}

/// Whether an error ends the connection, its SQLSTATE, and its message. Details are left out: they
/// may hold values of the shop.
pub(super) fn error_fields(body: &[u8]) -> (bool, String, String) {
    let (mut fatal, mut code, mut message) = (false, String::new(), String::new());
    let mut reader = Reader(body);
    while let Some(field) = reader.u8().filter(|f| *f != 0) {
        let Some(text) = reader.text() else { break };
        match field {
            b'V' => fatal = matches!(text, b"FATAL" | b"PANIC"),
            b'C' => code = String::from_utf8_lossy(text).into_owned(),
            b'M' => message = String::from_utf8_lossy(text).into_owned(),
            _ => {}
        }
    }
    (fatal, code, message)
}
