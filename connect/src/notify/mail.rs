//! Mail by SMTP: plain text, one receiver, over TLS unless the server is this machine.
//!
//! Deliberately not here: HTML, attachments, encrypted mail. The mail server stands in the
//! operator's own file and usually on the inside, so the guard of `outbound` does not apply to it.

use super::{Channel, ChannelKind, Handed, Limit, Message, SecretFile, SendError, text};
use crate::outbound::authorities;
use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    Certificate, CertificateStore, SmtpConnection, TlsParameters,
};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message as Letter};
use model::Instant;
use std::path::PathBuf;
use std::time::{Duration, Instant as Moment};

pub const LIMIT: Limit = Limit {
    messages: 60,
    per_s: 60,
};
/// Of a body; a page of text, not a document.
const MAX_BODY_BYTES: usize = 64 * 1_024;
const MAX_SUBJECT_BYTES: usize = 400;
/// From the connection to the server's word that it has the message.
const TIME_OUT: Duration = Duration::from_secs(15);

/// How the connection is kept from listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Must be offered, else nothing is sent; port 587.
    StartTls,
    /// From the first byte; port 465.
    Implicit,
    /// In the clear: for a server on this machine.
    None,
}

impl Encryption {
    pub const fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Implicit => 465,
            Self::None => 25,
        }
    }
}

/// Name and address of who sends.
pub type Sender = Mailbox;

/// `Name <name@shop.example>` or the address alone; `None` for anything else.
pub fn sender(text: &str) -> Option<Sender> {
    text.parse().ok()
}

pub struct Mail {
    pub name: String,
    pub host: String,
    pub port: u16,
    pub encryption: Encryption,
    pub from: Sender,
    /// User name and password; sent over TLS only.
    pub login: Option<(String, SecretFile)>,
    pub ca_file: Option<PathBuf>,
    pub limit: Limit,
}

impl Channel for Mail {
    fn name(&self) -> &str {
        &self.name
    }
    fn kind(&self) -> ChannelKind {
        ChannelKind::Mail
    }
    fn limit(&self) -> Limit {
        self.limit
    }
    fn send(&self, message: &Message, now: Instant) -> Result<Handed, SendError> {
        let never = |why: &str| SendError::Never { why: why.into() };
        let to: Address = (message.to.trim().parse())
            .map_err(|_| never("the address is no mail address such as name@shop.example"))?;
        let letter = self
            .letter(message, to.clone(), now)
            .map_err(|_| never("the message cannot be written as mail"))?;
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to])
            .map_err(|_| never("the message has no receiver"))?;
        self.deliver(&envelope, &letter)?;
        Ok(Handed {
            provider_id: None,
            delivered: false,
        })
    }
}

impl Mail {
    /// Every value goes through the builder's encoders: none can begin a header of its own.
    fn letter(
        &self,
        message: &Message,
        to: Address,
        now: Instant,
    ) -> Result<Vec<u8>, lettre::error::Error> {
        let mut body = text::cut(&text::tidy(&message.body), MAX_BODY_BYTES, text::as_it_is);
        if let Some(link) = &message.link {
            body.push_str("\n\n");
            body.push_str(&text::one_line(link));
        }
        body.push('\n');
        let subject = text::cut(&text::subject(message), MAX_SUBJECT_BYTES, text::as_it_is);
        let mut letter = Letter::builder()
            .date(std::time::UNIX_EPOCH + Duration::from_micros(now.0.max(0).unsigned_abs()))
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .message_id(Some(self.message_id(message)))
            .header(ContentType::TEXT_PLAIN)
            .body(
                Body::new_with_encoding(body, ContentTransferEncoding::Base64).unwrap_or_else(
                    |body| Body::dangerous_pre_encoded(body, ContentTransferEncoding::Binary),
                ),
            )?;
        // Whoever answers automatically should not answer this (RFC 3834).
        for (name, value) in [
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
        ] {
            let name = HeaderName::new_from_ascii_str(name);
            letter
                .headers_mut()
                .insert_raw(HeaderValue::new(name, value.to_owned()));
        }
        Ok(letter.formatted())
    }

    /// Our own id, so that a second copy is recognised by mail programs.
    fn message_id(&self, message: &Message) -> String {
        let id: String = (message.id.as_str().chars())
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '-' {
                    c
                } else {
                    '.'
                }
            })
            .collect();
        format!("<{id}@{}>", self.from.email.domain())
    }

    fn deliver(&self, envelope: &Envelope, letter: &[u8]) -> Result<(), SendError> {
        let end = Moment::now() + TIME_OUT;
        let left = || {
            Some(
                end.saturating_duration_since(Moment::now())
                    .max(Duration::from_millis(1)),
            )
        };
        let tls = match self.encryption {
            Encryption::None => None,
            Encryption::StartTls | Encryption::Implicit => Some(self.tls()?),
        };
        let hello = ClientId::Domain(self.from.email.domain().to_owned());
        let from_the_start = tls
            .as_ref()
            .filter(|_| self.encryption == Encryption::Implicit);
        let server = (self.host.as_str(), self.port);
        let mut connection = SmtpConnection::connect(server, left(), &hello, from_the_start, None)
            .map_err(refused)?;
        let on_time =
            |connection: &mut SmtpConnection| connection.set_timeout(left()).map_err(|_| lost());
        if let Some(tls) = tls.filter(|_| self.encryption == Encryption::StartTls) {
            if !connection.can_starttls() {
                connection.abort();
                return Err(SendError::Broken {
                    why: "the mail server does not offer STARTTLS; nothing was sent in the clear"
                        .into(),
                });
            }
            on_time(&mut connection)?;
            connection.starttls(&tls, &hello).map_err(refused)?;
        }
        if let Some((user, password)) = &self.login {
            let password = password.for_sending()?;
            let login = Credentials::new(user.clone(), password.reveal().to_owned());
            on_time(&mut connection)?;
            connection
                .auth(&[Mechanism::Plain, Mechanism::Login], &login)
                .map_err(login_refused)?;
        }
        on_time(&mut connection)?;
        connection.send(envelope, letter).map_err(refused)?;
        // It has the message; whether it says goodbye changes nothing.
        let _ = connection.set_timeout(Some(Duration::from_secs(1)));
        let _ = connection.quit();
        Ok(())
    }

    fn tls(&self) -> Result<TlsParameters, SendError> {
        let broken = |why: String| SendError::Broken { why };
        let roots = authorities(self.ca_file.as_deref()).map_err(|e| broken(e.to_string()))?;
        let mut tls =
            TlsParameters::builder(self.host.clone()).certificate_store(CertificateStore::None);
        for der in &roots {
            // One that is no authority is left out; without any, the handshake says so.
            if let Ok(root) = Certificate::from_der(der.to_vec()) {
                tls = tls.add_root_certificate(root);
            }
        }
        tls.build_rustls()
            .map_err(|_| broken("TLS cannot be set up; check `host` and `ca_file`".into()))
    }
}

fn lost() -> SendError {
    SendError::Again {
        after_s: None,
        why: "the connection to the mail server was lost".into(),
    }
}

/// A login that is refused for good is a wrong setting, not a bad message.
fn login_refused(error: SmtpError) -> SendError {
    if error.is_permanent() || error.is_client() {
        return SendError::Broken {
            why: "the mail server refused user name and password".into(),
        };
    }
    refused(error)
}

#[expect(clippy::needless_pass_by_value, reason = "it is the end of the error")]
fn refused(error: SmtpError) -> SendError {
    let code = error.status().map(u16::from);
    let answered = |code: u16| format!("the mail server answered {code}");
    match code {
        // Asks for a login or for TLS, or wants nothing from this sender.
        Some(code @ (530 | 534 | 535 | 538)) => SendError::Broken {
            why: answered(code),
        },
        Some(code) if error.is_permanent() => SendError::Never {
            why: answered(code),
        },
        Some(code) => SendError::Again {
            after_s: None,
            why: answered(code),
        },
        None if error.is_tls() || handshake_failed(&error) => SendError::Broken {
            why: "TLS with the mail server failed; check its certificate and `ca_file`".into(),
        },
        None if error.is_timeout() => SendError::Again {
            after_s: None,
            why: "the mail server took longer than 15 s".into(),
        },
        None if error.is_client() => SendError::Never {
            why: "the mail server cannot take such an address".into(),
        },
        None => SendError::Again {
            after_s: None,
            why: "the connection to the mail server failed".into(),
        },
    }
}

/// A refused certificate comes out of the handshake inside an I/O error.
fn handshake_failed(error: &SmtpError) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        let io = source.downcast_ref::<std::io::Error>();
        if io
            .and_then(|io| io.get_ref())
            .is_some_and(|inner| inner.is::<rustls::Error>())
        {
            return true;
        }
        cause = source.source();
    }
    false
}
