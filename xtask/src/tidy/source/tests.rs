//! Small bad inputs, each of which its rule must catch.

use super::*;

fn said(file: &str, content: &str) -> Vec<(usize, String)> {
    let complaints = rust(file, content);
    complaints
        .into_iter()
        .map(|c| (c.line, c.message))
        .collect()
}

fn caught(content: &str, line: usize, word: &str) {
    let found = said("a/src/lib.rs", content);
    let hit = found.len() == 1 && found[0].0 == line && found[0].1.contains(word);
    assert!(hit, "{content:?} gave {found:?}");
}

#[test]
fn a_good_file_is_left_alone() {
    let content = "//! A module.\n\n/// Says `todo!`.\nfn f() -> &'static str {\n    \"dbg!(x) #[ignore] #[allow(x)]\"\n}\n";
    assert_eq!(said("a/src/lib.rs", content), []);
    assert_eq!(name("desk/src/clock.rs"), None);
}

#[test]
fn a_module_without_an_opening_is_caught() {
    caught("use std::fmt;\n", 1, "`//!`");
    caught("// Not a module's comment.\n", 1, "`//!`");
    caught("", 1, "`//!`");
}

#[test]
fn work_left_undone_is_caught() {
    caught("//! A.\nfn f() { todo!() }\n", 2, "todo!");
    caught(
        "//! A.\nfn f() { unimplemented!(\"later\") }\n",
        2,
        "unimplemented!",
    );
    caught("//! A.\nfn f() { dbg!(1); }\n", 2, "dbg!");
    caught("//! A.\n// FIXME: later\n", 2, "FIXME");
    caught(
        "//! A.\n#[test]\n#[ignore = \"slow\"]\nfn f() {}\n",
        3,
        "ignore",
    );
    caught("//! A.\n#[allow(dead_code)]\nfn f() {}\n", 2, "allow");
    caught("//! A.\n#![allow(dead_code)]\n", 2, "allow");
    assert_eq!(said("a/src/lib.rs", "//! A.\nfn f() { not_todo!() }\n"), []);
}

#[test]
fn sleeping_is_caught_in_tests_too() {
    let content = "//! A.\nfn f() { std::thread::sleep(WAIT) }\n";
    caught(content, 2, "no sleep");
    assert_eq!(said("a/tests/story.rs", content).len(), 1);
    caught(
        "//! A.\nasync fn f() { tokio::time::sleep(WAIT).await }\n",
        2,
        "no sleep",
    );
}

#[test]
fn names_that_say_nothing_are_caught() {
    for bad in [
        "a/src/utils.rs",
        "a/src/common/mod.rs",
        "a/src/order/manager.rs",
        "helpers.rs",
    ] {
        assert!(name(bad).is_some(), "{bad}");
    }
    assert!(name("a/src/commonwealth.rs").is_none());
}

fn function(lines: usize) -> String {
    format!(
        "//! A.\npub(crate) fn long(\n    a: [u8; 2],\n) {{\n{}}}\n",
        "    a;\n".repeat(lines)
    )
}

#[test]
fn long_functions_are_caught_but_not_in_tests() {
    assert_eq!(said("a/src/lib.rs", &function(MOST_FUNCTION_LINES)), []);
    caught(&function(MOST_FUNCTION_LINES + 1), 2, "`long` has 71 lines");
    assert_eq!(said("a/src/tests.rs", &function(500)), []);
    assert_eq!(said("a/tests/story.rs", &function(500)), []);
    // Braces in texts and declarations without a body do not lead astray.
    let declared = format!(
        "//! A.\ntrait T {{\n    fn a(&self, b: [u8; 2]);\n}}\nstruct S {{\n{}}}\n",
        "    a: u8,\n".repeat(90)
    );
    assert_eq!(said("a/src/lib.rs", &declared), []);
    let texts = format!(
        "//! A.\nfn f() {{\n    g(\"}}\", '}}', '{{', /* }} */ 1);\n{}}}\n",
        "    a;\n".repeat(70)
    );
    caught(&texts, 2, "`f` has 71 lines");
}

#[test]
fn long_files_are_caught_without_their_tests() {
    let body = "//! A.\n".to_owned() + &"const A: u8 = 1;\n".repeat(MOST_FILE_LINES - 1);
    let tests = "#[cfg(test)]\nmod tests {\n".to_owned() + &"    // a\n".repeat(600) + "}\n";
    assert_eq!(said("a/src/lib.rs", &(body.clone() + &tests)), []);
    caught(&(body + "const B: u8 = 2;\n"), 1, "501 lines");
}
