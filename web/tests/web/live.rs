//! Live streams: who is told of what, how soon, and that a stream ends with its session.

use crate::world::{Person, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use desk::identity::api_token::Scope;
use futures_util::StreamExt as _;
use incident::Command;
use incident::grading::Impact;
use model::{AccountId, Actor, Figure, IncidentId, Operation, RequestId};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tower::ServiceExt as _;

/// A tick may take this long; the promise is 500 ms with 200 streams.
const SOON: Duration = Duration::from_millis(500);
/// Longer than a quiet stream waits between two looks.
const QUIET: Duration = Duration::from_millis(700);

struct Stream(futures_util::stream::BoxStream<'static, String>);

impl Stream {
    async fn open(world: &World, path: &str, who: &Person) -> Self {
        Self::by(world, path, ("cookie", &who.cookie)).await
    }
    async fn by(world: &World, path: &str, (name, value): (&str, &str)) -> Self {
        let request = Request::get(path).header(name, value);
        let request = request.body(Body::empty()).expect("a request");
        let answer = world
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let parts = answer.into_body().into_data_stream();
        let texts = parts
            .map(|part| String::from_utf8_lossy(&part.expect("a part of the stream")).into_owned());
        let mut stream = Self(texts.boxed());
        // What changed before the stream was open is fetched by its first tick.
        assert!(stream.tick(SOON).await, "{path}");
        stream
    }
    /// Whether a tick came in time.
    async fn tick(&mut self, within: Duration) -> bool {
        let next = timeout(within, self.0.next()).await;
        matches!(next, Ok(Some(text)) if text.contains("event: tick"))
    }
    async fn ended(&mut self, within: Duration) -> bool {
        matches!(timeout(within, self.0.next()).await, Ok(None))
    }
}

fn open(world: &World, what: &str) -> IncidentId {
    let receipt = world.report(what);
    let op = operation(world, what);
    world
        .desk
        .open_incident_from_report(op, &receipt)
        .expect("an incident")
}

fn operation(world: &World, request: &str) -> Operation {
    let plan = world.desk.plan();
    let positions = plan.positions.iter().map(|p| p.id.clone());
    Operation {
        actor: Actor::Person {
            account: AccountId::new("everybody"),
            name: "everybody".to_owned(),
            positions: positions.collect(),
        },
        reason: String::new(),
        request: RequestId::new(request),
        now: world.desk.now(),
    }
}

fn change(world: &World, id: &IncidentId, n: i64) {
    let impact = Impact {
        orders: Figure::known(n),
        ..Impact::default()
    };
    let op = operation(world, &format!("{id}-{n}"));
    world
        .desk
        .execute(op, id, Command::RecordImpact { impact })
        .expect("a change");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_one_incident_hears_of_that_one_at_once() {
    let world = World::new();
    let who = world.everything("watcher");
    let (mine, other) = (open(&world, "mine"), open(&world, "other"));
    let mut board = Stream::open(&world, "/events", &who).await;
    let mut room = Stream::open(&world, &format!("/events?incident={mine}"), &who).await;
    for n in 0..3 {
        let asked = Instant::now();
        change(&world, &mine, n);
        assert!(
            room.tick(SOON).await,
            "change {n} after {:?}",
            asked.elapsed()
        );
        assert!(
            board.tick(SOON).await,
            "change {n} after {:?}",
            asked.elapsed()
        );
    }
    // What is of no incident comes later; then only the other incident changes.
    while room.tick(Duration::from_millis(1_500)).await {}
    change(&world, &other, 1);
    assert!(board.tick(SOON).await);
    assert!(!room.tick(QUIET).await, "the other incident is not its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_dead_within_a_second_of_its_session() {
    let world = World::new();
    let who = world.everything("leaver");
    let mut stream = Stream::open(&world, "/events", &who).await;
    let token = who.cookie.trim_start_matches("balefire_session=");
    world.desk.logout(token);
    let ended = Instant::now();
    while !stream.ended(Duration::from_millis(1_000)).await {
        assert!(
            ended.elapsed() < Duration::from_secs(1),
            "the stream lives on"
        );
    }
    assert!(
        ended.elapsed() < Duration::from_secs(1),
        "{:?}",
        ended.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_hears_the_stream_until_its_token_is_revoked() {
    let world = World::new();
    let token = crate::scopes::token(&world, "robot", &[Scope::Read]);
    let bearer = format!("Bearer {token}");
    let mut stream = Stream::by(&world, "/events", ("authorization", &bearer)).await;
    let robot = AccountId::new("robot");
    let tokens = world.desk.tokens(Some(&robot)).expect("its tokens");
    let mut by = operation(&world, "revoke");
    if let Actor::Person { account, .. } = &mut by.actor {
        account.clone_from(&robot);
    }
    (world.desk)
        .revoke_token(&by, &tokens[0].id)
        .expect("it is revoked");
    let ended = Instant::now();
    while !stream.ended(Duration::from_millis(1_000)).await {
        assert!(ended.elapsed() < Duration::from_secs(1), "it lives on");
    }
}
