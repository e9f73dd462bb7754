//! Bytes to and from the server: a socket with or without TLS, cut into packets of the protocol
//! (MySQL and MariaDB documentation, "Client/Server Protocol").
//!
//! Deliberately not here: what the packets mean. Reading is synchronous, with a time limit on each
//! read; a packet that has not arrived whole is kept and read on from.

use super::tls::TlsStream;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A packet of this length is continued by the next one.
const FULL_PART: usize = 0xff_ffff;
/// `max_allowed_packet` is at most 1 GiB. The buffer grows with what really arrives.
const MAX_PACKET_BYTES: usize = (1 << 30) + (1 << 20);
/// What one read takes from the socket.
const CHUNK_BYTES: usize = 256 << 10;
/// A buffer that grew beyond this for one long packet is given back behind it.
const KEPT_BYTES: usize = 8 << 20;
/// The server must take what we say within this time.
const WRITE_WITHIN: Duration = Duration::from_secs(30);

pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream>),
}

/// How long each read from the socket waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Only what is there already.
    Not,
    Within(Duration),
}

pub(super) struct Wire {
    socket: Socket,
    /// What the socket was told last, so that it is told again only when that changes.
    waits: Option<Wait>,
    input: Vec<u8>,
    start: usize,
    end: usize,
    /// Parts of a packet that is longer than one; empty for all others.
    parts: Vec<u8>,
    /// Where the packet asked for last stands in `input`, when `parts` is empty.
    packet: (usize, usize),
    /// That packet is whole: what comes next is another one.
    whole: bool,
    /// Number of the next packet of the exchange.
    sequence: u8,
    pub(super) received: u64,
}

impl Wire {
    pub(super) fn new(socket: Socket) -> io::Result<Self> {
        let tcp = match &socket {
            Socket::Tcp(tcp) => Some(tcp),
            Socket::Tls(tls) => Some(&tls.sock),
            Socket::Unix(unix) => {
                unix.set_write_timeout(Some(WRITE_WITHIN))?;
                None
            }
        };
        if let Some(tcp) = tcp {
            tcp.set_nodelay(true)?;
            tcp.set_write_timeout(Some(WRITE_WITHIN))?;
        }
        Ok(Self {
            socket,
            waits: None,
            input: Vec::new(),
            start: 0,
            end: 0,
            parts: Vec::new(),
            packet: (0, 0),
            whole: false,
            sequence: 0,
            received: 0,
        })
    }

    /// The bare connection, for the TLS handshake that follows the server's greeting.
    pub(super) fn into_tcp(self) -> Option<TcpStream> {
        match self.socket {
            Socket::Tcp(tcp) if self.start == self.end => Some(tcp),
            _ => None,
        }
    }

    pub(super) fn is_private(&self) -> bool {
        !matches!(self.socket, Socket::Tcp(_))
    }

    /// The packet that [`Wire::next`] brought.
    pub(super) fn packet(&self) -> &[u8] {
        if self.parts.is_empty() {
            self.input.get(self.packet.0..self.packet.1).unwrap_or(&[])
        } else {
            &self.parts
        }
    }

    /// Reads the next packet; false when it did not arrive in time.
    pub(super) fn next(&mut self, wait: Wait) -> io::Result<bool> {
        if std::mem::take(&mut self.whole) {
            self.forget_parts();
        }
        loop {
            if self.buffered()? {
                self.whole = true;
                return Ok(true);
            }
            if !self.fill(wait)? {
                return Ok(false);
            }
        }
    }

    fn forget_parts(&mut self) {
        if self.parts.capacity() > KEPT_BYTES {
            self.parts = Vec::new();
        }
        self.parts.clear();
    }

    fn buffered(&mut self) -> io::Result<bool> {
        loop {
            let held = &self.input[self.start..self.end];
            let Some((head, tail)) = held.split_at_checked(4) else {
                return Ok(false);
            };
            let length =
                usize::from(head[0]) | usize::from(head[1]) << 8 | usize::from(head[2]) << 16;
            if tail.len() < length {
                return Ok(false);
            }
            self.sequence = head[3].wrapping_add(1);
            let from = self.start + 4;
            self.start = from + length;
            if length < FULL_PART && self.parts.is_empty() {
                self.packet = (from, self.start);
                return Ok(true);
            }
            if self.parts.len() + length > MAX_PACKET_BYTES {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a packet is longer than the protocol allows",
                ));
            }
            self.parts.extend_from_slice(&self.input[from..self.start]);
            if length < FULL_PART {
                return Ok(true);
            }
        }
    }

    /// Reads once; false when nothing came in time.
    fn fill(&mut self, wait: Wait) -> io::Result<bool> {
        if self.start > 0 {
            self.input.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            if self.input.len() > KEPT_BYTES && self.end < CHUNK_BYTES {
                self.input.truncate(2 * CHUNK_BYTES);
                self.input.shrink_to_fit();
            }
        }
        if self.input.len() < self.end + CHUNK_BYTES {
            // Doubled, so that a long packet is not copied again for each chunk of it.
            self.input
                .resize((self.end * 2).max(self.end + CHUNK_BYTES), 0);
        }
        self.set_wait(wait)?;
        let space = &mut self.input[self.end..];
        let read = match &mut self.socket {
            Socket::Tcp(tcp) => tcp.read(space),
            Socket::Unix(unix) => unix.read(space),
            Socket::Tls(tls) => tls.read(space),
        };
        match read {
            Ok(0) => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the server closed the connection",
            )),
            Ok(count) => {
                self.end += count;
                self.received += count as u64;
                Ok(true)
            }
            Err(e) => match e.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Ok(false),
                io::ErrorKind::Interrupted => Ok(true),
                _ => Err(e),
            },
        }
    }

    fn set_wait(&mut self, wait: Wait) -> io::Result<()> {
        if self.waits == Some(wait) {
            return Ok(());
        }
        let was_not = matches!(self.waits, Some(Wait::Not));
        if (wait == Wait::Not) != was_not || self.waits.is_none() {
            self.set_nonblocking(wait == Wait::Not)?;
        }
        if let Wait::Within(time) = wait {
            // A socket counts in milliseconds at best, and takes zero for "for ever".
            let time = Some(time.max(Duration::from_millis(1)));
            match &self.socket {
                Socket::Tcp(tcp) => tcp.set_read_timeout(time),
                Socket::Unix(unix) => unix.set_read_timeout(time),
                Socket::Tls(tls) => tls.sock.set_read_timeout(time),
            }?;
        }
        self.waits = Some(wait);
        Ok(())
    }

    fn set_nonblocking(&self, on: bool) -> io::Result<()> {
        match &self.socket {
            Socket::Tcp(tcp) => tcp.set_nonblocking(on),
            Socket::Unix(unix) => unix.set_nonblocking(on),
            Socket::Tls(tls) => tls.sock.set_nonblocking(on),
        }
    }

    /// Sends a packet that begins a new exchange.
    pub(super) fn begin(&mut self, body: &[u8]) -> io::Result<()> {
        self.sequence = 0;
        self.send(body)
    }

    /// Sends the next packet of the exchange.
    pub(super) fn send(&mut self, body: &[u8]) -> io::Result<()> {
        if self.waits == Some(Wait::Not) {
            self.set_nonblocking(false)?;
            self.waits = None;
        }
        let mut output = Vec::with_capacity(body.len() + 4);
        let mut rest = body;
        loop {
            let (part, tail) = rest.split_at(rest.len().min(FULL_PART));
            output.extend_from_slice(&(part.len() as u32).to_le_bytes()[..3]);
            output.push(self.sequence);
            output.extend_from_slice(part);
            self.sequence = self.sequence.wrapping_add(1);
            rest = tail;
            if part.len() < FULL_PART {
                break;
            }
        }
        match &mut self.socket {
            Socket::Tcp(tcp) => tcp.write_all(&output),
            Socket::Unix(unix) => unix.write_all(&output),
            Socket::Tls(tls) => tls.write_all(&output).and_then(|()| tls.flush()),
        }
    }

    pub(super) fn sequence(&self) -> u8 {
        self.sequence
    }

    pub(super) fn set_sequence(&mut self, sequence: u8) {
        self.sequence = sequence;
    }
}
