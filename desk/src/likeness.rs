//! How alike two tellings of what happened are, and why: what triage's suggestions rest on.
//!
//! Pure, and the same for the same words: shared numbers and addresses weigh most, then the text
//! by Dice's coefficient over pairs of Chinese characters and whole words of other scripts, then
//! place, risk and time. It only ever suggests; people decide. Deliberately not here: where the
//! tellings come from (`triage_stack`), and full-text search (room `store`).

use model::{Instant, Risk};
use std::collections::BTreeSet;

/// Characters of a text that are compared; what matters stands in the beginning.
const MAX_CHARS: usize = 2_000;
/// Numbers and addresses taken out of one text.
const MAX_MARKS: usize = 24;
/// An order number, a telephone number, a host: shorter ones (years, counts) stand everywhere.
const MIN_MARK_CHARS: usize = 5;
/// A shorter number counts when it is called an order's.
const MIN_CALLED_DIGITS: usize = 2;
/// What numbers are called that name one thing of the shop.
const CALLED: [&str; 12] = [
    "订单", "单", "退款", "支付", "流水", "工单", "order", "orders", "refund", "payment",
    "invoice", "ticket",
];
/// Texts less alike than this say nothing.
const LEAST_TEXT_PERCENT: u32 = 30;
/// Points from which two tellings are suggested as alike.
pub const SUGGESTED: u32 = 35;

/// What is compared of one telling.
#[derive(Clone, Debug)]
pub struct Telling {
    features: BTreeSet<String>,
    marks: BTreeSet<String>,
    place: String,
    risk: Option<Risk>,
    at: Instant,
}

/// One reason why two tellings are suggested as alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Order numbers, telephone numbers, hosts, addresses that stand in both.
    SameMarks(Vec<String>),
    /// Per cent of their words that both share.
    Text(u32),
    Place,
    Risk,
    /// Whole minutes between them, less than a day.
    Minutes(u32),
}

/// How alike, 0 to 100, and why, the weightiest reason first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Likeness {
    pub points: u32,
    pub reasons: Vec<Reason>,
}

impl Likeness {
    pub fn suggested(&self) -> bool {
        self.points >= SUGGESTED
    }
}

impl Telling {
    pub fn of(text: &str, place: &str, risk: Option<Risk>, at: Instant) -> Self {
        let cut: String = text.chars().take(MAX_CHARS).map(narrow).collect();
        let mut marks = marks(&cut);
        marks.extend(self::marks(&place.chars().map(narrow).collect::<String>()));
        Self {
            features: features(&cut),
            marks,
            place: place
                .chars()
                .map(narrow)
                .filter(|c| c.is_alphanumeric())
                .collect(),
            risk,
            at,
        }
    }

    /// The numbers and addresses that stand in it, as they are searched for.
    pub fn marks(&self) -> impl Iterator<Item = &str> {
        self.marks.iter().map(String::as_str)
    }

    /// The same for both orders.
    pub fn likeness(&self, other: &Self) -> Likeness {
        let shared: Vec<String> = self.marks.intersection(&other.marks).cloned().collect();
        let percent = dice_percent(&self.features, &other.features);
        let mut found = Likeness::default();
        let mut add = |points: u32, reason: Reason| {
            found.points += points;
            found.reasons.push(reason);
        };
        if !shared.is_empty() {
            let more = (shared.len() as u32 - 1).min(2) * 10;
            add(50 + more, Reason::SameMarks(shared));
        }
        if percent >= LEAST_TEXT_PERCENT {
            add(percent * 7 / 10, Reason::Text(percent));
        }
        // Place, risk and time support a likeness; alone they are none.
        if found.points > 0 {
            if !self.place.is_empty() && self.place == other.place {
                found.points += 10;
                found.reasons.push(Reason::Place);
            }
            let apart_s = self.at.since_s(other.at).abs();
            if apart_s < 86_400.0 {
                found.points += if apart_s < 3_600.0 { 10 } else { 5 };
                found.reasons.push(Reason::Minutes((apart_s / 60.0) as u32));
            }
            if self.risk.is_some() && self.risk == other.risk {
                found.points += 5;
                found.reasons.push(Reason::Risk);
            }
        }
        found.points = found.points.min(100);
        found
    }
}

/// Full-width signs as their usual ones, in lower case.
fn narrow(c: char) -> char {
    let usual = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        c => c,
    };
    usual.to_lowercase().next().unwrap_or(usual)
}

/// Scripts without spaces between their words.
fn runs_on(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Pairs of characters of scripts that run on, whole words of the others.
fn features(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut word = String::new();
    let mut before: Option<char> = None;
    for c in text.chars().chain([' ']) {
        if runs_on(c) {
            if let Some(before) = before {
                found.insert(String::from_iter([before, c]));
            }
            before = Some(c);
        } else {
            before = None;
        }
        if c.is_alphanumeric() && !runs_on(c) {
            word.push(c);
        } else if !word.is_empty() {
            found.insert(std::mem::take(&mut word));
        }
    }
    found
}

/// Words with a digit and of some length, addresses with a point or an at sign, and short numbers
/// that are called an order's, a refund's or a payment's.
fn marks(text: &str) -> BTreeSet<String> {
    let inside = |c: char| (c.is_alphanumeric() && !runs_on(c)) || "-_.@:/#".contains(c);
    let mut found = BTreeSet::new();
    let mut behind = 0;
    for piece in text.split_inclusive(|c| !inside(c)) {
        let before = &text[..behind];
        behind += piece.len();
        let word = piece.trim_matches(|c: char| !c.is_alphanumeric() || runs_on(c));
        let digits = word.chars().any(|c| c.is_ascii_digit());
        let address = word.contains('@') || word.contains('.');
        let long = word.chars().count() >= MIN_MARK_CHARS && (digits || address);
        if (long || (short_number(word) && calls_a_number(before))) && found.len() < MAX_MARKS {
            found.insert(word.to_owned());
        }
    }
    found
}

fn short_number(word: &str) -> bool {
    (MIN_CALLED_DIGITS..MIN_MARK_CHARS).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_digit())
}

/// Whether what stands right before a number says what it numbers.
fn calls_a_number(before: &str) -> bool {
    let between = |c: char| c.is_whitespace() || "号:#.(".contains(c) || c == '是';
    let before = before.trim_end_matches(between);
    let before = before.strip_suffix("no").map_or(before, str::trim_end);
    CALLED.iter().any(|name| before.ends_with(name))
}

/// Sørensen-Dice in per cent; nothing shared by two empty texts.
fn dice_percent(a: &BTreeSet<String>, b: &BTreeSet<String>) -> u32 {
    let (sizes, shared) = (a.len() + b.len(), a.intersection(b).count());
    match sizes {
        0 => 0,
        _ => (200 * shared / sizes) as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::Seed;

    fn telling(text: &str) -> Telling {
        Telling::of(text, "", None, Instant(0))
    }

    fn points(a: &str, b: &str) -> u32 {
        telling(a).likeness(&telling(b)).points
    }

    #[test]
    fn the_same_order_number_makes_two_reports_alike() {
        let a = telling("订单ＳＯ-20261122-0007的金额被改成了0.01元");
        let b = telling("customer complains: so-20261122-0007 shows a wrong amount");
        let found = a.likeness(&b);
        assert!(found.suggested(), "{found:?}");
        assert_eq!(
            found.reasons.first(),
            Some(&Reason::SameMarks(vec!["so-20261122-0007".to_owned()]))
        );
    }

    #[test]
    fn a_short_number_counts_where_it_is_called_an_orders() {
        let of = |text| telling(text).marks().map(str::to_owned).collect::<Vec<_>>();
        for (text, mark) in [
            ("订单 1007 金额不对", "1007"),
            ("订单号：88被改", "88"),
            ("Order no. 1007 shows a wrong sum", "1007"),
            ("Refund #42 was never asked for", "42"),
            ("退款单（３１５）不是我申请的", "315"),
        ] {
            assert_eq!(of(text), [mark], "{text}");
        }
        for text in [
            "共 1007 个订单",
            "2026 年",
            "3 orders of 20 customers",
            "等了 30 分钟",
        ] {
            assert_eq!(of(text), Vec::<String>::new(), "{text}");
        }
        let found =
            telling("订单1007付款后收款人变了").likeness(&telling("order #1007: wrong payee"));
        assert!(found.suggested(), "{found:?}");
    }

    #[test]
    fn the_same_thing_in_other_words_is_alike_and_another_thing_is_not() {
        let told = "后台有人批量导出用户手机号和收货地址";
        assert!(points(told, "有人在后台批量导出了用户的手机号、收货地址") >= SUGGESTED);
        assert!(points(told, "退款金额被改，付款到了陌生账户") < SUGGESTED);
        let told = "The price of a paid order was changed to one cent";
        assert!(points(told, "price of a paid order changed to one cent!") >= SUGGESTED);
        assert!(points(told, "A courier photographed waybills with addresses") < SUGGESTED);
    }

    #[test]
    fn place_risk_and_time_alone_make_nothing_alike() {
        let at = Instant(0);
        let a = Telling::of("支付失败", "客服后台", Some(Risk::R2), at);
        let b = Telling::of("面单泄露", "客服后台", Some(Risk::R2), at);
        assert_eq!(a.likeness(&b), Likeness::default());
        let near = Telling::of("支付失败了", "客服后台", Some(Risk::R2), at.plus_s(600));
        let reasons = a.likeness(&near).reasons;
        assert!(reasons.contains(&Reason::Minutes(10)) && reasons.contains(&Reason::Place));
    }

    #[test]
    fn short_numbers_and_years_are_no_marks() {
        let of = |text| telling(text).marks().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(of("2026年有3个订单"), Vec::<String>::new());
        assert_eq!(
            of("打13900001111，登录 pay.example.com。"),
            ["13900001111", "pay.example.com"]
        );
    }

    /// Any text is likest to itself, the order does not matter, and points stay in their bounds.
    #[test]
    fn likeness_is_symmetric_bounded_and_greatest_with_itself() {
        let alphabet: Vec<char> = "订单支付退款导出abc 019-.@，。Ａ\u{0}\u{1f525}é"
            .chars()
            .collect();
        let mut seeded = Seed::new(7);
        let mut text = || {
            let n = seeded.below(60) as usize;
            (0..n)
                .map(|_| alphabet[seeded.below(alphabet.len() as u64) as usize])
                .collect::<String>()
        };
        for _ in 0..2_000 {
            let (a, b) = (telling(&text()), telling(&text()));
            let (ab, ba) = (a.likeness(&b), b.likeness(&a));
            assert_eq!(ab, ba);
            assert!(ab.points <= 100);
            assert!(
                a.likeness(&a).points >= ab.points || ab.points == 100,
                "{a:?} {b:?}"
            );
        }
    }
}
