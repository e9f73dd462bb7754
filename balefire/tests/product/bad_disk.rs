//! A disk that is really full: a small tmpfs. Who is told "stored" is told the truth, who cannot
//! be served is told why, and once there is room again everything goes on.

use crate::checks;
use crate::guarded::{Guarded, LONG};
use crate::http::Person;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use testkit::Program;

/// A file system of its own; gone when dropped.
struct SmallDisk<'a> {
    at: &'a Path,
}

impl<'a> SmallDisk<'a> {
    /// Needs the right to mount. A machine that does not give it runs the rest of the suite; the
    /// test then fails with these words rather than passing without having looked.
    fn mount(at: &'a Path, size: &str) -> Self {
        let options = format!("size={size},mode=0700");
        let mount = Program::at(Path::new("/usr/bin/env"))
            .args(["mount", "-t", "tmpfs", "-o", &options, "balefire-test"])
            .args([at])
            .run(LONG);
        assert_eq!(
            mount.code,
            Some(0),
            "this test mounts a tmpfs and needs to be root, or to run under \
             `unshare --user --map-root-user --mount`: {mount:?}"
        );
        Self { at }
    }

    /// Writes until there is no byte left.
    fn fill(&self) {
        let mut file = File::create(self.at.join("ballast")).unwrap();
        for size in [1 << 16, 1 << 12, 1] {
            let block = vec![7; size];
            while file.write_all(&block).is_ok() {}
        }
    }

    fn empty(&self) {
        fs::remove_file(self.at.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        // Lazily: a process that is just being killed may still have a file open.
        let umount = Program::at(Path::new("/usr/bin/env")).args(["umount", "-l"]);
        umount.args([self.at]).run(LONG);
    }
}

#[test]
fn a_full_disk_loses_nothing_acknowledged_and_says_so() {
    let (mut guarded, shop) = Guarded::with_shop(60, 31);
    let folder = guarded.data();
    // The shop stays on its own disk; Balefire's folder moves onto the small one.
    let kept = guarded.beside("kept");
    fs::rename(&folder, &kept).unwrap();
    fs::create_dir(&folder).unwrap();
    let disk = SmallDisk::mount(&folder, "24m");
    move_in(&kept, &folder);
    let shop_file = kept.join("shop.db");
    let settings = testkit::SMALL_SHOP_SETTINGS
        .replace("\"shop.db\"", &format!("\"{}\"", shop_file.display()));
    guarded.settings(&settings);
    let mut attacker = rusqlite::Connection::open(&shop_file).unwrap();
    drop(shop);

    guarded.serve();
    let stranger = Person::stranger();
    let mut receipts = Vec::new();
    let report = |guarded: &Guarded, n: u32| {
        let (what, request) = (format!("odd, number {n}"), format!("report-{n}"));
        let fields = [("request", &*request), ("what", &*what)];
        let url = format!("{}/report", guarded.base);
        stranger.post(&url, &fields).expect("an answer")
    };
    let (status, receipt) = report(&guarded, 0);
    assert_eq!(status, 303);
    receipts.push(receipt);
    disk.fill();
    // Some may still fit into what the files hold already; then one is refused.
    let mut n = 1;
    loop {
        let (status, receipt) = report(&guarded, n);
        if status != 303 {
            assert_eq!(status, 503);
            break;
        }
        receipts.push(receipt);
        n += 1;
        assert!(n < 5_000, "the disk is never full");
    }
    guarded
        .running()
        .wait_for_line(|line| line.contains("disk is full"), LONG);
    let order = tamper(&mut attacker);
    disk.empty();
    // Where a part of the program stopped for it, it says what to do; we do that.
    let ended = guarded.until(
        |g| g.run(&["audit", "shop"]),
        |ended| ended.code == Some(1) || ended.err.contains("start Balefire again"),
    );
    assert!(
        ended.code == Some(1) || ended.err.contains("free space"),
        "{ended:?}"
    );
    guarded.kill();
    guarded.serve();
    assert_eq!(
        report(&guarded, n).0,
        303,
        "the refused report can be sent again"
    );
    guarded.says(&["audit", "shop"], 1, &["orders", &order, "total_minor"]);
    for receipt in &receipts {
        let page = stranger.page(&format!("{}{receipt}", guarded.base));
        assert_eq!(page, 200, "{receipt}");
    }
    checks::facts(&guarded.store());
    checks::alarms_are_raised(&guarded.store());
    checks::record_log(&guarded);
    checks::outbox(&guarded);
    checks::journal(&guarded);
    guarded.stop();
    drop(disk);
}

fn tamper(shop: &mut rusqlite::Connection) -> String {
    let order: i64 = shop
        .query_row(
            "UPDATE orders SET total_minor = 1
             WHERE id = (SELECT min(id) FROM orders WHERE status = 'paid') RETURNING id",
            [],
            |row| row.get(0),
        )
        .unwrap();
    order.to_string()
}

fn move_in(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            move_in(&path, &target);
        } else if !entry.file_name().to_string_lossy().starts_with("shop.db") {
            fs::copy(path, target).unwrap();
        }
    }
}
