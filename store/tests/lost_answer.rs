//! A PostgreSQL server that is gone when it should answer a COMMIT: the callers are told the truth.

mod address;

use address::settings;
use model::{IncidentId, Instant};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use store::{Batch, NewFact, PostgresSettings, Store, StoreError};
use testkit::postgres::{Database, Server};

const OPEN: u8 = 0;
/// The next COMMIT reaches the server, and its answer nobody.
const SWALLOW_ANSWER: u8 = 1;
/// The next COMMIT reaches nobody.
const SWALLOW_QUESTION: u8 = 2;

/// A network between the store and its server that fails when it is told to.
struct Network {
    port: u16,
    fault: Arc<AtomicU8>,
}

impl Network {
    fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let fault = Arc::new(AtomicU8::new(OPEN));
        let its = Arc::clone(&fault);
        // Ends with the test's process.
        std::thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                let fault = Arc::clone(&its);
                // A connection on which something is swallowed says nothing more.
                let cut = Arc::new(Mutex::new(false));
                let (back, forth) = (pair(&server, &client), pair(&client, &server));
                let its_cut = Arc::clone(&cut);
                std::thread::spawn(move || carry(back, |_| *its_cut.lock().unwrap()));
                std::thread::spawn(move || {
                    carry(forth, |bytes| {
                        let commit = bytes.windows(7).any(|w| w == b"COMMIT\0");
                        if !commit {
                            return false;
                        }
                        let fault = fault.swap(OPEN, Ordering::SeqCst);
                        *cut.lock().unwrap() = fault != OPEN;
                        fault == SWALLOW_QUESTION
                    });
                });
            }
        });
        Self { port, fault }
    }
}

fn pair(from: &TcpStream, to: &TcpStream) -> (TcpStream, TcpStream) {
    (from.try_clone().unwrap(), to.try_clone().unwrap())
}

/// Carries until either side ends, or until something is not to be carried; then both are cut off.
fn carry((mut from, mut to): (TcpStream, TcpStream), mut stop: impl FnMut(&[u8]) -> bool) {
    let mut bytes = [0; 16 << 10];
    while let Ok(n @ 1..) = from.read(&mut bytes) {
        if stop(&bytes[..n]) || to.write_all(&bytes[..n]).is_err() {
            break;
        }
    }
    for end in [from, to] {
        // Fails when it has ended already.
        drop(end.shutdown(Shutdown::Both));
    }
}

fn fact(sequence: u32) -> Batch {
    Batch {
        facts: vec![NewFact {
            incident: IncidentId::new("a"),
            sequence,
            at: Instant(0),
            json: "{}".to_owned(),
        }],
        leaves: vec![vec![1]],
        ..Batch::default()
    }
}

struct World {
    store: Store,
    network: Network,
    database: Database,
}

impl World {
    fn new() -> Self {
        let database = Server::shared().database();
        let network = Network::to(database.port());
        let through_it = PostgresSettings {
            port: network.port,
            ..settings(&database)
        };
        let store = Store::open_postgres(through_it).unwrap();
        store.commit(fact(0)).unwrap();
        Self {
            store,
            network,
            database,
        }
    }
    fn stored(&self) -> usize {
        let facts = self.database.value("SELECT count(*) FROM fact");
        facts.parse().unwrap()
    }
}

#[test]
fn a_commit_whose_answer_is_lost_stands_and_is_acknowledged() {
    let scenario = fail::FailScenario::setup();
    let world = World::new();
    world.network.fault.store(SWALLOW_ANSWER, Ordering::SeqCst);
    let done = world.store.commit(fact(1)).unwrap();
    assert_eq!((done.first_leaf, done.next_leaf), (1, 2));
    assert_eq!(
        world.network.fault.load(Ordering::SeqCst),
        OPEN,
        "it was swallowed"
    );
    assert_eq!(world.stored(), 2);
    world.store.commit(fact(2)).unwrap();
    assert_eq!(world.stored(), 3);
    scenario.teardown();
}

#[test]
fn a_commit_that_never_arrived_is_refused_and_can_be_made_again() {
    let scenario = fail::FailScenario::setup();
    let world = World::new();
    world
        .network
        .fault
        .store(SWALLOW_QUESTION, Ordering::SeqCst);
    let error = world.store.commit(fact(1)).unwrap_err();
    assert!(matches!(error, StoreError::Lost { .. }), "{error:?}");
    assert!(error.to_string().contains("nothing of it was stored"));
    assert_eq!(world.stored(), 1);
    world.store.commit(fact(1)).unwrap();
    assert_eq!(world.stored(), 2);
    scenario.teardown();
}

#[test]
fn a_commit_that_cannot_be_found_out_stops_the_writer() {
    let scenario = fail::FailScenario::setup();
    let world = World::new();
    fail::cfg("store-never-answered", "return").unwrap();
    world.network.fault.store(SWALLOW_ANSWER, Ordering::SeqCst);
    for _ in 0..3 {
        let error = world.store.commit(fact(1)).unwrap_err();
        assert!(matches!(error, StoreError::InDoubt), "{error:?}");
    }
    fail::remove("store-never-answered");
    let error = world.store.commit(fact(1)).unwrap_err();
    assert!(matches!(error, StoreError::InDoubt), "for good: {error:?}");
    // A restart reads what is there.
    let settings = settings(&world.database);
    drop(world.store);
    let store = Store::open_postgres(settings).unwrap();
    assert_eq!(store.facts(&IncidentId::new("a")).unwrap().len(), 2);
    store.commit(fact(2)).unwrap();
    scenario.teardown();
}
