//! Single sign-on by OpenID Connect: authorisation code with PKCE (RFC 7636), state and nonce.
//!
//! ```text
//! browser ─► begin: a sealed cookie keeps state, nonce, verifier ─► provider ─► finish:
//!   state = the cookie's? ─► code for tokens ─► ID token checked ─► groups ─► positions ─► session
//! ```
//!
//! The crate `openidconnect` was looked at: 138 crates, among them an RSA in pure Rust that leaks
//! timing, for what ring verifies in `id_token`. Deliberately not here: cookies (room `web`).

pub mod config;
pub mod id_token;

use super::membership::AccountRefusal;
use super::people::{NO_PASSWORD, SIGN_ONS, check_name};
use crate::account::{LoginError, token};
use crate::{Desk, DeskError};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use config::OidcConfig;
use connect::outbound::{
    AllowList, Method, Outbound, OutboundError, Request, SystemLookup, Target,
};
use id_token::{Expected, Keys, TokenError};
use model::{AccountId, Digest, Instant, PositionId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex, PoisonError};
use store::{Account, AccountChange, AccountState, Batch, StoreError};

/// A login at the provider must be finished within this.
const BEGUN_S: i64 = 600;
const PURPOSE: &str = "single sign-on";
/// The provider's description is asked for anew after this; its keys too when one is unknown.
const KNOWN_S: i64 = 600;
/// By issuer and subject: the account.
const SUBJECTS: &str = "sign_on_subject";
const MAX_GROUPS: usize = 500;

#[derive(Debug, thiserror::Error)]
pub enum SignOnError {
    #[error("single sign-on is not set up")]
    NotConfigured,
    #[error("the answer belongs to no login that was begun here")]
    State,
    #[error("the provider cannot be asked")]
    Outbound(#[from] OutboundError),
    #[error("the provider answered with {status} to {what}")]
    Status { what: &'static str, status: u16 },
    #[error("the provider's {what} cannot be used")]
    Answer { what: &'static str },
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("none of the person's groups has a position here")]
    NoPosition,
    #[error("the account is disabled here")]
    Disabled,
}

/// What is known of the provider, kept for a while.
#[derive(Default)]
pub(crate) struct Provider {
    known: Mutex<Option<(Instant, Arc<Known>)>>,
}

#[derive(Clone)]
struct Known {
    description: Description,
    keys: Keys,
}

#[derive(Clone, Debug, Deserialize)]
struct Description {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    end_session_endpoint: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Begun {
    state: String,
    nonce: String,
    verifier: String,
    next: String,
}

/// Where the browser goes, and what it keeps meanwhile.
pub struct Departure {
    pub url: String,
    pub cookie: String,
}

impl Desk {
    pub fn has_sign_on(&self) -> bool {
        self.config().oidc.is_some()
    }

    /// Begins a login at the provider; `next` is where to go afterwards.
    pub fn begin_sign_on(&self, next: &str) -> Result<Departure, LoginError> {
        let config = self.sign_on_config()?;
        let known = self.provider(config, false)?;
        let begun = Begun {
            state: token()?,
            nonce: token()?,
            verifier: token()?,
            next: next.to_owned(),
        };
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(begun.verifier.as_bytes()));
        let url = query(
            &known.description.authorization_endpoint,
            &[
                ("response_type", "code"),
                ("client_id", &config.client_id),
                ("redirect_uri", &config.redirect),
                ("scope", &config.scope),
                ("state", &begun.state),
                ("nonce", &begun.nonce),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
            ],
        );
        let until = self.now().plus_s(BEGUN_S);
        let cookie = self.ticket(PURPOSE, begun, until)?;
        Ok(Departure { url, cookie })
    }

    /// Finishes a login; gives the session's token and where to go.
    pub fn finish_sign_on(
        &self,
        cookie: &str,
        state: &str,
        code: &str,
        device: &str,
    ) -> Result<(String, String), LoginError> {
        let config = self.sign_on_config()?;
        let begun: Option<Begun> = self.read_ticket(PURPOSE, cookie);
        let begun = begun.ok_or(SignOnError::State)?;
        if begun.state != state || code.is_empty() {
            return Err(SignOnError::State.into());
        }
        let known = self.provider(config, false)?;
        let text = exchange(config, &known.description, code, &begun.verifier)?;
        let expected = Expected {
            issuer: &config.issuer,
            client: &config.client_id,
            nonce: &begun.nonce,
            now: self.now(),
        };
        let claims = match id_token::verify(&text, &known.keys, &expected) {
            // The provider changed its keys since they were read.
            Err(TokenError::UnknownKey) => {
                id_token::verify(&text, &self.provider(config, true)?.keys, &expected)
            }
            other => other,
        };
        let account = self.admit_signed_on(config, &claims.map_err(SignOnError::from)?)?;
        let session = self.open_session_for(&account, device, crate::account::SESSION_S)?;
        Ok((session, begun.next))
    }

    /// Where whoever came by single sign-on ends the provider's session too.
    pub fn sign_on_end(&self) -> Option<String> {
        let config = self.config().oidc.as_ref()?;
        let known = self.provider(config, false).ok()?;
        let end = known.description.end_session_endpoint.as_ref()?;
        Some(query(end, &[("client_id", &config.client_id)]))
    }

    fn sign_on_config(&self) -> Result<&OidcConfig, SignOnError> {
        self.config()
            .oidc
            .as_ref()
            .ok_or(SignOnError::NotConfigured)
    }

    fn provider(&self, config: &OidcConfig, anew: bool) -> Result<Arc<Known>, SignOnError> {
        let now = self.now();
        let kept = self.inner.sign_on.known.lock();
        let kept = kept.unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, known)) = kept.filter(|(at, _)| !anew && at.plus_s(KNOWN_S) > now) {
            return Ok(known);
        }
        let known = Arc::new(discover(config)?);
        let mut kept = (self.inner.sign_on.known.lock()).unwrap_or_else(PoisonError::into_inner);
        *kept = Some((now, Arc::clone(&known)));
        Ok(known)
    }

    /// The account behind the claims: made at the first login, never brought back once disabled.
    /// Its positions follow the provider's groups at every login.
    fn admit_signed_on(
        &self,
        config: &OidcConfig,
        claims: &Value,
    ) -> Result<AccountId, LoginError> {
        let subject = claims["sub"].as_str().unwrap_or_default();
        let key = Digest::of(format!("{}\0{subject}", config.issuer).as_bytes()).to_string();
        let positions = config.positions_of(&groups(&claims[&config.group_claim]));
        let known = self.store().document(SUBJECTS, &key)?;
        let id = match known {
            Some(known) => serde_json::from_str(&known.json).map_err(DeskError::from)?,
            None if positions.is_empty() => return Err(SignOnError::NoPosition.into()),
            None => self.name_signed_on(&key, claims, config)?,
        };
        let Some(account) = self.store().account(&id)? else {
            self.make_signed_on(&id, claims, positions)?;
            return Ok(id);
        };
        if account.state != AccountState::Active {
            return Err(SignOnError::Disabled.into());
        }
        if account.positions != positions {
            let mut change = AccountChange::of(&id, &[AccountState::Active]);
            change.positions = Some(positions.clone());
            let by = AccountId::new("single-sign-on");
            self.change_member(change, "account-positions", &by, Vec::new())?;
        }
        match positions.is_empty() {
            true => Err(SignOnError::NoPosition.into()),
            false => Ok(id),
        }
    }

    /// Chooses the account's name and binds the subject to it. A name that is taken is never
    /// taken over: somebody else's account is not a matter of what the provider calls a person.
    fn name_signed_on(
        &self,
        key: &str,
        claims: &Value,
        config: &OidcConfig,
    ) -> Result<AccountId, DeskError> {
        let wished = claims["preferred_username"]
            .as_str()
            .or(claims["email"].as_str());
        let plain = |c: &char| c.is_ascii_alphanumeric() || "-_.@".contains(*c);
        let wished: String = wished
            .unwrap_or_default()
            .chars()
            .filter(plain)
            .take(48)
            .collect();
        let short: String = key.chars().rev().take(8).collect();
        let own = AccountId::new(wished.as_str());
        let free = check_name(&own, "name").is_ok() && self.store().account(&own)?.is_none();
        let id = match free {
            true => own,
            false => AccountId::new(format!("sso-{short}")),
        };
        let at = json!({ "issuer": config.issuer, "subject": claims["sub"], "since": self.now() });
        let commit = self.store().commit(Batch {
            documents: vec![
                self.document(SUBJECTS, key, 0, serde_json::to_string(&id)?),
                self.document(SIGN_ONS, id.as_str(), 0, at.to_string()),
            ],
            ..Batch::default()
        });
        match commit {
            // Two logins at once: the other one has bound it.
            Err(StoreError::Conflict { .. }) => {
                let known = self.store().document(SUBJECTS, key)?;
                let known = known.ok_or(AccountRefusal::State)?;
                Ok(serde_json::from_str(&known.json)?)
            }
            other => other.map(|_| id).map_err(DeskError::from),
        }
    }

    fn make_signed_on(
        &self,
        id: &AccountId,
        claims: &Value,
        positions: Vec<PositionId>,
    ) -> Result<(), DeskError> {
        let shown = claims["name"].as_str().unwrap_or(id.as_str());
        let shown = shown.chars().filter(|c| !c.is_control());
        let leaf = json!({ "kind": "account-signed-on", "account": id, "positions": positions, "at": self.now() });
        let account = Account {
            id: id.clone(),
            name: shown.take(crate::account::MAX_NAME_CHARS).collect(),
            password_hash: NO_PASSWORD.to_owned(),
            positions,
            state: AccountState::Active,
            created_at: self.now(),
        };
        match self
            .store()
            .add_account(account, serde_json::to_vec(&leaf)?)
        {
            Err(StoreError::Conflict { .. }) | Ok(()) => {}
            Err(error) => return Err(error.into()),
        }
        self.touched();
        Ok(())
    }
}

fn outbound(config: &OidcConfig) -> Result<Outbound, SignOnError> {
    let allow = AllowList::parse(&config.allow);
    let allow = allow.map_err(|_| SignOnError::Answer {
        what: "list `allow`",
    })?;
    Ok(Outbound::new(
        allow,
        config.ca_file.as_deref(),
        Arc::new(SystemLookup),
    )?)
}

fn discover(config: &OidcConfig) -> Result<Known, SignOnError> {
    let base = config.issuer.trim_end_matches('/');
    let description: Description = get(
        config,
        &format!("{base}/.well-known/openid-configuration"),
        "description",
    )?;
    // OpenID Connect Discovery 1.0, section 4.3: it must be the one that was asked.
    if description.issuer != config.issuer {
        return Err(SignOnError::Answer { what: "issuer" });
    }
    let keys = get(config, &description.jwks_uri, "keys")?;
    Ok(Known { description, keys })
}

fn get<T: serde::de::DeserializeOwned>(
    config: &OidcConfig,
    url: &str,
    what: &'static str,
) -> Result<T, SignOnError> {
    let target = Target::parse(url)?;
    let answer = outbound(config)?.send(Request {
        method: Method::Get,
        target: &target,
        headers: vec![("accept".into(), "application/json".into())],
        body: Vec::new(),
    })?;
    if answer.status != 200 {
        let status = answer.status;
        return Err(SignOnError::Status { what, status });
    }
    serde_json::from_slice(&answer.body).map_err(|_| SignOnError::Answer { what })
}

/// The code for an ID token.
fn exchange(
    config: &OidcConfig,
    description: &Description,
    code: &str,
    verifier: &str,
) -> Result<String, SignOnError> {
    let mut headers = vec![
        ("accept".to_owned(), "application/json".to_owned()),
        (
            "content-type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        ),
    ];
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", config.redirect.as_str()),
        ("code_verifier", verifier),
    ];
    match &config.client_secret_file {
        Some(file) => {
            let secret = std::fs::read_to_string(file);
            let secret = secret.map_err(|_| SignOnError::Answer {
                what: "client secret",
            })?;
            let secret = secret.trim_end_matches(['\r', '\n']);
            // RFC 6749 section 2.3.1: both are form-encoded before they are joined.
            let both = format!("{}:{}", encoded(&config.client_id), encoded(secret));
            let basic = format!("Basic {}", BASE64_STANDARD.encode(both));
            headers.push(("authorization".to_owned(), basic));
        }
        None => pairs.push(("client_id", &config.client_id)),
    }
    let target = Target::parse(&description.token_endpoint)?;
    let answer = outbound(config)?.send(Request {
        method: Method::Post,
        target: &target,
        headers,
        body: form(&pairs).into_bytes(),
    })?;
    let what = "request for tokens";
    if answer.status != 200 {
        let status = answer.status;
        return Err(SignOnError::Status { what, status });
    }
    let body: Value =
        serde_json::from_slice(&answer.body).map_err(|_| SignOnError::Answer { what })?;
    let text = body["id_token"].as_str();
    Ok(text
        .ok_or(SignOnError::Answer { what: "ID token" })?
        .to_owned())
}

fn groups(claim: &Value) -> Vec<String> {
    match claim {
        Value::String(one) => vec![one.clone()],
        Value::Array(all) => (all.iter().take(MAX_GROUPS))
            .filter_map(|g| g.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

fn query(url: &str, pairs: &[(&str, &str)]) -> String {
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{}", form(pairs))
}

fn form(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = (pairs.iter())
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    pairs.join("&")
}

fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    text.bytes()
        .map(|b| match plain(b) {
            true => char::from(b).to_string(),
            false => format!("%{b:02X}"),
        })
        .collect()
}
