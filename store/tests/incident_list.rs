//! Lists and searches of incidents against a plain model: filters, pages, hidden ones, words.

mod on;

use model::{IncidentId, Instant, SourceName};
use on::{On, Place, on_both};
use std::collections::BTreeSet;
use store::{
    Batch, Cursor, IncidentEntry, ListOrder, ListQuery, MAX_HIDDEN, Store, StoreError, TextPart,
};

on_both!(
    pages_put_together_are_the_list_that_a_plain_model_gives,
    an_incident_that_changes_is_found_as_it_is_now_and_no_longer_as_it_was,
    what_a_person_types_never_becomes_syntax,
    more_hidden_ones_than_can_be_left_out_list_nothing,
    accepted_rows_are_summed_by_source,
);

const RISKS: [&str; 4] = ["R1", "R2", "R3", "R4"];
const WORDS: [&str; 6] = [
    "订单金额被篡改",
    "支付网关告警",
    "refund loop",
    "SO-1024",
    "恢复正常",
    "Müller",
];

/// A small generator, so that a failure can be repeated by its seed.
struct Dice(u64);
impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[derive(Clone)]
struct Plain {
    entry: IncidentEntry,
    names: String,
    text: String,
}

fn plain(n: u64, dice: &mut Dice) -> Plain {
    let opened_at = Instant(1_000 * (dice.roll(40) as i64 + n as i64));
    let closed = dice.roll(2) == 0;
    let words: Vec<&str> = (0..2).map(|_| WORDS[dice.roll(6) as usize]).collect();
    let (names, text) = (format!("夜航{n}\ni-{n:04x}"), words.join("\n"));
    Plain {
        entry: IncidentEntry {
            id: IncidentId::new(format!("i-{n:04x}")),
            opened_at,
            closed_at: closed.then_some(Instant(opened_at.0 + 5)),
            last_at: Instant(dice.roll(90) as i64),
            risk: RISKS[dice.roll(4) as usize],
            grade: dice.roll(4) as u8 + 1,
            exercise: dice.roll(4) == 0,
            active: !closed,
            restricted: dice.roll(5) == 0,
            source: Some(SourceName::new("shop")),
            accepted_rows: dice.roll(3),
            head: format!("{{\"n\":{n}}}"),
            parts: vec![TextPart::new(0, &names, &text)],
        },
        names,
        text,
    }
}

fn store(place: &Place, all: &[Plain]) -> Store {
    let store = place.open();
    for chunk in all.chunks(50) {
        let incidents = chunk.iter().map(|p| p.entry.clone()).collect();
        store
            .commit(Batch {
                incidents,
                ..Batch::default()
            })
            .unwrap();
    }
    store
}

fn world(on: On, seed: u64) -> (Place, Store, Vec<Plain>, Dice) {
    let mut dice = Dice(seed);
    let all: Vec<Plain> = (0..200).map(|n| plain(n, &mut dice)).collect();
    let place = on.place();
    let store = store(&place, &all);
    (place, store, all, dice)
}

fn query(dice: &mut Dice) -> ListQuery {
    let some = |dice: &mut Dice| dice.roll(3) == 0;
    ListQuery {
        words: match dice.roll(4) {
            0 => WORDS[dice.roll(6) as usize].to_owned(),
            1 => [
                "篡改",
                "网",
                "refu",
                "muller",
                "订单 恢复",
                "夜航",
                "订改",
                "\"loop so\"",
            ][dice.roll(8) as usize]
                .to_owned(),
            _ => String::new(),
        },
        risk: some(dice).then(|| RISKS[dice.roll(4) as usize]),
        grade: some(dice).then(|| dice.roll(4) as u8 + 1),
        open: some(dice).then(|| dice.roll(2) == 0),
        exercise: some(dice).then(|| dice.roll(2) == 0),
        from: some(dice).then(|| Instant(dice.roll(250_000) as i64)),
        before: some(dice).then(|| Instant(dice.roll(250_000) as i64)),
        order: [ListOrder::Opened, ListOrder::LastRecorded][dice.roll(2) as usize],
        after: None,
        limit: dice.roll(30) as u32 + 1,
    }
}

/// Every phrase stands in the text, as a person reads it.
fn holds(text: &str, words: &str) -> bool {
    let flat = |text: &str| -> String {
        let text = text
            .to_lowercase()
            .replace('ü', "u")
            .replace(['-', '\n'], " ");
        format!(" {text}")
    };
    let text = flat(text);
    let quoted = words.trim_matches('"');
    let phrases: Vec<&str> = if quoted == words {
        words.split(' ').collect()
    } else {
        vec![quoted]
    };
    phrases.iter().all(|phrase| {
        let latin = phrase.is_ascii();
        let phrase = flat(phrase);
        // Latin words begin where the text's do; Chinese is found anywhere.
        let wanted = if latin {
            phrase.as_str()
        } else {
            phrase.trim()
        };
        text.contains(wanted)
    })
}

fn expected(all: &[Plain], q: &ListQuery, hidden: &BTreeSet<IncidentId>) -> Vec<String> {
    let mut found: Vec<(usize, &Plain)> = all.iter().enumerate().collect();
    found.retain(|(_, p)| {
        let e = &p.entry;
        !hidden.contains(&e.id)
            && q.risk.is_none_or(|r| r == e.risk)
            && q.grade.is_none_or(|g| g == e.grade)
            && q.open.is_none_or(|o| o == e.closed_at.is_none())
            && q.exercise.is_none_or(|x| x == e.exercise)
            && q.from.is_none_or(|at| e.opened_at >= at)
            && q.before.is_none_or(|at| e.opened_at < at)
            && (q.words.is_empty() || holds(&format!("{}\n{}", p.names, p.text), &q.words))
    });
    found.sort_by(|(a_place, a), (b_place, b)| {
        if !q.words.is_empty() {
            let elsewhere = |p: &Plain| !holds(&p.names, &q.words);
            return elsewhere(a).cmp(&elsewhere(b)).then(b_place.cmp(a_place));
        }
        let key = |p: &Plain| match q.order {
            ListOrder::Opened => p.entry.opened_at,
            ListOrder::LastRecorded => p.entry.last_at,
        };
        key(b).cmp(&key(a)).then(b.entry.id.cmp(&a.entry.id))
    });
    found
        .into_iter()
        .map(|(_, p)| p.entry.head.clone())
        .collect()
}

fn pages_put_together_are_the_list_that_a_plain_model_gives(on: On) {
    for seed in 0..6 {
        let (_place, store, all, mut dice) = world(on, seed);
        for _ in 0..60 {
            let mut q = query(&mut dice);
            let hidden: BTreeSet<IncidentId> = match dice.roll(2) {
                0 => BTreeSet::new(),
                _ => (0..dice.roll(60))
                    .map(|_| all[dice.roll(200) as usize].entry.id.clone())
                    .collect(),
            };
            let wanted = expected(&all, &q, &hidden);
            let mut got = Vec::new();
            loop {
                let page = store.list(&q, &hidden).unwrap();
                assert_eq!(
                    (page.count, page.more),
                    (wanted.len() as u64, false),
                    "{q:?}"
                );
                assert!(page.heads.len() <= q.limit as usize);
                got.extend(page.heads);
                let Some(next) = page.next else { break };
                // The cursor survives the way through an address.
                q.after = Some(Cursor::parse(&next.to_string()).unwrap());
            }
            assert_eq!(got, wanted, "seed {seed}: {q:?}");
        }
    }
}

fn an_incident_that_changes_is_found_as_it_is_now_and_no_longer_as_it_was(on: On) {
    let (_place, store, all, _) = world(on, 1);
    let mut entry = all[7].entry.clone();
    let names = "海雾\ni-0007";
    entry.closed_at = Some(Instant(9));
    entry.grade = 1;
    entry.active = false;
    entry.head = "{\"n\":\"new\"}".to_owned();
    entry.parts = vec![
        TextPart::new(0, names, "first part"),
        TextPart::new(1, names, "量子 second"),
    ];
    store
        .commit(Batch {
            incidents: vec![entry.clone()],
            ..Batch::default()
        })
        .unwrap();
    let found = |words: &str, open: Option<bool>| {
        let q = ListQuery {
            words: words.to_owned(),
            open,
            limit: 10,
            ..ListQuery::default()
        };
        let page = store.list(&q, &BTreeSet::new()).unwrap();
        assert_eq!(page.heads.len() as u64, page.count);
        page.heads
    };
    assert_eq!(found("海雾", None), [entry.head.as_str()]);
    assert_eq!(
        found("海雾 量子", Some(false)),
        [entry.head.as_str()],
        "each part carries the names"
    );
    assert!(found("海雾", Some(true)).is_empty());
    assert!(found("夜航7", None).is_empty());
    let restricted = all.iter().filter(|p| p.entry.restricted).count();
    assert_eq!(store.restricted_heads().unwrap().len(), restricted);
    assert!(!store.active_incidents().unwrap().contains(&entry.id));
}

fn what_a_person_types_never_becomes_syntax(on: On) {
    let (_place, store, _, _) = world(on, 2);
    for words in [
        "\"",
        "names:x",
        "a OR b",
        "NEAR(a b)",
        "订单*",
        "-(",
        "{body}:",
        "^夜",
        "'; DROP TABLE incident;--",
        "\u{0}",
        "a AND",
        "😀",
    ] {
        let q = ListQuery {
            words: words.to_owned(),
            limit: 5,
            ..ListQuery::default()
        };
        let page = store.list(&q, &BTreeSet::new());
        assert!(page.is_ok(), "{words}: {page:?}");
    }
}

fn more_hidden_ones_than_can_be_left_out_list_nothing(on: On) {
    let (_place, store, _, _) = world(on, 3);
    let hidden = (0..=MAX_HIDDEN)
        .map(|n| IncidentId::new(format!("x{n}")))
        .collect();
    let listed = store.list(&ListQuery::default(), &hidden);
    assert!(
        matches!(listed, Err(StoreError::TooManyHidden { .. })),
        "{listed:?}"
    );
}

fn accepted_rows_are_summed_by_source(on: On) {
    let (_place, store, all, _) = world(on, 4);
    let sum: u64 = all.iter().map(|p| p.entry.accepted_rows).sum();
    assert_eq!(store.accepted_rows(&SourceName::new("shop")).unwrap(), sum);
    assert_eq!(store.accepted_rows(&SourceName::new("other")).unwrap(), 0);
}
