//! Who is told what about a resource. Deliberately not here: how the message travels, and its words.

use super::{Late, ResourceFact, ResourceRequest};
use crate::effect::Page;
use crate::incident::Incident;
use model::{AccountId, Instant, PositionId};
use plan::{Act, Plan};
use serde::{Deserialize, Serialize};

/// What a message about a resource says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResourceNews {
    Asked,
    Granted,
    Refused,
    LateAnswer,
    LateReturn,
}

/// The messages of a fact. `incident` is the incident after it.
pub(crate) fn pages(plan: &Plan, incident: &Incident, fact: &ResourceFact) -> Vec<Page> {
    let found = |id: &str| incident.resources.request(id);
    match fact {
        ResourceFact::Requested {
            request, needed_by, ..
        } => found(request)
            .map(|r| {
                page(
                    r,
                    ResourceNews::Asked,
                    who_answers(plan, r),
                    None,
                    *needed_by,
                )
            })
            .into_iter()
            .collect(),
        ResourceFact::Granted { request, until, .. } => {
            found(request).map_or_else(Vec::new, |r| to_the_asker(r, ResourceNews::Granted, *until))
        }
        ResourceFact::Refused { request } => found(request).map_or_else(Vec::new, |r| {
            to_the_asker(r, ResourceNews::Refused, r.needed_by)
        }),
        ResourceFact::Reminded {
            request,
            about,
            to,
            due_at,
        } => {
            let news = match about {
                Late::Answer => ResourceNews::LateAnswer,
                Late::Return => ResourceNews::LateReturn,
            };
            found(request).map_or_else(Vec::new, |r| {
                let to = to.iter().cloned();
                to.map(|to| page(r, news, to, None, *due_at)).collect()
            })
        }
        ResourceFact::Withdrawn { .. } | ResourceFact::Returned { .. } | ResourceFact::Guest(_) => {
            Vec::new()
        }
    }
}

/// The grantor; where that is who asked, the first stand-in who may grant.
fn who_answers(plan: &Plan, request: &ResourceRequest) -> PositionId {
    let grantor = &request.grantor;
    if !request.asked.by.holds(grantor) {
        return grantor.clone();
    }
    let stand_ins = plan.position(grantor).map_or(&[][..], |p| &p.stand_ins);
    let may = |p: &&PositionId| plan.allows(Act::GrantResource, std::slice::from_ref(*p));
    stand_ins.iter().find(may).unwrap_or(grantor).clone()
}

fn to_the_asker(request: &ResourceRequest, news: ResourceNews, due_at: Instant) -> Vec<Page> {
    let asker = &request.asked.by;
    let told = |position: &PositionId| {
        let account = asker.account().cloned();
        page(request, news, position.clone(), account, due_at)
    };
    asker.positions().first().map(told).into_iter().collect()
}

fn page(
    request: &ResourceRequest,
    news: ResourceNews,
    position: PositionId,
    account: Option<AccountId>,
    due_at: Instant,
) -> Page {
    Page::Resource {
        request: request.id.clone(),
        what: request.what.clone(),
        position,
        account,
        news,
        due_at,
    }
}
