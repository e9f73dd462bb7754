//! What the names and types of columns say about what they hold. Evidence, not proof.

use super::words::{any, within, words};
use model::TableSchema;
use model::policy::ColumnSchema;

/// What a column holds, as its name and type tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Money,
    /// Money that grows with other rows: captured, refunded, balance.
    Running,
    Quantity,
    Currency,
    Payee,
    State,
    /// When a step was taken, or whether it was.
    Flag,
    /// Moves on with every update.
    Touched,
    /// Number or code by which people know the row.
    Code,
    /// What sort of row it is.
    Discriminator,
    Other,
}

const ADDRESS: &str = "postcode zip zipcode postal city";
const PAYEE: &str = "iban bic swift bank payee recipient wallet beneficiary routing sortcode payout \
    bankaccount cardnumber accountnumber payer card pan";
const PAYEE_PARTS: &str = "bankverbindung kontoinhaber kontonummer cuenta beneficiario beneficiaire \
    intestatario 口座 收款 银行 账号 账户 卡号 户名 shoukuan yinhang zhanghao kahao";
const NO_STEP: &str =
    "created expires expiry start starts end ends valid last birth updated joined";
const STEP: &str = "active paid captured settled refunded cancelled canceled void voided approved \
    confirmed completed closed locked";
const STATE_PARTS: &str = "zustand estado statut stato situacao 状态 zhuangtai";
const NAMED: &str = "code number reference ref method provider processor handler gateway label \
    direction identifier";
const RUNNING: &str = "captured authorized authorised refunded allocated debited paid balance used \
    remaining settled spent redeemed outstanding pending due";
const RUNNING_PARTS: &str = "saldo guthaben bezahlt erstattet solde 余额 已付 已退 yue";
const MONEY: &str = "amount total price subtotal tax fee fees cost discount charge credit debit \
    payable net gross commission tip deposit payout shipping surcharge value sum vat money revenue \
    cents minor adjustment rate totals";
const MONEY_PARTS: &str = "betrag summe preis gebuehr importe precio monto montant prix importo prezzo valor bedrag prijs \
    kwota cena amount price total 金额 价格 单价 总价 总额 运费 税 优惠 实付 jine jiage danjia yunfei";
const QUANTITY: &str = "quantity qty units stock";
const QUANTITY_PARTS: &str =
    "menge anzahl cantidad quantite quantita aantal ilosc quantity stock 数量 库存 shuliang kucun";
const COUNTS: &str = "count num position index priority percent percentage attempts days orders";

pub(super) fn roles_of(table: &TableSchema, numeric: impl Fn(u16) -> bool) -> Vec<Role> {
    let is_address = within(&words(&table.name), "address 地址")
        || table.columns.iter().any(|c| any(&words(&c.name), ADDRESS));
    (0_u16..)
        .zip(&table.columns)
        .map(|(c, column)| {
            let mut keys = table.foreign_keys.iter();
            if table.primary_key.contains(&c) || keys.any(|f| f.columns.contains(&column.name)) {
                return Role::Other;
            }
            match role_of(column, numeric(c)) {
                // A federal state.
                Role::State if is_address => Role::Other,
                role => role,
            }
        })
        .collect()
}

fn role_of(column: &ColumnSchema, numeric: bool) -> Role {
    let name = words(&column.name);
    let declared = column.declared.to_ascii_lowercase();
    let is = |types: &[&str]| types.iter().any(|t| declared.starts_with(t));
    let moment = is(&["timestamp", "date", "time"]);
    let truth = is(&["bool"]) || declared == "tinyint(1)";
    let text = !numeric && !moment && !truth && !is(&["json", "bytea", "blob", "uuid"]);
    let last = name.last().map_or("", String::as_str);
    if is_touched(&name, last, moment, numeric) || declared == "rowversion" {
        return Role::Touched;
    }
    if any(&name, "currency ccy")
        || within(
            &name,
            "币种 bizhong waehrung moneda devise valuta moeda waluta",
        )
    {
        let rate = last == "rate";
        return if rate { Role::Money } else { Role::Currency };
    }
    if matches!(last, "id" | "ids" | "uuid") {
        // Whom or what the row belongs to, or a provider's name for it; pointers into the shop are
        // told apart by their tables.
        return Role::Code;
    }
    let account = any(&name, "account") && any(&name, "number no holder name");
    if text && (any(&name, PAYEE) || within(&name, PAYEE_PARTS) || account) {
        return Role::Payee;
    }
    if moment || matches!(last, "at" | "on" | "date" | "time") {
        let step = !any(&name, NO_STEP);
        return if step { Role::Flag } else { Role::Other };
    }
    let state =
        matches!(last, "state" | "status" | "phase" | "stage") || within(&name, STATE_PARTS);
    let alone = name.len() == 1 || within(&name, STATE_PARTS);
    if state && !truth && (text || alone || last == "status") {
        return Role::State;
    }
    if truth {
        return if any(&name, STEP) {
            Role::Flag
        } else {
            Role::Other
        };
    }
    // A decimal may be kept twice: `raw_amount` beside `amount`.
    let raw = is(&["json"]) && name.first().is_some_and(|w| w == "raw");
    if numeric || raw {
        return number_role(&name);
    }
    if text && matches!(last, "type" | "kind" | "discriminator" | "event" | "action") {
        return Role::Discriminator;
    }
    if text && NAMED.split_whitespace().any(|n| n == last) {
        return Role::Code;
    }
    Role::Other
}

/// A time of change, or a version.
fn is_touched(name: &[String], last: &str, moment: bool, numeric: bool) -> bool {
    let ends = "at on am date updated modified time changed uid by";
    let time = any(name, "updated modified changed write gengxin geaendert")
        && (moment || ends.split_whitespace().any(|e| e == last));
    let named = name.concat() == "lastmodified" || within(name, "更新时间 修改时间");
    time || named || numeric && any(name, "version etag revision")
}

fn number_role(name: &[String]) -> Role {
    if any(name, "num") && any(name, "stock allocated reserved available") {
        return Role::Quantity;
    }
    if any(name, COUNTS) {
        let money = any(name, "amount total") && !any(name, "count num");
        return if money { Role::Money } else { Role::Other };
    }
    if any(name, QUANTITY) || within(name, QUANTITY_PARTS) {
        return Role::Quantity;
    }
    if any(name, RUNNING) || within(name, RUNNING_PARTS) {
        return Role::Running;
    }
    if any(name, MONEY) || within(name, MONEY_PARTS) {
        return Role::Money;
    }
    Role::Other
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn table(name: &str, columns: &[(&str, &str)]) -> TableSchema {
        TableSchema {
            name: name.to_owned(),
            columns: columns
                .iter()
                .map(|(name, declared)| ColumnSchema {
                    name: (*name).to_owned(),
                    declared: (*declared).to_owned(),
                    not_null: false,
                })
                .collect(),
            primary_key: vec![0],
            foreign_keys: Vec::new(),
        }
    }

    #[test]
    fn names_tell_what_columns_hold() {
        let columns = [
            ("id", "integer", Role::Other),
            ("subTotalWithTax", "integer", Role::Money),
            ("captured_amount", "numeric", Role::Running),
            ("currencyCode", "character varying", Role::Currency),
            ("iban", "text", Role::Payee),
            ("payment_status", "text", Role::State),
            ("status", "order_status_enum", Role::State),
            ("captured_at", "timestamp with time zone", Role::Flag),
            ("updatedAt", "timestamp", Role::Touched),
            ("created_at", "timestamp", Role::Other),
            ("quantity", "integer", Role::Quantity),
            ("num_orders", "integer", Role::Other),
            ("raw_amount", "jsonb", Role::Money),
            ("code", "text", Role::Code),
            ("type", "text", Role::Discriminator),
            ("金额", "numeric(12,2)", Role::Money),
            ("订单状态", "varchar(20)", Role::State),
        ];
        let pairs: Vec<(&str, &str)> = columns.iter().map(|(n, d, _)| (*n, *d)).collect();
        let table = table("t", &pairs);
        let numeric =
            |c: u16| ["integer", "numeric", "numeric(12,2)"].contains(&columns[usize::from(c)].1);
        let found = roles_of(&table, numeric);
        for ((name, _, role), found) in columns.iter().zip(found) {
            assert_eq!(found, *role, "{name}");
        }
    }

    #[test]
    fn the_state_of_an_address_is_none_of_an_order() {
        let table = table("shipping_address", &[("id", "int"), ("state", "text")]);
        assert_eq!(roles_of(&table, |_| false)[1], Role::Other);
    }
}
