//! A person at a browser whose requests can be sent again with the same request id.

use serde_json::Value;
use std::time::Duration;
use ureq::Agent;

pub struct Person {
    agent: Agent,
    cookie: String,
    csrf: String,
}

/// Status and `location` of an answer.
pub type Answer = (u16, String);

impl Person {
    /// Somebody who is not logged in.
    pub fn stranger() -> Self {
        let config = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Self {
            agent: config.into(),
            cookie: String::new(),
            csrf: String::new(),
        }
    }

    pub fn log_in(base: &str, name: &str, password: &str) -> Self {
        let mut person = Self::stranger();
        let fields = [("name", name), ("password", password)];
        let sent = person.agent.post(format!("{base}/login")).send_form(fields);
        let answer = sent.expect("the server answers");
        let cookie = answer.headers().get("set-cookie").expect("a session");
        let cookie = cookie.to_str().expect("a cookie of letters");
        person.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let session = person.json(&format!("{base}/api/v1/session"));
        person.csrf = session["csrf"].as_str().expect("a form token").to_owned();
        person
    }

    pub fn json(&self, url: &str) -> Value {
        let answer = self.agent.get(url).header("cookie", &self.cookie).call();
        let text = answer
            .and_then(|mut answer| answer.body_mut().read_to_string())
            .expect("the server answers");
        serde_json::from_str(&text).expect("it answers in JSON")
    }

    /// The status of a page.
    pub fn page(&self, url: &str) -> u16 {
        let answer = self.agent.get(url).header("cookie", &self.cookie).call();
        answer.expect("the server answers").status().as_u16()
    }

    /// `None` when no answer came: what was asked may be done or not.
    pub fn post(&self, url: &str, fields: &[(&str, &str)]) -> Option<Answer> {
        let mut all = vec![("csrf", self.csrf.as_str())];
        all.extend_from_slice(fields);
        let sent = self
            .agent
            .post(url)
            .header("cookie", &self.cookie)
            .send_form(all);
        let answer = sent.ok()?;
        let location = answer.headers().get("location");
        let location = location.and_then(|l| l.to_str().ok()).unwrap_or_default();
        Some((answer.status().as_u16(), location.to_owned()))
    }
}
