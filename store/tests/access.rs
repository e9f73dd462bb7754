//! Who may come in: accounts, sessions, links that work once, attempts that are counted.

mod on;

use model::{AccountId, Instant, PositionId};
use on::{On, Place, on_both};
use std::sync::{Arc, Barrier};
use store::{
    Account, AccountChange, AccountState, Batch, EndSessions, LoginLink, NewSession, Store,
    StoreError,
};

on_both!(
    parallel_logins_cannot_pass_the_limit,
    a_login_link_lets_one_of_many_in,
    a_name_is_given_once_and_a_refused_account_leaves_no_leaf,
    a_session_ends_by_time_by_logout_and_with_its_account,
    a_link_of_a_disabled_account_lets_nobody_in,
    a_change_asks_for_the_state_and_ends_all_sessions_but_one,
    only_an_active_account_has_sessions,
);

const NOW: Instant = Instant::from_secs(1_000);

fn account(id: &str) -> Account {
    Account {
        id: AccountId::new(id),
        name: "Duty Officer".to_owned(),
        password_hash: "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA".to_owned(),
        positions: vec![PositionId::new("ciso")],
        state: AccountState::Active,
        created_at: NOW,
    }
}

fn with_account(on: On, id: &str) -> (Place, Store) {
    let place = on.place();
    let store = place.open();
    store.add_account(account(id), b"leaf".to_vec()).unwrap();
    (place, store)
}

fn session(store: &Store, token: &str, expires: Instant) {
    let id = AccountId::new("duty");
    let new = NewSession {
        token_hash: token.to_owned(),
        account: id,
        csrf: "csrf".to_owned(),
        at: NOW,
        expires_at: expires,
        device: "a browser".to_owned(),
    };
    store.create_session(new).unwrap();
}

fn disable(store: &Store, disabled: bool) {
    let (from, to) = match disabled {
        true => (AccountState::Active, AccountState::Disabled),
        false => (AccountState::Disabled, AccountState::Active),
    };
    let mut change = AccountChange::of(&AccountId::new("duty"), &[from]);
    change.state = Some(to);
    change.end_sessions = disabled.then_some(EndSessions { but: None });
    store.change_account(change, Batch::default()).unwrap();
}

/// Runs the same thing on 32 threads that begin together.
fn together<T: Send + 'static>(store: &Store, run: fn(&Store) -> T) -> Vec<T> {
    let start = Arc::new(Barrier::new(32));
    let threads: Vec<_> = (0..32)
        .map(|_| {
            let (store, start) = (store.clone(), Arc::clone(&start));
            std::thread::spawn(move || {
                start.wait();
                run(&store)
            })
        })
        .collect();
    threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect()
}

fn parallel_logins_cannot_pass_the_limit(on: On) {
    let place = on.place();
    let store = place.open();
    let answers = together(&store, |store| {
        store
            .register_login_attempt("duty", NOW, NOW.plus_s(-60), 10)
            .unwrap()
    });
    assert_eq!(
        answers.iter().filter(|refused| refused.is_none()).count(),
        10
    );
    assert!(answers.iter().flatten().all(|oldest| *oldest == NOW));
    let try_at = |name: &str, now: Instant| {
        store
            .register_login_attempt(name, now, now.plus_s(-60), 10)
            .unwrap()
            .is_none()
    };
    assert!(try_at("somebody else", NOW));
    assert!(!try_at("duty", NOW.plus_s(60)));
    assert!(try_at("duty", NOW.plus_s(61)));
    store.clear_login_attempts("duty").unwrap();
    assert!((0..10).all(|_| try_at("duty", NOW.plus_s(61))));
    assert!(!try_at("duty", NOW.plus_s(61)));
}

fn a_login_link_lets_one_of_many_in(on: On) {
    let (_place, store) = with_account(on, "duty");
    let link = |token: &str, expires_at| LoginLink {
        token_hash: token.to_owned(),
        account: AccountId::new("duty"),
        expires_at,
    };
    store.add_login_link(link("once", NOW.plus_s(60))).unwrap();
    store.add_login_link(link("old", NOW)).unwrap();
    let taken = together(&store, |store| store.take_login_link("once", NOW).unwrap());
    assert_eq!(
        taken.iter().flatten().collect::<Vec<_>>(),
        [&AccountId::new("duty")]
    );
    assert_eq!(store.take_login_link("old", NOW).unwrap(), None);
    assert_eq!(store.take_login_link("unknown", NOW).unwrap(), None);
}

fn a_name_is_given_once_and_a_refused_account_leaves_no_leaf(on: On) {
    let (place, store) = with_account(on, "duty");
    let again = store.add_account(account("duty"), b"second".to_vec());
    assert!(
        matches!(again, Err(StoreError::Conflict { .. })),
        "{again:?}"
    );
    assert_eq!(store.leaves_from(0, 10).unwrap(), [b"leaf".to_vec()]);
    drop(store);
    let store = place.open();
    assert_eq!(store.accounts().unwrap(), [account("duty")]);
    assert_eq!(store.account(&AccountId::new("nobody")).unwrap(), None);
}

fn a_session_ends_by_time_by_logout_and_with_its_account(on: On) {
    let (place, store) = with_account(on, "duty");
    let until = NOW.plus_s(60);
    for token in ["one", "two"] {
        session(&store, token, until);
    }
    let live = |store: &Store, token: &str, now| store.session(token, now).unwrap().is_some();
    assert!(live(&store, "one", NOW));
    assert!(!live(&store, "one", until));
    assert!(!live(&store, "three", NOW));
    store.set_session_language("two", "en").unwrap();
    store.end_session("one").unwrap();
    drop(store);

    let store = place.open();
    assert!(!live(&store, "one", NOW));
    let found = store.session("two", NOW).unwrap().unwrap();
    assert_eq!(
        (found.csrf.as_str(), found.language.as_deref()),
        ("csrf", Some("en"))
    );
    assert_eq!(found.positions, [PositionId::new("ciso")]);
    disable(&store, true);
    assert!(!live(&store, "two", NOW));
    // Letting the account in again does not bring its old sessions back.
    disable(&store, false);
    assert!(!live(&store, "two", NOW));
}

fn a_link_of_a_disabled_account_lets_nobody_in(on: On) {
    let (_place, store) = with_account(on, "duty");
    let link = LoginLink {
        token_hash: "link".to_owned(),
        account: AccountId::new("duty"),
        expires_at: NOW.plus_s(60),
    };
    store.add_login_link(link).unwrap();
    disable(&store, true);
    assert_eq!(store.take_login_link("link", NOW).unwrap(), None);
    // Nor does the link come back with the account.
    disable(&store, false);
    assert_eq!(store.take_login_link("link", NOW).unwrap(), None);
}

fn a_change_asks_for_the_state_and_ends_all_sessions_but_one(on: On) {
    let (_place, store) = with_account(on, "duty");
    for token in ["one", "two", "three"] {
        session(&store, token, NOW.plus_s(60));
    }
    let id = AccountId::new("duty");
    store.session_seen("two", NOW.plus_s(5)).unwrap();
    let listed = store.sessions_of(&id, NOW).unwrap();
    assert_eq!(listed[0].token_hash, "two");
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[0].device, "a browser");

    let mut change = AccountChange::of(&id, &[AccountState::Invited]);
    change.password_hash = Some("new".to_owned());
    let refused = store.change_account(change.clone(), Batch::default());
    assert!(matches!(refused, Err(StoreError::Conflict { .. })));
    assert_ne!(store.account(&id).unwrap().unwrap().password_hash, "new");

    change.from = vec![AccountState::Active];
    let held = store.account(&id).unwrap().unwrap().positions;
    change.held = Some(vec![PositionId::new("nobody-holds-it")]);
    let refused = store.change_account(change.clone(), Batch::default());
    assert!(matches!(refused, Err(StoreError::Conflict { .. })));
    assert_ne!(store.account(&id).unwrap().unwrap().password_hash, "new");
    change.held = Some(held);
    change.end_sessions = Some(EndSessions {
        but: Some("three".to_owned()),
    });
    store.change_account(change, Batch::default()).unwrap();
    assert_eq!(store.account(&id).unwrap().unwrap().password_hash, "new");
    let left = store.sessions_of(&id, NOW).unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].token_hash, "three");
}

fn only_an_active_account_has_sessions(on: On) {
    for state in [AccountState::Invited, AccountState::Disabled] {
        let (_place, store) = with_account(on, "duty");
        session(&store, "one", NOW.plus_s(60));
        let mut change = AccountChange::of(&AccountId::new("duty"), &[AccountState::Active]);
        change.state = Some(state);
        store.change_account(change, Batch::default()).unwrap();
        assert!(store.session("one", NOW).unwrap().is_none(), "{state:?}");
        let kept = store.account(&AccountId::new("duty")).unwrap().unwrap();
        assert_eq!(kept.state, state);
    }
}
