//! What `compile` says of wrong policies, and what it makes of right ones.

use crate::shop;

use detect::policy::Severity;
use detect::{PolicyProblem, compile};
use expect_test::{Expect, expect};

/// Compiles the shop's policy with one text replaced and checks what is said.
fn check(replace: &str, by: &str, expected: Expect) {
    assert!(shop::POLICY.contains(replace), "{replace}");
    let policy = toml::from_str(&shop::POLICY.replacen(replace, by, 1)).unwrap();
    let said = match compile(&policy, &shop::schemas()) {
        Ok(compiled) => compiled.warnings().to_vec(),
        Err(problems) => problems,
    };
    let line = |p: &PolicyProblem| format!("{:?} {} {p}\n", p.severity(), p.code());
    let known = "policy-no-void";
    expected.assert_eq(
        &said
            .iter()
            .filter(|p| p.code() != known)
            .map(line)
            .collect::<String>(),
    );
}

#[test]
fn a_right_policy_has_only_warnings() {
    check("source", "source", expect![""]);
    let compiled = compile(&shop::policy(), &shop::schemas()).unwrap();
    let warned: Vec<&str> = compiled
        .warnings()
        .iter()
        .map(|w| w.table.as_str())
        .collect();
    assert_eq!(warned, ["order_lines", "payments", "refunds"]);
    assert!(
        compiled
            .warnings()
            .iter()
            .all(|w| w.severity() == Severity::Warning)
    );
}

#[test]
fn text_that_nobody_declared_is_personal() {
    let compiled = compile(&shop::policy(), &shop::schemas()).unwrap();
    // payee is undeclared text, phone is declared personal; the rest is plain, state or number.
    assert_eq!(compiled.personal_columns(shop::ORDERS), [4, 5]);
    assert!(compiled.personal_columns(shop::REFUNDS).is_empty());
    let money = compiled
        .money(shop::ORDERS, &shop::order(1, "placed", 123_456))
        .unwrap();
    assert_eq!(money.to_string(), "CNY 1,234.56");
}

#[test]
fn names_that_do_not_exist_come_with_the_nearest() {
    check(
        r#"state = "status""#,
        r#"state = "staus""#,
        expect![[r#"
            Problem policy-unknown-column table `orders`, `state`: the table has no column `staus`; did you mean `status`?
        "#]],
    );
    check(
        r#"name = "payments""#,
        r#"name = "payment""#,
        expect![[r#"
            Problem policy-unknown-table table `payment`, `name`: the shop's database has no such table; did you mean `payments`?
            Problem policy-unguarded-table table `orders`, `requires`: table `payments` is not guarded; declare it under `[[source.table]]` too; did you mean `payment`?
        "#]],
    );
    check(
        r#"amount = "total_minor""#,
        r#"amount = "total""#,
        expect![[r#"
            Problem policy-unknown-column table `orders`, `money.amount`: the table has no column `total`
        "#]],
    );
    check(
        r#"phone = "phone""#,
        r#"phone = "fone", id = "other""#,
        expect![[r#"
            Problem policy-personal-key table `orders`, `personal`: `id` is a key column; keys stand in the journal in the clear and cannot be personal
            Problem policy-unknown-kind table `orders`, `personal`: `fone` is no kind of personal data
        "#]],
    );
    check(
        "id = :id",
        "id = :ids",
        expect![[r#"
            Problem policy-void-parameter table `orders`, `void`: parameter `:ids` is no column of the table's key; did you mean `id`?
        "#]],
    );
}

#[test]
fn states_that_cannot_be_are_named() {
    check(
        r#"shipped = ["refunded"] }"#,
        r#"shiped = ["refunded"] }"#,
        expect![[r#"
            Problem policy-state-never-occurs table `orders`, `transitions`: no row can ever be in state `shiped`: it is neither in `initial` nor the target of a transition that can be reached; did you mean `shipped`?
        "#]],
    );
    check(
        r#"requires = { paid"#,
        r#"requires = { payd"#,
        expect![[r#"
            Problem policy-unknown-state table `orders`, `requires`: `payd` is no state of the table: neither `initial` nor `transitions` has it; did you mean `paid`?
        "#]],
    );
    check(
        r#"states = ["refunded"]"#,
        r#"states = ["refundd"]"#,
        expect![[r#"
            Problem policy-unknown-state table `refunds`, `parent.states`: `refundd` is no state of the table: neither `initial` nor `transitions` has it; did you mean `refunded`?
        "#]],
    );
    check(
        r#"state = "status""#,
        "",
        expect![[r#"
            Problem policy-no-state-column table `orders`, `initial`: this speaks of states, but `state` names no column
            Problem policy-no-state-column table `orders`, `transitions`: this speaks of states, but `state` names no column
            Problem policy-no-state-column table `orders`, `requires`: this speaks of states, but `state` names no column
            Problem policy-no-state-column table `orders`, `frozen.from`: this speaks of states, but `state` names no column
            Problem policy-parent-without-state table `payments`, `parent.states`: this names states of `orders`, whose policy names no `state` column
            Problem policy-parent-without-state table `refunds`, `parent.states`: this names states of `orders`, whose policy names no `state` column
        "#]],
    );
    check(
        r#"initial = ["placed"]"#,
        r#"initial = ["placed", "gift"]"#,
        expect![[r#"
            Warning policy-initial-never-left table `orders`, `initial`: a row that begins in `gift` can never leave it
        "#]],
    );
}

#[test]
fn keys_that_name_no_one_row_are_told() {
    check(
        r#"key = ["id"]"#,
        r#"key = ["note"]"#,
        expect![[r#"
            Problem policy-plain-key table `orders`, `plain`: `note` is a key column and needs no mention here
            Problem policy-void-parameter table `orders`, `void`: parameter `:id` is no column of the table's key
            Problem policy-not-to-key table `orders`, `requires`: the column does not point to the whole key of `orders`
            Problem policy-not-to-key table `order_lines`, `parent.via`: the column does not point to the whole key of `orders`
            Problem policy-not-to-key table `payments`, `parent.via`: the column does not point to the whole key of `orders`
            Problem policy-not-to-key table `refunds`, `parent.via`: the column does not point to the whole key of `orders`
            Warning policy-key-not-primary table `orders`, `key`: these columns are not the table's primary key; two rows with the same values would be taken for one, so make sure that they are unique
        "#]],
    );
    let mut schemas = shop::schemas();
    schemas[0].primary_key.clear();
    let mut policy = shop::policy();
    policy.tables[0].key.clear();
    let problems = compile(&policy, &schemas).unwrap_err();
    assert!(
        problems.iter().any(|p| p.code() == "policy-no-key"),
        "{problems:?}"
    );
}

#[test]
fn a_companion_needs_one_way_here() {
    let mut schemas = shop::schemas();
    let again = schemas[2].foreign_keys[0].clone();
    schemas[2].foreign_keys.push(again);
    let problems = compile(&shop::policy(), &schemas).unwrap_err();
    expect!["table `orders`, `requires`: table `payments` has 2 foreign keys to this table; say which column is meant with `via`"].assert_eq(&problems[0].to_string());
    schemas[2].foreign_keys.clear();
    let problems = compile(&shop::policy(), &schemas).unwrap_err();
    expect!["table `orders`, `requires`: table `payments` has no foreign key to this table; say which of its columns points here with `via`"].assert_eq(&problems[0].to_string());
    let via = shop::POLICY.replace(
        r#"{ paid = "payments" }"#,
        r#"{ paid = { table = "payments", via = "order_id" } }"#,
    );
    assert!(compile(&toml::from_str(&via).unwrap(), &schemas).is_ok());
}

#[test]
fn everything_is_said_at_once() {
    let mut policy = shop::policy();
    policy.tables[0].frozen[0].columns.push("tota_minor".into());
    policy.tables[1].key.push("line".into());
    policy.tables[2].money.as_mut().unwrap().fixed = None;
    policy.tables[3].repairable = vec!["id".into()];
    policy.tables.push(policy.tables[3].clone());
    let codes: Vec<&str> = compile(&policy, &shop::schemas())
        .unwrap_err()
        .iter()
        .map(PolicyProblem::code)
        .collect();
    expect![[r#"["policy-duplicate-key-column", "policy-no-currency", "policy-repairable-key", "policy-duplicate-table", "policy-repairable-key", "policy-unknown-column"]"#]]
    .assert_eq(&format!("{:?}", codes.iter().filter(|c| !c.contains("void") && !c.contains("primary")).collect::<Vec<_>>()));
}

#[test]
fn sizes_have_their_bounds() {
    let mut schemas = shop::schemas();
    let filler = schemas[0].columns[6].clone();
    schemas[0].columns.resize(256, filler);
    let problems = compile(&shop::policy(), &schemas).unwrap_err();
    assert_eq!(problems[0].code(), "policy-too-many-columns");
    let mut policy = shop::policy();
    let names = (0..61).map(|n| format!("state-{n}")).collect();
    policy.tables[0].transitions.insert("placed".into(), names);
    let problems = compile(&policy, &shop::schemas()).unwrap_err();
    assert!(
        problems
            .iter()
            .any(|p| p.code() == "policy-too-many-states"),
        "{problems:?}"
    );
    policy.tables = vec![policy.tables[1].clone(); detect::policy::MAX_TABLES + 1];
    let problems = compile(&policy, &shop::schemas()).unwrap_err();
    assert_eq!(problems[0].code(), "policy-too-many-tables");
}
