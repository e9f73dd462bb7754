//! Single sign-on: away to the provider, and back with its answer.
//!
//! Both are GET: a link leads away (a form's redirect to another site would break our own
//! policy), and the provider sends the browser back. What came back counts only together with
//! the sealed cookie of the same browser.

use crate::cookies;
use crate::pages::login::{begin, inside, refuse_with};
use crate::reply::Reply;
use crate::visit::Visit;

pub(crate) fn leave(visit: &Visit) -> Reply {
    let next = inside(visit.query.get("next"));
    match visit.desk().begin_sign_on(&next) {
        Ok(departure) => {
            let secure = visit.app.options.secure;
            Reply::see(&departure.url).with_cookie(cookies::sign_on(&departure.cookie, secure))
        }
        Err(error) => refuse_with(visit, &error),
    }
}

pub(crate) fn arrive(visit: &Visit) -> Reply {
    let (state, code) = (visit.query.get("state"), visit.query.get("code"));
    let finished = visit
        .desk()
        .finish_sign_on(&visit.sign_on, state, code, &visit.device);
    let reply = match finished {
        Ok((session, next)) => begin(visit, &session, &inside(&next)),
        Err(error) => refuse_with(visit, &error),
    };
    // Used up, whatever came of it.
    reply.with_cookie(cookies::end_sign_on(visit.app.options.secure))
}
