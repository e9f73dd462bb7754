//! The history itself: incidents as `incident::open` begins them, with the records of a response.

use crate::BenchError;
use desk::DataFolder;
use incident::grading::Impact;
use incident::learning::Topic;
use incident::{Category, Fact, Incident, OpenRequest, Origin, Recorded, Subclass};
use model::{
    Actor, Figure, Finding, FindingId, FindingKind, IncidentId, Instant, Operation, RequestId,
    Risk, SourceName, Verdict,
};
use store::{Batch, FindingRecord, NewFact, Store};

/// Incidents of one transaction.
const AT_ONCE: usize = 250;
/// Between two openings.
const EVERY_S: i64 = 900;
/// The last ones are still open.
const OPEN: usize = 200;
const SOURCE: &str = "shop";

const WORDS: [&str; 12] = [
    "订单金额被改成一元，客户投诉价格不对",
    "支付网关告警，退款通道已经冻结",
    "先保全证据，再核对账目",
    "通知监管部门的时限已经开始计时",
    "第三方接口泄露了收件人地址",
    "内部人员权限已经收回",
    "payment gateway alarm confirmed by the duty officer",
    "order totals changed past the program, evidence sealed",
    "refunds leave the shop twice, hold list is active",
    "restore checked against the ledger, no difference",
    "attacker still writing to the orders table",
    "beacon seen from the order service, host isolated",
];

#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub incidents: usize,
    pub findings_each: usize,
    pub facts_each: usize,
}

pub struct Built {
    pub facts: usize,
    pub findings: usize,
    pub open: Vec<IncidentId>,
    pub closed: Vec<IncidentId>,
}

pub fn build(folder: &DataFolder, size: Size) -> Result<Built, BenchError> {
    let store = Store::open(&folder.store()).map_err(desk::DeskError::from)?;
    let mut built = Built {
        facts: 0,
        findings: 0,
        open: Vec::new(),
        closed: Vec::new(),
    };
    let mut batch = Batch::default();
    let first = Instant::from_secs(1_700_000_000);
    for n in 0..size.incidents {
        let id = IncidentId::new(format!(
            "i-{:016x}",
            (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ));
        let open = n + OPEN.min(size.incidents / 2) >= size.incidents;
        let at = first.plus_s(EVERY_S * n as i64);
        facts(&mut batch, &id, n, at, size.facts_each, open)?;
        for k in 0..size.findings_each {
            batch.findings.push(finding(&id, n, k, at));
        }
        match open {
            true => built.open.push(id),
            false => built.closed.push(id),
        }
        if (n + 1) % AT_ONCE == 0 || n + 1 == size.incidents {
            built.facts += batch.facts.len();
            built.findings += batch.findings.len();
            store
                .commit(std::mem::take(&mut batch))
                .map_err(desk::DeskError::from)?;
        }
    }
    Ok(built)
}

fn facts(
    batch: &mut Batch,
    id: &IncidentId,
    n: usize,
    at: Instant,
    most: usize,
    open: bool,
) -> Result<(), BenchError> {
    let request = OpenRequest {
        id: id.clone(),
        exercise: n.is_multiple_of(20),
        code_name: format!("夜航 {n}"),
        risk: Risk::ALL[n % 4],
        category: Category::DataSecurity {
            subclass: Subclass::Tampering,
        },
        discovered_at: at,
        occurred_at: None,
        source: Some(SourceName::new(SOURCE)),
        origin: Origin::Findings,
        access: incident::access::Access::default(),
    };
    let op = |k: usize| Operation {
        actor: Actor::system("bench"),
        reason: String::new(),
        request: RequestId::new(format!("b-{n}-{k}")),
        now: at.plus_s(k as i64 * 30),
    };
    let opening = incident::open(&op(0), plan::built_in::plan(), request);
    let mut all = Incident::record_opening(&op(0), opening);
    // Answered, so that nobody is called for years that have passed.
    let calls: Vec<u32> = all
        .iter()
        .filter_map(|r| match &r.fact {
            Fact::CalledOut { call } => Some(call.number),
            _ => None,
        })
        .collect();
    for call in calls {
        let fact = Fact::CallAcknowledged { call };
        all.push(recorded(all.len(), op(1), fact));
    }
    let last = usize::from(!open);
    for k in all.len()..most.saturating_sub(last) {
        let fact = match k % 4 {
            0 => Fact::DecisionRecorded {
                number: k as u32,
                topic: Topic::General,
                text: match n % 10_000 == 77 && k % 8 == 0 {
                    true => "量子密钥被取走".to_owned(),
                    false => WORDS[(n * 7 + k) % WORDS.len()].to_owned(),
                },
            },
            _ => Fact::ImpactRecorded {
                impact: Impact {
                    orders: Figure::known(k as i64),
                    ..Impact::default()
                },
            },
        };
        all.push(recorded(all.len(), op(k), fact));
    }
    if !open {
        all.push(recorded(all.len(), op(most), Fact::Closed));
    }
    for recorded in all {
        batch.facts.push(NewFact {
            incident: id.clone(),
            sequence: recorded.sequence,
            at: recorded.operation.now,
            json: serde_json::to_string(&recorded).map_err(desk::DeskError::from)?,
        });
    }
    Ok(())
}

fn recorded(sequence: usize, operation: Operation, fact: Fact) -> Recorded {
    Recorded {
        sequence: sequence as u32,
        operation,
        fact,
    }
}

fn finding(id: &IncidentId, n: usize, k: usize, at: Instant) -> FindingRecord {
    let finding = Finding {
        id: FindingId::new(format!("f-{n:x}-{k:x}")),
        risk: Risk::R2,
        kind: FindingKind::Altered,
        rule: "frozen".into(),
        source: SourceName::new(SOURCE),
        table: "orders".into(),
        key: (n * 13 + k).to_string(),
        columns: Vec::new(),
        verdict: Verdict::Unlawful,
        log: "ledger/0".into(),
        position: (n * 100 + k) as u64,
        seen_at: at,
        stored_at: at,
        at_risk: None,
        subject: None,
        witnessed: true,
        coalesced: false,
        detail: String::new(),
    };
    FindingRecord {
        finding,
        incident: Some(id.clone()),
        source: SourceName::new(SOURCE),
    }
}
