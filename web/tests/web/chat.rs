//! What is said to our robot in a chat: on the record of the right incident, in the speaker's
//! name, and the chat learns nothing.

use crate::world::{Answer, Person, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use desk::config::Config;
use desk::{Address, Profile};
use hmac::{Hmac, KeyInit as _, Mac as _};
use incident::Incident;
use model::{AccountId, IncidentId};
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::Arc;

const SECRET: &str = "the-app's-secret";

struct Group {
    world: World,
    id: IncidentId,
    speaker: Person,
    _folder: tempfile::TempDir,
}

fn signature(timestamp: &str, secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(format!("{timestamp}\n{secret}").as_bytes());
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

impl Group {
    fn begin() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = folder.path().join("app");
        let url = folder.path().join("url");
        std::fs::write(&secret, SECRET).expect("written");
        std::fs::write(&url, "https://oapi.dingtalk.com/robot/send?access_token=x").expect("ok");
        let config = format!(
            "[[channel]]\nname = \"robot\"\nkind = \"dingtalk\"\nurl_file = {url:?}\n\
             hear_secret_file = {secret:?}\n\n[[channel]]\nname = \"deaf\"\nkind = \"dingtalk\"\n\
             url_file = {url:?}\n"
        );
        let world = World::configured(Config::parse(&config).expect("a configuration"));
        let id = world.attacked();
        let speaker = world.person("speaker", &["sysadmin"]);
        let group = Self {
            world,
            id,
            speaker,
            _folder: folder,
        };
        group.is_at("speaker", "u-speaker");
        group
    }

    fn is_at(&self, account: &str, address: &str) {
        let account = AccountId::from(account);
        let profile = Profile {
            addresses: vec![Address {
                channel: "robot".to_owned(),
                address: address.to_owned(),
            }],
            ..Profile::default()
        };
        let desk = &self.world.desk;
        desk.set_profile(&account, &profile, 0).expect("kept");
    }

    fn message(&self, id: &str, sender: &str, text: &str) -> Value {
        json!({
            "msgId": id, "senderStaffId": sender, "senderNick": "小王", "msgtype": "text",
            "conversationTitle": "应急群", "conversationType": "2",
            "createAt": self.world.desk.now().0 / 1_000 - 60_000,
            "text": { "content": format!(" {text}") },
        })
    }

    async fn send(&self, channel: &str, secret: &str, message: &Value) -> Answer {
        let timestamp = (self.world.desk.now().0 / 1_000).to_string();
        let request = Request::post(format!("/chat/{channel}"))
            .header("content-type", "application/json; charset=utf-8")
            .header("timestamp", &timestamp)
            .header("sign", signature(&timestamp, secret))
            .body(Body::from(message.to_string()));
        self.world.send(request.expect("a request")).await
    }

    /// What the robot answers.
    async fn says(&self, message: &Value) -> String {
        let answer = self.send("robot", SECRET, message).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(body["msgtype"], "text");
        body["text"]["content"].as_str().expect("words").to_owned()
    }

    fn incident(&self) -> Arc<Incident> {
        self.world.desk.incident(&self.id).expect("there")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_to_the_robot_go_on_the_record_once_and_in_the_speakers_name() {
    let group = Group::begin();
    let code = group.incident().code_name.clone();
    let text = format!("{code}：退款接口已停 <script>");
    let message = group.message("m-1", "u-speaker", &text);
    let done = group.says(&message).await;
    let again = group.says(&message).await;
    assert_eq!(done, again, "the provider sends again what it is unsure of");
    assert!(!done.contains(&code), "{done}");
    let incident = group.incident();
    assert_eq!(incident.room.notes.len(), 1);
    let note = &incident.room.notes[0];
    assert_eq!(note.text, "退款接口已停 <script>");
    let said = note.said.as_ref().expect("from a chat");
    assert_eq!(
        (said.by.as_str(), said.place.as_str()),
        ("小王", "robot 应急群")
    );
    let page = format!("/incidents/{}/discussion", group.id);
    let page = group.world.get(&page, Some(&group.speaker)).await;
    assert!(
        page.body.contains("退款接口已停 &#60;script&#62;"),
        "{}",
        page.body
    );
    assert!(page.body.contains("应急群"));

    // Also by its id, and in small letters.
    for name in [group.id.to_string(), code.to_lowercase()] {
        let text = format!("{name}: 网关日志已封存");
        group.says(&group.message(&name, "u-speaker", &text)).await;
    }
    assert_eq!(group.incident().room.notes.len(), 3);
    assert_eq!(group.incident().room.notes[2].text, "网关日志已封存");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chat_does_not_learn_why_words_were_not_recorded() {
    let group = Group::begin();
    let world = &group.world;
    let second = world.report("something else");
    let legal = world.person("legal", &["head_legal"]);
    let path = format!("/reports/{second}/open");
    world.post(&path, Some(&legal), &[("reason", "new")]).await;
    world.person("suspect", &["sysadmin"]);
    group.is_at("suspect", "u-suspect");
    let name = format!("/incidents/{}/do/name-suspect", group.id);
    let fields = [("account", "suspect"), ("reason", "their desk")];
    let named = world.post(&name, Some(&legal), &fields).await;
    assert_eq!(named.status, StatusCode::SEE_OTHER, "{}", named.body);
    for twin in ["one", "two"] {
        world.person(twin, &["sysadmin"]);
        group.is_at(twin, "u-twin");
    }
    let code = group.incident().code_name.clone();
    let open = world.desk.open_incidents();
    let other = open.iter().find(|i| i.id != group.id).expect("a second");
    let (other, code_of_other) = (other.id.clone(), other.code_name.clone());
    let lines = |id: &IncidentId| world.desk.incident(id).expect("there").timeline.len();
    let before = (lines(&group.id), lines(&other));
    let mut answers = Vec::new();
    for (n, (sender, text)) in [
        ("u-suspect", format!("{code}: I was not here")),
        ("u-suspect", "CN-NONE: I was not here".to_owned()),
        ("u-suspect", "I was not here".to_owned()),
        ("u-speaker", format!("{code_of_other} two: not this one")),
        ("u-speaker", format!("re {code}: not this one")),
        ("u-nobody", format!("{code}: hello")),
        ("", format!("{code}: hello")),
        ("u-twin", format!("{code}: hello")),
        ("u-speaker", "which one is meant".to_owned()),
        ("u-speaker", format!("{code}:")),
        ("u-speaker", format!("{code}: {}", "长".repeat(20_000))),
    ]
    .into_iter()
    .enumerate()
    {
        let message = group.message(&format!("m-{n}"), sender, &text);
        answers.push(group.says(&message).await);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    // Words that name one incident stand in no other either.
    assert_eq!((lines(&group.id), lines(&other)), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_by_the_app_is_not_heard() {
    let group = Group::begin();
    let message = group.message("m-1", "u-speaker", "hello");
    for (channel, secret) in [
        ("robot", "another secret"),
        ("deaf", SECRET),
        ("none", SECRET),
    ] {
        let answer = group.send(channel, secret, &message).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{channel}");
    }
    let bare = Request::post("/chat/robot").body(Body::from(message.to_string()));
    let bare = group.world.send(bare.expect("a request")).await;
    assert_eq!(bare.status, StatusCode::UNAUTHORIZED);
    let large = group.message("m-2", "u-speaker", &"x".repeat(200 << 10));
    let large = group.send("robot", SECRET, &large).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(group.incident().room.notes.is_empty());
}
