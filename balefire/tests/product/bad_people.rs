//! People who may not, cannot or no longer can: refused in words that say what to do.

use crate::guarded::{CHIEF, ENGINEER, Guarded};
use crate::http::Person;
use rusqlite::Connection;

fn tampered() -> Guarded {
    let (mut guarded, shop) = Guarded::with_shop(30, 9);
    guarded.serve();
    let paid = shop.orders_in("paid")[0];
    shop.intruder()
        .execute("UPDATE orders SET total_minor = 1 WHERE id = ?1", [paid])
        .unwrap();
    guarded.incident();
    guarded
}

#[test]
fn a_wrong_password_opens_nothing_and_many_have_to_wait() {
    let (mut guarded, _shop) = Guarded::with_shop(5, 1);
    guarded.serve();
    let wrong = guarded.password_file("not the password at all");
    let wrong = wrong.to_str().unwrap();
    for name in [ENGINEER, "nobody"] {
        let login = ["login", name, "--password-file", wrong];
        guarded.says(&login, 2, &["the name or the password is wrong"]);
    }
    assert!(!guarded.path("cli-session").exists());
    guarded.says(
        &["repair", "plan", "shop"],
        2,
        &["log in first: balefire login NAME --password-file FILE"],
    );
    let stranger = Person::stranger();
    let url = format!("{}/login", guarded.base);
    let mut answers = Vec::new();
    for _ in 0..12 {
        let fields = [("name", ENGINEER), ("password", "wrong again and again")];
        answers.push(stranger.post(&url, &fields).unwrap().0);
    }
    assert_eq!(answers[0], 401);
    assert_eq!(answers[11], 429);
    // The right one has to wait too: the account is under attack. Others do not.
    let right = guarded.password_file(crate::guarded::PASSWORD);
    let right = right.to_str().unwrap();
    guarded.says(
        &["login", ENGINEER, "--password-file", right],
        2,
        &["too many attempts", "try again in"],
    );
    guarded.log_in(CHIEF);
    let short = guarded.password_file("short");
    let add = [
        "account",
        "add",
        "third",
        "--position",
        "cio",
        "--password-file",
        short.to_str().unwrap(),
    ];
    guarded.says(&add, 2, &["at least 15 characters"]);
    guarded.password_file(crate::guarded::PASSWORD);
    let add = [
        "account",
        "add",
        "third",
        "--position",
        "king",
        "--password-file",
        right,
    ];
    guarded.says(&add, 2, &["no position `king`", "ciso"]);
}

#[test]
fn the_proposer_cannot_approve_and_nobody_applies_what_is_not_approved() {
    let guarded = tampered();
    guarded.log_in(CHIEF);
    let plan = guarded.json(&["repair", "plan", "shop"]);
    let id = plan["proposal"]["id"].as_str().unwrap();
    guarded.says(&["repair", "approve", id], 2, &["must not do the second"]);
    guarded.says(&["repair", "apply", id], 2, &["repair", "proposed"]);
    // Whose position does not carry the act is told which.
    guarded.log_in(ENGINEER);
    guarded.says(
        &["repair", "approve", id],
        2,
        &["the plan does not give `approve_repair`"],
    );
    guarded.says(
        &["repair", "approve", "r-none"],
        2,
        &["no proposal `r-none`"],
    );
    guarded.says(&["audit", "shop"], 1, &["total_minor"]);
}

#[test]
fn an_expired_session_is_asked_to_log_in_again() {
    let mut guarded = tampered();
    guarded.log_in(ENGINEER);
    let person = Person::log_in(&guarded.base, CHIEF, crate::guarded::PASSWORD);
    guarded.kill();
    // Twelve hours later, as the store sees it.
    let store = Connection::open(guarded.path("balefire.db")).unwrap();
    let ended = store
        .execute("UPDATE session SET expires_at = 1", [])
        .unwrap();
    assert_eq!(ended, 2);
    drop(store);
    guarded.serve();
    guarded.says(
        &["repair", "plan", "shop"],
        2,
        &["log in first: balefire login"],
    );
    let url = format!("{}/incidents/x/do/record-decision", guarded.base);
    let answer = person.post(&url, &[("text", "too late")]).unwrap();
    assert_eq!(answer, (303, "/login".to_owned()));
    guarded.log_in(ENGINEER);
    guarded.good(&["repair", "plan", "shop"]);
}
