//! API tokens: one's own, and everybody's for who manages accounts.

use super::proposals::{ProposalLine, waiting};
use super::{failed, once, only};
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use desk::DeskError;
use desk::identity::AccountRefusal;
use desk::identity::api_token::{NewToken, Scope, TokenOutcome, TokenView};
use plan::Act;

const HERE: &str = "/settings/tokens";
/// Tokens on one page.
const SHOWN: usize = 200;

struct TokenLine {
    t: TokenView,
    scopes: String,
    state: &'static str,
    mark: &'static str,
}

#[derive(Template)]
#[template(path = "settings_tokens.html")]
struct TokensPage<'a> {
    v: View<'a>,
    tab: &'static str,
    tokens: Vec<TokenLine>,
    scopes: Vec<Scope>,
    proposals: Vec<ProposalLine>,
    manages: bool,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    match build(visit) {
        Ok(page) => Reply::page(&page),
        Err(error) => failed(visit, &error, "/settings"),
    }
}

fn build(visit: &Visit) -> Result<TokensPage<'_>, DeskError> {
    let v = View::titled(visit, Section::Settings, "settings-tab-tokens");
    let manages = visit.may(Act::ManageAccounts);
    let whose = if manages { None } else { v.account() };
    let tokens = visit.desk().tokens(whose)?;
    let line = |t: TokenView| {
        let (state, mark) = match &t {
            t if t.revoked_at.is_some() => ("revoked", "off"),
            t if t.expires_at <= v.now => ("expired", "off"),
            _ => ("live", "ok"),
        };
        let scopes: Vec<&str> = t.scopes.iter().map(|s| s.code()).collect();
        TokenLine {
            scopes: scopes.join(", "),
            state,
            mark,
            t,
        }
    };
    let tokens = tokens.into_iter().take(SHOWN).map(line).collect();
    let mut proposals = waiting(&v)?;
    proposals.retain(|p| p.what == "token");
    Ok(TokensPage {
        tab: "tokens",
        tokens,
        scopes: Scope::ALL.to_vec(),
        proposals,
        manages,
        v,
    })
}

pub(crate) fn make(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &["name", "scope", "days"]) {
        return reply;
    }
    match ask(visit) {
        Ok(TokenOutcome::Made(token)) => once(visit, "tokens", "settings-token", vec![token], HERE),
        Ok(TokenOutcome::Proposed(_)) => Reply::see(&format!("{HERE}?done=settings-proposed")),
        Err(error) => failed(visit, &error, HERE),
    }
}

fn ask(visit: &Visit) -> Result<TokenOutcome, DeskError> {
    let scopes = visit.form.all("scope").map(Scope::parse);
    let scopes: Option<Vec<Scope>> = scopes.collect();
    let asked = NewToken {
        name: visit.form.get("name").to_owned(),
        scopes: scopes.ok_or(AccountRefusal::Scope)?,
        days: visit
            .form
            .get("days")
            .parse()
            .map_err(|_| AccountRefusal::Scope)?,
    };
    visit.desk().new_token(&visit.operation(), asked)
}

pub(crate) fn revoke(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &[]) {
        return reply;
    }
    match visit
        .desk()
        .revoke_token(&visit.operation(), visit.params.get("token"))
    {
        Ok(()) => Reply::see(&format!("{HERE}?done=settings-revoked")),
        Err(error) => failed(visit, &error, HERE),
    }
}
