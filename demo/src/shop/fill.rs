//! Fills a new shop from its seed. Every value comes from the seeded generator, in one fixed
//! order; changing that order changes every shop that a seed stands for.

use super::{CURRENCY, DDL, PAYEES, ShopCounts, ShopError, ShopOptions, words};
use fastrand::Rng;
use model::Instant;
use rusqlite::{CachedStatement, Connection, Transaction, params};
use std::path::Path;

/// Orders in one transaction: a few megabytes, so that a big shop does not grow a big cache.
const ORDERS_PER_TRANSACTION: u32 = 50_000;
/// Orders between two reports of progress.
const ORDERS_PER_REPORT: u32 = 1_000;
const ORDERS_PER_CUSTOMER: u32 = 5;
const STAFF: u32 = 24;
/// 2025-07-01T00:00:00Z; the first order follows it.
const OPENING: Instant = Instant::from_secs(1_751_328_000);
/// The shop's history is this long, whatever the number of its orders.
const HISTORY_S: i64 = 180 * 86_400;
const ZONE: &str = "Asia/Shanghai";

/// Text of a moment as the shop writes it: local time of its owners.
pub(crate) fn stamp(at: Instant) -> String {
    at.in_zone(ZONE)
}

pub(super) fn whole(
    path: &Path,
    options: &ShopOptions,
    progress: &mut dyn FnMut(u32),
) -> Result<ShopCounts, ShopError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".making");
    let beside = Path::new(&beside);
    // What an interrupted run left is nobody's data.
    let _ = std::fs::remove_file(beside);
    let mut connection = Connection::open(beside)?;
    // Until the rename nobody relies on this file, so it needs no journal and no fsync.
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.execute_batch(DDL)?;
    let counts = Filling::new(options).all(&mut connection, progress)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.close().map_err(|(_, error)| error)?;
    std::fs::rename(beside, path).map_err(|source| ShopError::Place {
        path: path.to_owned(),
        source,
    })?;
    Ok(counts)
}

struct Filling {
    rng: Rng,
    orders: u32,
    customers: u32,
    counts: ShopCounts,
}

/// The statements of one transaction, prepared once.
struct Statements<'a> {
    order: CachedStatement<'a>,
    line: CachedStatement<'a>,
    payment: CachedStatement<'a>,
    refund: CachedStatement<'a>,
}

impl<'a> Statements<'a> {
    fn prepare(transaction: &'a Transaction<'_>) -> Result<Self, ShopError> {
        Ok(Self {
            order: transaction.prepare_cached(
                "INSERT INTO orders VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?,
            line: transaction
                .prepare_cached("INSERT INTO order_lines VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?,
            payment: transaction
                .prepare_cached("INSERT INTO payments VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?,
            refund: transaction
                .prepare_cached("INSERT INTO refunds VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?,
        })
    }
}

/// What happened to an order before the demo begins.
#[derive(Clone, Copy)]
enum Past {
    Placed,
    Cancelled,
    Paid,
    Shipped,
    Refunded { shipped: bool },
}

impl Past {
    /// Shares in hundredths: 3 placed, 2 cancelled, 14 paid, 77 shipped, 4 refunded.
    fn draw(rng: &mut Rng) -> Self {
        match rng.u8(..100) {
            0..3 => Self::Placed,
            3..5 => Self::Cancelled,
            5..19 => Self::Paid,
            19..96 => Self::Shipped,
            _ => Self::Refunded {
                shipped: rng.bool(),
            },
        }
    }
    const fn status(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Cancelled => "cancelled",
            Self::Paid => "paid",
            Self::Shipped => "shipped",
            Self::Refunded { .. } => "refunded",
        }
    }
    const fn was_paid(self) -> bool {
        !matches!(self, Self::Placed | Self::Cancelled)
    }
    const fn was_shipped(self) -> bool {
        matches!(self, Self::Shipped | Self::Refunded { shipped: true })
    }
}

impl Filling {
    fn new(options: &ShopOptions) -> Self {
        Self {
            rng: Rng::with_seed(options.seed),
            orders: options.orders,
            customers: options.orders / ORDERS_PER_CUSTOMER,
            counts: ShopCounts::default(),
        }
    }

    fn all(
        mut self,
        connection: &mut Connection,
        progress: &mut dyn FnMut(u32),
    ) -> Result<ShopCounts, ShopError> {
        self.people(connection)?;
        let mut next = 1;
        while next <= self.orders {
            let last = self.orders.min(next + ORDERS_PER_TRANSACTION - 1);
            let transaction = connection.transaction()?;
            {
                let mut statements = Statements::prepare(&transaction)?;
                for id in next..=last {
                    self.order(&mut statements, id)?;
                    if id % ORDERS_PER_REPORT == 0 {
                        progress(id);
                    }
                }
            }
            transaction.commit()?;
            next = last + 1;
        }
        progress(self.orders);
        Ok(self.counts)
    }

    fn people(&mut self, connection: &mut Connection) -> Result<(), ShopError> {
        let transaction = connection.transaction()?;
        {
            let mut customer = transaction
                .prepare_cached("INSERT INTO customers VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            for id in 1..=self.customers {
                let joined = OPENING.plus_s(-self.rng.i64(1..400 * 86_400));
                customer.execute(params![
                    id,
                    words::name(&mut self.rng),
                    words::phone(&mut self.rng),
                    words::email(id),
                    words::address(&mut self.rng),
                    stamp(joined)
                ])?;
            }
            let mut staff =
                transaction.prepare_cached("INSERT INTO staff VALUES (?1, ?2, ?3, ?4)")?;
            for id in 1..=STAFF {
                let role = words::ROLES[id as usize % words::ROLES.len()];
                staff.execute(params![
                    id,
                    words::name(&mut self.rng),
                    role,
                    words::phone(&mut self.rng)
                ])?;
            }
        }
        transaction.commit()?;
        self.counts.customers = self.customers;
        self.counts.staff = STAFF;
        Ok(())
    }

    fn order(&mut self, statements: &mut Statements<'_>, id: u32) -> Result<(), ShopError> {
        let past = Past::draw(&mut self.rng);
        let customer = self.rng.u32(1..=self.customers);
        let payee = PAYEES[self.rng.usize(..PAYEES.len())];
        let receiver = words::phone(&mut self.rng);
        let placed = OPENING.plus_s(HISTORY_S * i64::from(id) / i64::from(self.orders));
        let paid = placed.plus_s(self.rng.i64(20..1_800));
        let shipped = paid.plus_s(self.rng.i64(3_600..172_800));
        let refunded = shipped.plus_s(self.rng.i64(3_600..864_000));
        let updated = match past {
            Past::Placed => placed,
            Past::Cancelled | Past::Paid => paid,
            Past::Shipped => shipped,
            Past::Refunded { .. } => refunded,
        };
        let lines: Vec<_> = (0..self.rng.u8(1..=3))
            .map(|_| draw_line(&mut self.rng))
            .collect();
        let total: i64 = lines
            .iter()
            .map(|line| line.quantity * line.unit_minor)
            .sum();
        statements.order.execute(params![
            id,
            customer,
            past.status(),
            total,
            CURRENCY,
            payee,
            receiver,
            stamp(placed),
            stamp(updated),
            past.was_shipped().then(|| stamp(shipped))
        ])?;
        self.counts.orders += 1;
        for line in &lines {
            self.counts.order_lines += 1;
            statements.line.execute(params![
                self.counts.order_lines,
                id,
                line.sku,
                line.title,
                line.quantity,
                line.unit_minor
            ])?;
        }
        let sale = Sale {
            order: id,
            customer,
            total,
            payee,
        };
        if past.was_paid() {
            self.payment(statements, &sale, paid)?;
        }
        if matches!(past, Past::Refunded { .. }) {
            self.refund(statements, &sale, refunded)?;
        }
        Ok(())
    }

    fn payment(
        &mut self,
        statements: &mut Statements<'_>,
        sale: &Sale,
        at: Instant,
    ) -> Result<(), ShopError> {
        self.counts.payments += 1;
        statements.payment.execute(params![
            self.counts.payments,
            sale.order,
            sale.customer,
            sale.total,
            CURRENCY,
            sale.payee,
            provider_ref(&mut self.rng),
            stamp(at)
        ])?;
        Ok(())
    }

    fn refund(
        &mut self,
        statements: &mut Statements<'_>,
        sale: &Sale,
        at: Instant,
    ) -> Result<(), ShopError> {
        self.counts.refunds += 1;
        let open = self.rng.u8(..3) == 0;
        statements.refund.execute(params![
            self.counts.refunds,
            sale.order,
            sale.customer,
            sale.total,
            CURRENCY,
            buyer_account(i64::from(sale.customer)),
            if open { "requested" } else { "done" },
            stamp(at)
        ])?;
        Ok(())
    }
}

/// What an order's payment and refund repeat of it.
struct Sale {
    order: u32,
    customer: u32,
    total: i64,
    payee: &'static str,
}

/// One position of an order.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub sku: &'static str,
    pub title: &'static str,
    pub quantity: i64,
    pub unit_minor: i64,
}

pub(crate) fn draw_line(rng: &mut Rng) -> Line {
    let (sku, title, unit_minor) = words::PRODUCTS[rng.usize(..words::PRODUCTS.len())];
    Line {
        sku,
        title,
        quantity: rng.i64(1..=3),
        unit_minor,
    }
}

/// What the payment provider calls a payment.
pub(crate) fn provider_ref(rng: &mut Rng) -> String {
    format!("PAY{:020}", rng.u64(..))
}

/// The account that a buyer's refunds go to; no bank writes its accounts so.
pub(crate) fn buyer_account(customer: i64) -> String {
    format!("BUYER-{customer:08}")
}
