//! The course of events as files: both times of each line, and nothing that a table would run.

use crate::world::World;
use axum::http::StatusCode;

#[tokio::test(flavor = "multi_thread")]
async fn the_course_of_events_is_taken_along_as_csv_and_json() {
    let world = World::new();
    let id = world.attacked();
    let cio = world.person("chief", &["cio"]);
    let fields = [
        ("topic", "general"),
        ("text", "x"),
        ("reason", "=1+1,\"a\""),
    ];
    let path = format!("/incidents/{id}/do/record-decision");
    let done = world.post(&path, Some(&cio), &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);

    let file = format!("/incidents/{id}/timeline");
    let csv = world.get(&format!("{file}/csv"), Some(&cio)).await;
    assert_eq!(csv.status, StatusCode::OK);
    assert!(csv.body.contains("sequence,happened_at,recorded_at,kind"));
    assert!(csv.body.contains("\"'=1+1,\"\"a\"\"\""), "{}", csv.body);

    let json = world.get(&format!("{file}/json"), Some(&cio)).await;
    let json: serde_json::Value = serde_json::from_str(&json.body).expect("JSON");
    let lines = json["lines"].as_array().expect("lines");
    let mut written: Vec<u64> = lines
        .iter()
        .filter_map(|l| l["sequence"].as_u64())
        .collect();
    written.sort_unstable();
    let last = *written.last().expect("a line");
    // The desk pages people meanwhile: what it recorded after the file was written is not in it.
    let incident = world.desk.incident(&id).expect("there");
    let told = incident
        .timeline
        .iter()
        .map(|entry| u64::from(entry.sequence));
    let told: Vec<u64> = told.filter(|sequence| *sequence <= last).collect();
    assert_eq!(written, told);
    assert_eq!(written.len(), lines.len());
    for line in lines {
        for at in ["happened_at", "recorded_at"] {
            model::Instant::parse(line[at].as_str().expect(at)).expect(at);
        }
    }
    let decision = lines.iter().find(|l| l["kind"] == "decision-recorded");
    assert_eq!(decision.expect("a line")["reason"], "=1+1,\"a\"");
    let page = world.get(&file, Some(&cio)).await.body;
    assert!(page.contains("/timeline/csv") && page.contains("/timeline/json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspect_gets_neither_page_nor_file() {
    let world = World::new();
    let id = world.attacked();
    let (cio, admin) = (
        world.person("chief", &["cio"]),
        world.person("admin", &["sysadmin"]),
    );
    let file = |end: &str| format!("/incidents/{id}/timeline{end}");
    for end in ["", "/csv", "/json"] {
        let before = world.get(&file(end), Some(&admin)).await;
        assert_eq!(before.status, StatusCode::OK, "{end}");
    }
    let name = [
        ("account", "admin"),
        ("reason", "the log names the account"),
    ];
    let path = format!("/incidents/{id}/do/name-suspect");
    let done = world.post(&path, Some(&cio), &name).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    for end in ["", "/csv", "/json"] {
        let after = world.get(&file(end), Some(&admin)).await;
        assert_eq!(after.status, StatusCode::NOT_FOUND, "{end}");
    }
}
