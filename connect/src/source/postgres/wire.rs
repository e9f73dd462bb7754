//! Bytes to and from the server: a socket with or without TLS, cut into messages of the protocol
//! (PostgreSQL documentation, chapter "Frontend/Backend Protocol", version 3.0).
//!
//! Deliberately not here: what the messages mean.

use super::tls::TlsStream;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// A field has at most 1 GiB; a row of several such fields cannot be read. The buffer grows with
/// what really arrives, never with what a length claims.
const MAX_MESSAGE_BYTES: usize = (1 << 30) + (1 << 20);
/// What one read takes from the socket.
const CHUNK_BYTES: usize = 256 << 10;
/// A buffer that grew beyond this for one long message is given back behind it.
const KEPT_BYTES: usize = 8 << 20;
/// The server must take what we say within this time.
const WRITE_WITHIN: Duration = Duration::from_secs(30);

pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream>),
}

/// How long a message is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wait {
    /// Only what is there already.
    Not,
    /// Each read from the socket gets this time.
    Within(Duration),
    Until(Instant),
}

/// One message; its body stands in the wire's buffer until the next one is asked for.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) tag: u8,
    body: Range<usize>,
}

pub(super) struct Wire {
    socket: Socket,
    /// What the socket was told last, so that it is told again only when that changes.
    waits: Option<Option<Duration>>,
    input: Vec<u8>,
    start: usize,
    end: usize,
    output: Vec<u8>,
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
            output: Vec::new(),
        })
    }

    pub(super) fn body(&self, message: &Message) -> &[u8] {
        self.input.get(message.body.clone()).unwrap_or(&[])
    }

    /// The next message; `None` when it did not arrive in time. What arrived of it is kept.
    pub(super) fn next(&mut self, wait: Wait) -> io::Result<Option<Message>> {
        loop {
            if let Some(message) = self.buffered()? {
                return Ok(Some(message));
            }
            if !self.fill(wait)? {
                return Ok(None);
            }
        }
    }

    fn buffered(&mut self) -> io::Result<Option<Message>> {
        let held = &self.input[self.start..self.end];
        let Some((head, _)) = held.split_at_checked(5) else {
            return Ok(None);
        };
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if !(4..=MAX_MESSAGE_BYTES).contains(&length) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a message has an impossible length",
            ));
        }
        if held.len() < length + 1 {
            return Ok(None);
        }
        let (tag, body) = (head[0], self.start + 5..self.start + 1 + length);
        self.start = body.end;
        Ok(Some(Message { tag, body }))
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
            // Doubled, so that a long message is not copied again for each chunk of it.
            self.input
                .resize((self.end * 2).max(self.end + CHUNK_BYTES), 0);
        }
        if !self.set_wait(wait)? {
            return Ok(false);
        }
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
                Ok(true)
            }
            Err(e) => match e.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Ok(false),
                io::ErrorKind::Interrupted => Ok(true),
                _ => Err(e),
            },
        }
    }

    /// False when the time is up already.
    fn set_wait(&mut self, wait: Wait) -> io::Result<bool> {
        let time = match wait {
            Wait::Not => None,
            Wait::Within(time) => Some(time),
            Wait::Until(at) => {
                let left = at.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Ok(false);
                }
                // A socket counts in milliseconds at best.
                Some(left.max(Duration::from_millis(1)))
            }
        };
        if self.waits == Some(time) {
            return Ok(true);
        }
        let was_blocking = matches!(self.waits, Some(Some(_)));
        if time.is_some() != was_blocking || self.waits.is_none() {
            self.set_nonblocking(time.is_none())?;
        }
        if time.is_some() {
            match &self.socket {
                Socket::Tcp(tcp) => tcp.set_read_timeout(time),
                Socket::Unix(unix) => unix.set_read_timeout(time),
                Socket::Tls(tls) => tls.sock.set_read_timeout(time),
            }?;
        }
        self.waits = Some(time);
        Ok(true)
    }

    fn set_nonblocking(&self, on: bool) -> io::Result<()> {
        match &self.socket {
            Socket::Tcp(tcp) => tcp.set_nonblocking(on),
            Socket::Unix(unix) => unix.set_nonblocking(on),
            Socket::Tls(tls) => tls.sock.set_nonblocking(on),
        }
    }

    /// Writes a message into the output; [`Wire::flush`] sends it. A tag of 0 is left out.
    pub(super) fn put(&mut self, tag: u8, body: impl FnOnce(&mut Vec<u8>)) {
        if tag != 0 {
            self.output.push(tag);
        }
        let at = self.output.len();
        self.output.extend_from_slice(&[0; 4]);
        body(&mut self.output);
        // What we say is far below 4 GiB: statements and lists of keys.
        let length = (self.output.len() - at) as u32;
        self.output[at..at + 4].copy_from_slice(&length.to_be_bytes());
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        if matches!(self.waits, Some(None)) {
            self.set_nonblocking(false)?;
            self.waits = None;
        }
        match &mut self.socket {
            Socket::Tcp(tcp) => tcp.write_all(&self.output)?,
            Socket::Unix(unix) => unix.write_all(&self.output)?,
            Socket::Tls(tls) => {
                tls.write_all(&self.output)?;
                tls.flush()?;
            }
        }
        self.output.clear();
        Ok(())
    }
}

/// Text as the protocol ends it.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}

/// Reads a body from its front; `None` behind its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk()?;
        self.0 = tail;
        Some(*head)
    }
    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[b]| b)
    }
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }
    pub(super) fn i16(&mut self) -> Option<i16> {
        self.array().map(i16::from_be_bytes)
    }
    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }
    pub(super) fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }
    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }
    pub(super) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }
    /// Bytes up to the next zero, which is taken too.
    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|b| *b == 0)?;
        let text = self.take(end)?;
        self.u8()?;
        Some(text)
    }
}
