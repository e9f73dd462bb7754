//! What `compile_for` says of wrong rules about company, twins and sums.

use crate::world::{policy, schemas};
use detect::policy::Severity;
use detect::{compile, compile_for};
use expect_test::{Expect, expect};
use model::policy::Sees;

const TABLES: &str = "orders id state total goods; lines id order_id price quantity; log id text";

fn said(rules: &str, sees: Sees) -> String {
    let policy = policy(TABLES, &format!("[[tables]]\nname = \"orders\"\n{rules}"));
    let problems = match compile_for(&policy, &schemas(TABLES), sees) {
        Ok(compiled) => compiled.warnings().to_vec(),
        Err(problems) => problems,
    };
    let lines: Vec<String> = problems
        .iter()
        .filter(|p| {
            ![
                "policy-no-void",
                "policy-no-initial",
                "policy-no-transitions",
            ]
            .contains(&p.code())
        })
        .map(|p| {
            let mark = match p.severity() {
                Severity::Problem => "",
                Severity::Warning => "(warning) ",
            };
            format!("{mark}{} {p}", p.code())
        })
        .collect();
    lines.join("\n")
}

fn check(rules: &str, expected: Expect) {
    expected.assert_eq(&said(rules, Sees::Transactions));
}

#[test]
fn right_rules_are_taken() {
    check(
        r#"
        state = "state"
        values = { state = ["open", "paid"] }
        frozen = { from = ["paid"], columns = ["total"], unless = [{ table = "log", op = "insert", holds = { text = "x" } }] }
        together = [{ columns = ["total"], with = ["goods"] }]
        company = [{ on = "update", when = { state = "paid" }, any_of = [{ table = "lines", via = "order_id", changes = ["price"] }] }]
        only_rise = ["total"]
        only_fall = ["goods"]
        equal = [{ column = "total", equals = "goods" }]
        sum = [{ column = "total", terms = ["-goods"], of = { table = "lines", via = "order_id", column = "price", times = "quantity" }, within = "0.05", states = ["paid"] }]
        "#,
        expect![""],
    );
}

#[test]
fn a_source_of_states_refuses_what_it_cannot_see() {
    let rules = r#"
        frozen = { columns = ["total"], unless = [{ table = "log" }] }
        company = [{ on = "insert", any_of = [{ table = "log" }] }]
    "#;
    check(rules, expect![""]);
    expect![[r#"
        policy-needs-transactions table `orders`, `frozen.unless`: this speaks of other writes in the same transaction, and this source shows only states of rows, not transactions; leave the rule out, or say it with `requires` or `parent`
        policy-needs-transactions table `orders`, `company`: this speaks of other writes in the same transaction, and this source shows only states of rows, not transactions; leave the rule out, or say it with `requires` or `parent`"#]]
    .assert_eq(&said(rules, Sees::States));
    let policy = policy(TABLES, &format!("[[tables]]\nname = \"orders\"\n{rules}"));
    assert_eq!(compile(&policy, &schemas(TABLES)).unwrap_err().len(), 2);
    // All other rules are judged between two looks too.
    expect![""].assert_eq(&said(
        r#"together = [{ columns = ["total"], with = ["goods"] }]"#,
        Sees::States,
    ));
}

#[test]
fn names_that_do_not_exist_come_with_the_nearest() {
    check(
        r#"company = [{ on = "insert", any_of = [{ table = "line" }] }]"#,
        expect![[
            r#"policy-unguarded-table table `orders`, `company.any_of`: table `line` is not guarded; declare it under `[[source.table]]` too; did you mean `lines`?"#
        ]],
    );
    check(
        r#"frozen = { columns = ["totl"], unless = [{ table = "lines", via = "order_i" }, { table = "log", to = "gods" }] }"#,
        expect![[r#"
            policy-unknown-column table `orders`, `frozen.columns`: the table has no column `totl`; did you mean `total`?
            policy-unknown-column table `orders`, `frozen.unless.via`: the table has no column `order_i`; did you mean `order_id`?
            policy-unknown-column table `orders`, `frozen.unless.to`: the table has no column `gods`; did you mean `goods`?"#]],
    );
    check(
        r#"
        values = { state = ["open", "paid"], stat = [] }
        only_rise = ["total", "goodz"]
        together = [{ columns = ["totals"], with = ["good"] }]
        company = [{ on = "insert", when = { state = "payd" }, any_of = [{ table = "lines", holds = { prize = "1" }, changes = ["quantitiy"] }] }]
        "#,
        expect![[r#"
            policy-unknown-column table `orders`, `together.columns`: the table has no column `totals`; did you mean `total`?
            policy-unknown-column table `orders`, `together.with`: the table has no column `good`; did you mean `goods`?
            policy-unknown-column table `orders`, `only_rise`: the table has no column `goodz`; did you mean `goods`?
            policy-unknown-value table `orders`, `company.when`: `values` of that table does not allow `payd` in `state`; did you mean `paid`?
            policy-unknown-column table `orders`, `company.any_of.holds`: the table has no column `prize`; did you mean `price`?
            policy-unknown-column table `orders`, `company.any_of.changes`: the table has no column `quantitiy`; did you mean `quantity`?
            policy-unknown-column table `orders`, `values`: the table has no column `stat`; did you mean `state`?"#]],
    );
    check(
        r#"
        state = "state"
        initial = ["open"]
        transitions = { open = ["paid"] }
        frozen = { from = ["pad"], columns = ["total"], unless = [{ table = "orders", holds = { state = "oppen" } }] }
        sum = [{ column = "total", terms = ["goods"], states = ["piad"] }]
        "#,
        expect![[r#"
            policy-unknown-state table `orders`, `frozen.from`: `pad` is no state of the table: neither `initial` nor `transitions` has it; did you mean `paid`?
            policy-unknown-state table `orders`, `sum.states`: `piad` is no state of the table: neither `initial` nor `transitions` has it; did you mean `paid`?
            policy-unknown-state table `orders`, `frozen.unless.holds`: `oppen` is no state of the table: neither `initial` nor `transitions` has it; did you mean `open`?"#]],
    );
    check(
        r#"
        equal = [{ column = "totl", equals = "gods" }, { column = "total", equals = "prize", table = "lines", via = "goodd" }, { column = "total", equals = "price", table = "lins", via = "goods" }]
        sum = [{ column = "totel", terms = ["-godds"], of = { table = "lines", via = "oder_id", column = "prize", times = "qantity" } }, { column = "total", of = { table = "lgo", via = "x", column = "y" } }]
        "#,
        expect![[r#"
            policy-unknown-column table `orders`, `equal.column`: the table has no column `totl`; did you mean `total`?
            policy-unknown-column table `orders`, `equal.equals`: the table has no column `gods`; did you mean `goods`?
            policy-unknown-column table `orders`, `equal.equals`: the table has no column `prize`; did you mean `price`?
            policy-unknown-column table `orders`, `equal.via`: the table has no column `goodd`; did you mean `goods`?
            policy-unguarded-table table `orders`, `equal.table`: table `lins` is not guarded; declare it under `[[source.table]]` too; did you mean `lines`?
            policy-unknown-column table `orders`, `sum.column`: the table has no column `totel`; did you mean `total`?
            policy-unknown-column table `orders`, `sum.terms`: the table has no column `godds`; did you mean `goods`?
            policy-unguarded-table table `orders`, `sum.of.table`: table `lgo` is not guarded; declare it under `[[source.table]]` too; did you mean `log`?"#]],
    );
}

#[test]
fn rules_that_say_nothing_or_too_much_are_told() {
    check(
        r#"
        company = [{ on = "insert", any_of = [] }]
        frozen = { columns = [], unless = [{ table = "lines", via = "order_id", to = "goods" }] }
        together = [{ columns = ["total"], with = [] }]
        equal = [{ column = "total", equals = "total" }, { column = "total", equals = "price", table = "lines" }]
        sum = [{ column = "total" }, { column = "total", terms = ["goods"], within = "5%" }, { column = "total", terms = ["goods"], within = "-1", states = ["x"] }]
        "#,
        expect![[r#"
            policy-no-state-column table `orders`, `sum.states`: this speaks of states, but `state` names no column
            policy-via-and-to table `orders`, `frozen.unless`: `via` (the other row points here) and `to` (this row points there) exclude each other; keep one
            policy-no-company table `orders`, `company.any_of`: no other write is named, so that every such write would be unlawful; name one, or use `frozen`, `append_only` or `no_delete`
            policy-half-a-pointer table `orders`, `equal`: `table` and `via` belong together: the other table, and the column of this one that points to it
            policy-nothing-summed table `orders`, `sum`: say what is summed: `terms` of this row, `of` other rows, or both
            policy-no-number table `orders`, `sum.within`: `5%` is no number; write it like `0.05`
            policy-no-number table `orders`, `sum.within`: `-1` is no number; write it like `0.05`
            (warning) policy-nothing-frozen table `orders`, `frozen.columns`: no column is named, so that nothing is frozen
            (warning) policy-nothing-named table `orders`, `together`: both `columns` and `with` must name columns, or the rule says nothing
            (warning) policy-equals-itself table `orders`, `equal`: a column always equals itself; name another"#]],
    );
}
