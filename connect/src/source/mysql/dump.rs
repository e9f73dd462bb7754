//! The binlog as the server sends it to a replica: a connection, the file and the offset.

use super::event::{self, Event, Format, Header, Wrong};
use super::login::refusal;
use super::place;
use super::session::{Session, odd};
use super::wire::Wait;
use crate::ConnectError;
use crate::source::{LostReason, ServerAddress};

const DOING: &str = "following the binlog";
const REGISTER: u8 = 0x15;
const DUMP: u8 = 0x12;
/// MariaDB sends statements with their rows only to those who ask.
const SEND_ANNOTATE: u16 = 2;
/// MariaDB's level at which it sends GTIDs as they are.
const CAPABILITY: u8 = 4;
/// An idle server says so in this time, in nanoseconds.
const HEARTBEAT_NS: u64 = 1_000_000_000;

pub(super) struct Dump {
    session: Session,
    format: Format,
    file: u64,
    offset: u64,
    /// Events of a compressed transaction, and where the next one stands in them.
    unpacked: Vec<u8>,
    unpacked_at: usize,
}

/// What came, or why nothing can come.
pub(super) enum Came<'a> {
    /// And where the source stands behind it.
    Event(Header, Event<'a>, u64),
    Nothing,
    Lost(LostReason),
}

impl Dump {
    pub(super) fn open(address: &ServerAddress, file: &str, at: u64) -> Result<Self, ConnectError> {
        let mut session = Session::open(address)?;
        let id = server_id(&address.slot);
        let mut settings = format!(
            "SET @master_binlog_checksum = @@GLOBAL.binlog_checksum, @master_heartbeat_period = {HEARTBEAT_NS}"
        );
        if session.mariadb {
            settings += &format!(", @mariadb_slave_capability = {CAPABILITY}");
        } else {
            // An earlier connection of ours is ended by it, another replica's is not.
            settings += &format!(
                ", @source_binlog_checksum = @@GLOBAL.binlog_checksum, \
                 @source_heartbeat_period = {HEARTBEAT_NS}, \
                 @slave_uuid = 'ba1ef14e-0000-4000-8000-0000{id:08x}', \
                 @replica_uuid = 'ba1ef14e-0000-4000-8000-0000{id:08x}'"
            );
        }
        session.run("preparing to follow the binlog", &settings)?;
        let mut register = vec![REGISTER];
        register.extend_from_slice(&id.to_le_bytes());
        register.extend_from_slice(b"\x08balefire\0\0");
        register.extend_from_slice(&[0; 10]);
        session.command(&register)?;
        session.packet(DOING)?;
        if session.wire.packet().first() == Some(&0xff) {
            return Err(session.refused("registering as a replica"));
        }
        let offset = at & 0xffff_ffff;
        let mut dump = vec![DUMP];
        dump.extend_from_slice(&(offset as u32).to_le_bytes());
        let flags = if session.mariadb { SEND_ANNOTATE } else { 0 };
        dump.extend_from_slice(&flags.to_le_bytes());
        dump.extend_from_slice(&id.to_le_bytes());
        dump.extend_from_slice(file.as_bytes());
        session.command(&dump)?;
        Ok(Self {
            session,
            format: Format::default(),
            file: at >> 32,
            offset,
            unpacked: Vec::new(),
            unpacked_at: 0,
        })
    }

    fn place(&self) -> u64 {
        place::place(self.file, self.offset)
    }

    /// The next event that came in time. An error ends the connection.
    pub(super) fn next(&mut self, wait: Wait) -> Result<Came<'_>, ConnectError> {
        if self.unpacked_at < self.unpacked.len() {
            return Ok(self.unpacked_event());
        }
        match self.session.wire.next(wait) {
            Ok(true) => {}
            Ok(false) => return Ok(Came::Nothing),
            Err(source) => return Err(self.session.lost(source)),
        }
        // The packet is looked at twice: what it does to our place must be done before it is lent.
        match self.session.wire.packet().first() {
            Some(0) => {}
            Some(0xff) => return self.said_no(),
            _ => {
                let end = std::io::ErrorKind::ConnectionAborted.into();
                return Err(self.session.lost(end));
            }
        }
        if self.session.wire.packet().get(5) == Some(&event::PAYLOAD) {
            return Ok(self.unpack());
        }
        let packet = self.session.wire.packet();
        let bytes = packet.get(1..).unwrap_or(&[]);
        let (header, body) = match event::split(bytes, &self.format) {
            Ok(parts) => parts,
            Err(wrong) => return Ok(Came::Lost(misread(wrong, self.place()))),
        };
        if header.kind == 15 {
            // The checksum's bytes were cut off where there are some: the format is read from all.
            let Some(format) = event::format_of(bytes.get(19..).unwrap_or(&[])) else {
                return Ok(Came::Lost(misread(Wrong::Shape, self.place())));
            };
            self.format = format;
        }
        let event = match event::parse(&header, body, &self.format) {
            Ok(event) => event,
            Err(wrong) => return Ok(Came::Lost(misread(wrong, self.place()))),
        };
        if let Event::Rotate { position, file } = &event {
            let Some(number) = place::number(file) else {
                return Err(odd(DOING, "a file's name has no number"));
            };
            (self.file, self.offset) = (number, *position);
        } else if header.next != 0 && !header.is_artificial() && event != Event::Heartbeat {
            self.offset = moved(self.offset, header.next);
        }
        let place = place::place(self.file, self.offset);
        Ok(Came::Event(header, event, place))
    }

    fn unpack(&mut self) -> Came<'_> {
        let bytes = self.session.wire.packet().get(1..).unwrap_or(&[]);
        let unpacked = event::split(bytes, &self.format).and_then(|(header, body)| {
            let events = event::unpacked(body).ok_or(Wrong::Shape)?;
            Ok((header.next, events))
        });
        match unpacked {
            Ok((next, events)) => {
                (self.unpacked, self.unpacked_at) = (events, 0);
                self.offset = moved(self.offset, next);
                self.unpacked_event()
            }
            Err(wrong) => Came::Lost(misread(wrong, self.place())),
        }
    }

    /// The next event of a compressed transaction; all of them end where it does.
    fn unpacked_event(&mut self) -> Came<'_> {
        let place = self.place();
        let format = self.format.of_payload();
        let left = self.unpacked.get(self.unpacked_at..).unwrap_or(&[]);
        let size = left.get(9..13).and_then(|s| s.try_into().ok());
        let size = size.map_or(0, |s| u32::from_le_bytes(s) as usize);
        // What is not an event ends the payload.
        let bytes = left.get(..size).unwrap_or(&[]);
        self.unpacked_at += if bytes.is_empty() { left.len() } else { size };
        let parts = event::split(bytes, &format);
        let event =
            parts.and_then(|(header, body)| Ok((header, event::parse(&header, body, &format)?)));
        match event {
            Ok((header, event)) => Came::Event(header, event, place),
            Err(wrong) => Came::Lost(misread(wrong, place)),
        }
    }

    fn said_no(&mut self) -> Result<Came<'_>, ConnectError> {
        let (code, message) = refusal(self.session.wire.packet());
        self.session.broken = true;
        if code.ends_with("/1236") {
            return Ok(Came::Lost(reason(&message, self.file)));
        }
        Err(ConnectError::Server {
            doing: DOING.to_owned(),
            code,
            message,
        })
    }
}

/// Only 32 bits of the offset stand in events.
fn moved(offset: u64, next: u32) -> u64 {
    let moved = offset & !0xffff_ffff | u64::from(next);
    if moved < offset {
        moved + (1 << 32)
    } else {
        moved
    }
}

fn misread(wrong: Wrong, place: u64) -> LostReason {
    let (file, offset) = (place >> 32, place & 0xffff_ffff);
    let what = match wrong {
        Wrong::Shape => "is not understood",
        Wrong::Checksum => "does not have its checksum",
    };
    LostReason::Unlogged {
        what: format!("the event behind {file}:{offset} {what}"),
    }
}

/// What the server's words mean; it has one number for all of them.
fn reason(message: &str, file: u64) -> LostReason {
    let lower = message.to_lowercase();
    if lower.contains("could not find first log") || lower.contains("purged") {
        return LostReason::LogPurged {
            file: format!("number {file}"),
        };
    }
    LostReason::OtherHistory {
        detail: message.to_owned(),
    }
}

/// A replica's number, which no other replica of the server may have: from the name that the
/// configuration gives, in the upper half, where people put none.
pub(super) fn server_id(slot: &str) -> u32 {
    let hash = slot.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash | 0x8000_0000
}
