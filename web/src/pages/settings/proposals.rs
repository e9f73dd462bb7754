//! What waits for a second person: approved, refused, and collected by whoever proposed it.

use super::people::titles;
use super::{failed, once, only};
use crate::reply::Reply;
use crate::view::View;
use crate::visit::Visit;
use desk::DeskError;
use desk::identity::Collected;
use desk::identity::proposal::{AccountProposal, ProposalState, Proposed};
use plan::Act;

pub(crate) struct ProposalLine {
    pub p: AccountProposal,
    pub what: &'static str,
    pub detail: String,
    pub mine: bool,
    pub may_approve: bool,
    pub may_collect: bool,
}

/// Open proposals, and the reader's own approved ones that were not collected.
pub(crate) fn waiting(v: &View<'_>) -> Result<Vec<ProposalLine>, DeskError> {
    let own = v.account();
    let manages = v.may(Act::ManageAccounts);
    let mut lines = Vec::new();
    for p in v.visit.desk().account_proposals_for(&v.visit.viewer())? {
        let mine = own == Some(&p.by);
        let open = p.is_open(v.now);
        let may_collect = mine && p.state == ProposalState::Approved;
        if !(may_collect || open && (mine || manages)) {
            continue;
        }
        lines.push(ProposalLine {
            what: p.proposed.code(),
            detail: detail(v, &p.proposed),
            may_approve: open && !mine && manages && p.proposed.account() != own,
            may_collect,
            mine,
            p,
        });
    }
    Ok(lines)
}

fn detail(v: &View<'_>, proposed: &Proposed) -> String {
    match proposed {
        Proposed::Positions {
            account, positions, ..
        } => {
            format!("{account} → {}", titles(v, positions))
        }
        Proposed::Enable { account } | Proposed::ResetSecondFactor { account } => {
            account.to_string()
        }
        Proposed::BreakGlassCodes { count } => count.to_string(),
        Proposed::Token { asked } => {
            let scopes: Vec<&str> = asked.scopes.iter().map(|s| s.code()).collect();
            format!("{} · {}", asked.name, scopes.join(", "))
        }
    }
}

pub(crate) fn approve(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &[]) {
        return reply;
    }
    let id = visit.params.get("proposal");
    let approved = visit
        .desk()
        .approve_account_proposal(&visit.operation(), id);
    done(visit, approved, "approved")
}

pub(crate) fn refuse(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &[]) {
        return reply;
    }
    let id = visit.params.get("proposal");
    let refused = visit.desk().refuse_account_proposal(&visit.operation(), id);
    done(visit, refused, "refused")
}

pub(crate) fn collect(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &[]) {
        return reply;
    }
    let id = visit.params.get("proposal");
    match visit
        .desk()
        .collect_account_proposal(&visit.operation(), id)
    {
        Ok(Collected::Codes(codes)) => {
            once(visit, "people", "settings-codes", codes, "/settings/people")
        }
        Ok(Collected::Token(token)) => {
            let back = "/settings/tokens";
            once(visit, "tokens", "settings-token", vec![token], back)
        }
        Err(error) => failed(visit, &error, "/settings"),
    }
}

fn done(visit: &Visit, result: Result<AccountProposal, DeskError>, what: &str) -> Reply {
    let back = match visit.may(Act::ManageAccounts) {
        true => "/settings/people",
        false => "/settings/tokens",
    };
    match result {
        Ok(_) => Reply::see(&format!("{back}?done=settings-{what}")),
        Err(error) => failed(visit, &error, back),
    }
}
