//! A clock that jumps back: nothing waits for the lost time, and the jump is on the record.

use desk::config::Config;
use desk::{DataFolder, Desk, FindingFilter, NewReport};
use model::RequestId;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::{SMALL_SHOP_SETTINGS, SmallShop, TempFolder, VirtualClock, small_shop_policy};

const LONG: Duration = Duration::from_secs(30);

/// Waits for the desk's changes until `enough`.
fn until(desk: &Desk, what: &str, enough: impl Fn() -> bool) {
    let begun = Instant::now();
    let mut seen = 0;
    while !enough() {
        assert!(begun.elapsed() < LONG, "{what} did not come");
        seen = desk.wait_for_change(seen, Duration::from_millis(50));
    }
}

fn findings(desk: &Desk) -> usize {
    let filter = FindingFilter {
        limit: 100,
        ..FindingFilter::default()
    };
    desk.findings(&filter).len()
}

fn report(desk: &Desk, n: u32) {
    let request = RequestId::new(format!("r{n}"));
    let report = NewReport::new(format!("odd, number {n}"), plan::Lang::En, request);
    let received = desk.report(report).expect("a report is stored");
    assert!(desk.report_by_receipt(received.receipt.as_str()).is_some());
}

#[test]
fn a_clock_that_jumps_back_stops_nothing_and_is_on_the_record() {
    let folder = TempFolder::new();
    let shop = SmallShop::create(&folder.join("shop.db"), 40, 3);
    let mut config = Config::parse(SMALL_SHOP_SETTINGS).unwrap();
    config.source[0].path = Some(shop.path().to_owned());
    let source = small_shop_policy().source;
    let clock = VirtualClock::default();
    let data = DataFolder::new(folder.join("data"));
    let open = || {
        let clock = Arc::new(clock.clone());
        Desk::open_with(data.clone(), config.clone(), clock).expect("a desk opens")
    };
    let desk = open();
    desk.baseline(&source, false, &mut |_, _| {}).unwrap();
    desk.start_guards().unwrap();
    let paid = shop.orders_in("paid");
    let tamper = |order: i64| {
        let sql = "UPDATE orders SET total_minor = 1 WHERE id = ?1";
        shop.intruder().execute(sql, [order]).unwrap();
    };
    let sent = |desk: &Desk| {
        desk.outbox(None, 1_000)
            .iter()
            .all(|item| item.state == "sent")
    };
    tamper(paid[0]);
    until(&desk, "the first finding", || findings(&desk) == 1);
    report(&desk, 1);

    clock.advance_s(-7_200);
    tamper(paid[1]);
    report(&desk, 2);
    until(&desk, "the second finding", || findings(&desk) == 2);
    until(&desk, "everything sent", || sent(&desk));
    let noted = |desk: &Desk| {
        let reader = desk.log_reader("record").unwrap();
        (0..reader.size()).any(|i| {
            let entry = reader.entry(i).unwrap();
            String::from_utf8_lossy(&entry).contains("clock_back")
        })
    };
    until(&desk, "the note of the jump", || noted(&desk));
    desk.stop();
    drop(desk);

    // And over a restart: the folder is from the future.
    clock.advance_s(-86_400);
    let desk = open();
    desk.start_guards().unwrap();
    tamper(paid[2]);
    until(&desk, "the third finding", || findings(&desk) == 3);
    report(&desk, 3);
    until(&desk, "everything sent", || sent(&desk));
    assert_eq!(desk.open_incidents().len(), 1);
    assert_eq!(desk.audit_source(&source).unwrap().discrepancies.len(), 3);
    desk.stop();
}
