//! What the names of tables say about their meaning. Evidence, not proof: data decides where there
//! is any. Names of columns are read in `roles`.

use super::roles::Role;
use model::TableSchema;

/// What a table is for, as its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Sort {
    /// Money that moved: payments, refunds, transactions, payouts.
    Ledger,
    /// What was ordered, and for how much.
    Order,
    /// What happened, written down: history, movements, audit.
    History,
    /// Has money or a state, and is none of the above: prices, stock, offers.
    Valued,
    /// Neither money nor state, and nobody's companion worth naming.
    Plain,
    /// Sessions, jobs, caches: written by everything, says nothing.
    Noise,
}

// Words of names, in English, Chinese and its common transcription.
const NOISE: &str = "session job cache token search thumbnail migration analytics queue lock \
    notification webhook index outbox email mail scheduled cached kvstore heartbeat worker oauth \
    translation workflow sequence counter";
const SETTINGS: &str = "type method provider setting config template gateway option category group \
    region zone rule profile permission";
const CARTS: &str = "cart basket wishlist quote draft 购物车 gouwuche";
pub(super) fn is_cart(table: &TableSchema) -> bool {
    within(&words(&table.name), CARTS)
}

const LEDGER: &str = "payment refund transaction ledger journal payout settlement capture chargeback \
    invoice withdrawal transfer creditline credit giftcard wallet deposit dispute remittance \
    disbursement commission posting creditmemo";
/// Also within a word that is run together.
const LEDGER_PARTS: &str = "payment refund transaction invoice payout giftcard chargeback creditmemo \
    zahlung rechnung gutschrift guthaben erstattung buchung auszahlung pago factura reembolso \
    paiement facture remboursement virement pagamento fattura rimborso fatura betaling factuur \
    platnosc faktura 支払 返金 請求 支付 付款 退款 流水 账单 结算 提现 转账 充值 zhifu fukuan tuikuan liushui zhangdan jiesuan tixian";
const HISTORY: &str =
    "history audit movement log logentry statuschange event entry note activity timeline";
const HISTORY_PARTS: &str = "statuschange logentry history event verlauf protokoll zustandswechsel historial historique storico 日志 记录 历史 变动 rizhi jilu";
const ORDER: &str = "order line item sale purchase booking subscription checkout fulfillment \
    fulfilment shipment return surcharge";
const ORDER_PARTS: &str = "order lineitem bestellung bestellposition auftrag pedido commande \
    ordine bestelling zamowienie 注文 订单 明细 发货 售后 dingdan fahuo";

/// `subTotalWithTax`, `total_incl_tax`, `ORDERLINE` -> lower-case words.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() {
            out.push(String::new());
        } else {
            if c.is_uppercase() && before.is_lowercase() || out.is_empty() {
                out.push(String::new());
            }
            if let Some(word) = out.last_mut() {
                word.extend(c.to_lowercase());
            }
        }
        before = c;
    }
    out.retain(|word| !word.is_empty());
    out
}

/// Whether one of the words stands in the list.
pub(super) fn any(words: &[String], list: &str) -> bool {
    words
        .iter()
        .any(|word| list.split_whitespace().any(|l| l == word))
}

/// Whether a word of the list is part of one of the words: `orderpayment`.
pub(super) fn within(words: &[String], list: &str) -> bool {
    words
        .iter()
        .any(|word| list.split_whitespace().any(|l| word.contains(l)))
}

/// As [`any`], with or without an `s` at the end.
fn any_number(words: &[String], list: &str) -> bool {
    let singular: Vec<String> = words
        .iter()
        .map(|w| w.strip_suffix('s').unwrap_or(w).to_owned())
        .collect();
    any(words, list) || any(&singular, list)
}

pub(super) fn sort_of(table: &TableSchema, roles: &[Role]) -> Sort {
    let words = words(&table.name);
    let valued = roles
        .iter()
        .any(|r| matches!(r, Role::Money | Role::Running | Role::Payee));
    // A try to pay is no visitor's session.
    let to_pay = any_number(&words, "payment") && any_number(&words, "session");
    if any_number(&words, NOISE) && !to_pay {
        return Sort::Noise;
    }
    let last = words.last().map_or("", String::as_str);
    let last = last.strip_suffix('s').unwrap_or(last);
    // What is not ordered yet changes freely, and settings are no ledgers.
    if within(&words, "settings")
        || SETTINGS.split_whitespace().any(|s| last.ends_with(s))
        || within(&words, CARTS)
    {
        return if valued { Sort::Valued } else { Sort::Plain };
    }
    if any_number(&words, LEDGER) || within(&words, LEDGER_PARTS) {
        return Sort::Ledger;
    }
    let history = any_number(&words, HISTORY) || within(&words, HISTORY_PARTS);
    if history && !valued {
        return Sort::History;
    }
    if any_number(&words, ORDER) || within(&words, ORDER_PARTS) {
        let counts = roles
            .iter()
            .any(|r| matches!(r, Role::State | Role::Quantity));
        return if valued || counts {
            Sort::Order
        } else {
            Sort::Plain
        };
    }
    let stock = roles.contains(&Role::Quantity) && within(&words, "stock inventory 库存 kucun");
    if valued || stock {
        Sort::Valued
    } else {
        Sort::Plain
    }
}

/// Whether two columns are one thing told twice: `subTotal` and `subTotalWithTax`, `amount` and `raw_amount`.
pub(super) fn same_stem(a: &str, b: &str) -> bool {
    const VARIANTS: &str = "with tax incl excl raw net gross including excluding base";
    let stem = |name: &str| {
        let mut words = words(name);
        words.retain(|w| !any(std::slice::from_ref(w), VARIANTS));
        words
    };
    let (a, b) = (stem(a), stem(b));
    !a.is_empty() && a == b
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::roles::tests::table;

    #[test]
    fn names_tell_what_tables_are_for() {
        for (name, sort) in [
            ("payment", Sort::Ledger),
            ("pretixbase_orderpayment", Sort::Ledger),
            ("order_paymenteventtype", Sort::Plain),
            ("payment_method", Sort::Plain),
            ("job_record", Sort::Noise),
            ("history_entry", Sort::History),
            ("order_orderstatuschange", Sort::History),
            ("order_shippingevent", Sort::History),
            ("payment_session", Sort::Ledger),
            ("django_session", Sort::Noise),
            ("退款单", Sort::Ledger),
        ] {
            assert_eq!(sort_of(&table(name, &[]), &[]), sort, "{name}");
        }
        let valued = |name| sort_of(&table(name, &[]), &[Role::Money]);
        assert_eq!(valued("order_line"), Sort::Order);
        assert_eq!(valued("订单明细"), Sort::Order);
        assert_eq!(valued("product_price"), Sort::Valued);
        assert_eq!(valued("cart_line_item"), Sort::Valued);
    }

    #[test]
    fn a_stem_told_twice_is_seen() {
        assert!(same_stem("subTotal", "subTotalWithTax"));
        assert!(same_stem("amount", "raw_amount"));
        assert!(same_stem("total_incl_tax", "total_excl_tax"));
        assert!(!same_stem("shipping", "subTotal"));
    }
}
