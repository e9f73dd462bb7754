//! A real desk on a throwaway folder with a small shop, its people, and the real router.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use desk::config::{Config, SourceConfig};
use desk::{DataFolder, Desk, NewReport};
use model::{AccountId, IncidentId, PositionId, ReceiptNo, RequestId};
use plan::{Act, Lang};
use std::time::Duration;
use testkit::{SmallShop, TempFolder, small_shop_policy};
use tower::ServiceExt as _;
use web::WebOptions;

pub const PASSWORD: &str = "correct horse battery staple";
/// Name of the shop under guard.
pub const SMALL_SHOP: &str = "shop";
/// How long the guard may take to notice before a test gives up.
const NOTICE_WITHIN: Duration = Duration::from_secs(20);
const MAX_BODY: usize = 32 << 20;

pub struct World {
    pub desk: Desk,
    pub router: Router,
    pub shop: SmallShop,
    pub folder: TempFolder,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or("")
    }
    pub fn location(&self) -> &str {
        self.header("location")
    }
    /// `name=value` of the cookie that was set.
    pub fn cookie(&self) -> String {
        self.header("set-cookie")
            .split(';')
            .next()
            .unwrap_or("")
            .to_owned()
    }
}

/// A logged-in person: cookie and form token.
#[derive(Clone)]
pub struct Person {
    pub cookie: String,
    pub csrf: String,
}

impl World {
    pub fn new() -> Self {
        Self::with(WebOptions::default())
    }

    pub fn with(options: WebOptions) -> Self {
        Self::after("", options)
    }

    /// A world whose configuration says this besides its source.
    pub fn configured(config: Config) -> Self {
        Self::begun("", WebOptions::default(), config)
    }

    /// A world in whose shop this was done between the baseline and the guard's first look.
    pub fn after(unseen: &str, options: WebOptions) -> Self {
        Self::begun(unseen, options, Config::default())
    }

    fn begun(unseen: &str, options: WebOptions, config: Config) -> Self {
        let folder = TempFolder::new();
        let shop = SmallShop::create(&folder.join("shop.db"), 60, 7);
        let mut policy = small_shop_policy();
        // The payee counts as a person's account here, so that a finding holds a personal value.
        for table in policy.tables.iter_mut().filter(|t| t.name == "payments") {
            table.plain.retain(|column| column != "payee");
            table
                .personal
                .insert("payee".to_owned(), "bank_account".to_owned());
        }
        let source = SourceConfig::sqlite(policy, shop.path());
        let name = source.name.clone();
        let config = Config {
            source: vec![source],
            ..config
        };
        let desk = Desk::open(DataFolder::new(folder.join("data")), config).expect("a desk opens");
        desk.baseline(&name, false, &mut |_, _| {})
            .expect("the baseline is taken");
        shop.intruder()
            .execute_batch(unseen)
            .expect("the shop writes");
        desk.start_guards().expect("the guard starts");
        let router = web::router(desk.clone(), options);
        Self {
            desk,
            router,
            shop,
            folder,
        }
    }

    /// Adds a person who holds these positions, logged in without the form.
    pub fn person(&self, account: &str, positions: &[&str]) -> Person {
        let positions: Vec<PositionId> = positions.iter().map(|p| PositionId::from(*p)).collect();
        let account = AccountId::from(account);
        self.desk
            .add_account(&account, account.as_str(), &positions, PASSWORD)
            .expect("a new account");
        let link = self.desk.login_link(&account).expect("a link");
        let token = self
            .desk
            .login_by_link(&link)
            .expect("a fresh link opens a session");
        let csrf = self.desk.session(&token).expect("a session").csrf;
        Person {
            cookie: format!("balefire_session={token}"),
            csrf,
        }
    }
    /// What a browser has after this answer: its new session.
    pub fn person_of(&self, answer: &Answer) -> Person {
        let cookie = answer.cookie();
        let token = cookie.split_once('=').map_or("", |(_, token)| token);
        let session = self
            .desk
            .session(token)
            .expect("the answer opens a session");
        Person {
            cookie: cookie.clone(),
            csrf: session.csrf,
        }
    }
    /// Somebody who holds every position of the plan.
    pub fn everything(&self, account: &str) -> Person {
        let plan = self.desk.plan();
        let all: Vec<&str> = plan.positions.iter().map(|p| p.id.as_str()).collect();
        self.person(account, &all)
    }
    /// Somebody whose positions the plan gives this act.
    pub fn holder_of(&self, act: Act) -> Option<String> {
        let plan = self.desk.plan();
        let rule = plan.authority.iter().find(|r| r.act == act)?;
        rule.positions.first().map(ToString::to_string)
    }

    pub fn report(&self, what: &str) -> ReceiptNo {
        let request = format!("report-{what}").replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let report = NewReport {
            when_text: what.to_owned(),
            where_seen: what.to_owned(),
            contact: what.to_owned(),
            ..NewReport::new(what, Lang::En, RequestId::new(request))
        };
        self.desk.report(report).expect("a report is stored").report
    }

    /// Tampers with rows past the program and waits until an incident holds them.
    pub fn attacked(&self) -> IncidentId {
        let intruder = self.shop.intruder();
        intruder
            .busy_timeout(Duration::from_secs(5))
            .expect("a timeout is set");
        let paid = self.shop.orders_in("paid");
        intruder
            .execute("UPDATE orders SET total_minor = 1 WHERE id = ?1", [paid[0]])
            .expect("the intruder writes");
        intruder
            .execute("INSERT INTO refunds (order_id, status, amount_minor) VALUES (?1, '<canary onload=x>', 990000)", [paid[0]])
            .expect("the intruder writes");
        intruder
            .execute(
                "UPDATE payments SET payee = '13900001111' WHERE order_id = ?1",
                [paid[0]],
            )
            .expect("the intruder writes");
        let source = small_shop_policy().source;
        let start = self.desk.now();
        let mut seen = 0;
        loop {
            if let Some(id) = self.desk.open_incident_of(&source)
                && self
                    .desk
                    .incident(&id)
                    .is_some_and(|i| i.findings.total() >= 3)
            {
                return id;
            }
            assert!(
                self.desk.now().since_s(start) < NOTICE_WITHIN.as_secs_f64(),
                "the guard noticed nothing"
            );
            seen = self.desk.wait_for_change(seen, Duration::from_millis(200));
        }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("the router answers");
        let (parts, body) = response.into_parts();
        // A live stream has no end: its headers are all that is asked for.
        let stream = parts
            .headers
            .get("content-type")
            .is_some_and(|t| t == "text/event-stream");
        let bytes = if stream {
            Vec::new()
        } else {
            axum::body::to_bytes(body, MAX_BODY)
                .await
                .expect("a body")
                .to_vec()
        };
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }
    pub async fn get(&self, path: &str, who: Option<&Person>) -> Answer {
        self.get_in(path, who, Lang::En).await
    }
    pub async fn get_in(&self, path: &str, who: Option<&Person>, lang: Lang) -> Answer {
        let cookie = who.map_or("", |p| p.cookie.as_str());
        let request = Request::get(path)
            .header("cookie", format!("{cookie}; balefire_lang={lang}"))
            .body(Body::empty());
        self.send(request.expect("a request")).await
    }
    pub async fn post(&self, path: &str, who: Option<&Person>, fields: &[(&str, &str)]) -> Answer {
        let csrf = who.map_or("", |p| p.csrf.as_str());
        let mut all = vec![("csrf", csrf)];
        all.extend_from_slice(fields);
        self.post_raw(path, who, &all, &[]).await
    }
    /// A program's request with a person's session; `headers` bring key, version and form token.
    pub async fn post_json(
        &self,
        path: &str,
        who: &Person,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let request = Request::post(path)
            .header("cookie", &who.cookie)
            .header("content-type", "application/json");
        let all = headers.iter().fold(request, |r, (n, v)| r.header(*n, *v));
        let body = Body::from(body.to_owned());
        self.send(all.body(body).expect("a request")).await
    }
    pub async fn post_raw(
        &self,
        path: &str,
        who: Option<&Person>,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let cookie = who.map_or("", |p| p.cookie.as_str());
        let form: Vec<String> = fields
            .iter()
            .map(|(n, v)| format!("{}={}", encoded(n), encoded(v)))
            .collect();
        let mut request = Request::post(path)
            .header("cookie", format!("{cookie}; balefire_lang=en"))
            .header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(form.join("&"))).expect("a request"))
            .await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.desk.stop();
    }
}

pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-_.".contains(&b) {
                (b as char).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}
