//! The plan's people, played: each has a session of its own and uses the pages' forms, nothing else.
//! What is to be clicked they read from the incident, as a person reads it from the page.

use crate::DemoError;
use crate::browser::{Answer, Browser, BrowserError, message_of};
use crate::conductor::{Staged, seconds_since};
use crate::narrator::Narrator;
use incident::clocks::clocks;
use incident::containment::{HoldState, RepairState};
use incident::people::{Addressee, CallState, OrderState, TaskState};
use incident::{Incident, communication::NoticeState};
use model::{IncidentId, PositionId};
use plan::clock::ClockState;
use plan::{Lang, StepId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub struct Players<'a> {
    staged: &'a Staged,
    id: IncidentId,
    say: &'a Narrator,
    sessions: BTreeMap<String, Browser>,
}

impl<'a> Players<'a> {
    pub fn new(staged: &'a Staged, id: IncidentId, say: &'a Narrator) -> Self {
        Self {
            staged,
            id,
            say,
            sessions: BTreeMap::new(),
        }
    }

    /// The six steps, one after the other, until the incident is closed.
    pub fn run(&mut self) -> Result<(), DemoError> {
        self.report_and_assess()?;
        self.advance(StepId::P1)?;
        self.order()?;
        self.advance(StepId::P2)?;
        self.analyse_and_recover()?;
        self.advance(StepId::P3)?;
        self.tell_users()?;
        self.file_duties()?;
        self.advance(StepId::P4)?;
        self.watch()?;
        self.advance(StepId::P5)?;
        self.clean_up()?;
        self.narrate_step(StepId::P6)
    }

    fn incident(&self) -> Result<Arc<Incident>, DemoError> {
        self.staged
            .desk
            .incident(&self.id)
            .ok_or_else(|| DemoError::Story("the incident is gone".into()))
    }

    /// Fills in a form of the incident as the holder of a position.
    fn act(&mut self, who: &str, form: &str, fields: &[(&str, &str)]) -> Result<(), DemoError> {
        let answer = self.try_act(who, form, fields)?;
        if answer.status == 303 {
            return Ok(());
        }
        let path = format!("{who}: {form}");
        Err(BrowserError::Status {
            path,
            status: answer.status,
            message: message_of(&answer.body),
        }
        .into())
    }

    fn try_act(
        &mut self,
        who: &str,
        form: &str,
        fields: &[(&str, &str)],
    ) -> Result<Answer, DemoError> {
        let page = format!("/incidents/{}", self.id);
        let action = format!("{page}/do/{form}");
        if !self.sessions.contains_key(who) {
            let password = self.staged.people.password(who).unwrap_or_default();
            let session = Browser::login(&self.staged.running.url(), who, password)?;
            self.sessions.insert(who.to_owned(), session);
        }
        let Some(session) = self.sessions.get_mut(who) else {
            return Err(DemoError::Story(format!("{who} has no session")));
        };
        Ok(session.submit(&page, &action, fields)?)
    }

    /// Everyone who was called answers.
    fn answer_calls(&mut self) -> Result<usize, DemoError> {
        let calls: Vec<(u32, PositionId)> = self
            .incident()?
            .calls
            .iter()
            .filter(|c| c.state == CallState::Called)
            .map(|c| (c.call.number, c.call.position.clone()))
            .collect();
        let mut answered = 0;
        for (number, position) in &calls {
            // Whoever is called in two groups answers both calls at once.
            let waiting = |c: &incident::people::CallOut| {
                c.call.number == *number && c.state == CallState::Called
            };
            if self.incident()?.calls.iter().any(waiting) {
                self.act(
                    position.as_str(),
                    "acknowledge",
                    &[("call", &number.to_string())],
                )?;
                answered += 1;
            }
        }
        Ok(answered)
    }

    fn report_and_assess(&mut self) -> Result<(), DemoError> {
        let called = self.answer_calls()?;
        self.say
            .say("demo-calls-answered", &[("calls", called.into())]);
        let facts = [
            ("cii", "no"),
            ("personal_information", "no"),
            ("suspected_crime", "yes"),
            ("interested_parties", "yes"),
            ("unauthorised_payment", "no"),
        ];
        self.act("ciso", "set-trigger-facts", &facts)?;
        let incident = self.incident()?;
        let grade = incident.assessment.grade.number().to_string();
        let level = incident.level.0.to_string();
        self.act(
            "cio",
            "confirm-grade",
            &[
                ("grade", &grade),
                ("level", &level),
                ("reason", &self.say.text("demo-grade-reason")),
            ],
        )?;
        self.say.say(
            "demo-grade-confirmed",
            &[("grade", grade.into()), ("level", level.into())],
        );
        self.answer_calls()?;
        Ok(())
    }

    fn order(&mut self) -> Result<(), DemoError> {
        for (group, key) in [
            ("response", "demo-order-response"),
            ("legal", "demo-order-legal"),
            ("communication", "demo-order-communication"),
        ] {
            let fields = [
                ("to", format!("group:{group}")),
                ("text", self.say.text(key)),
                ("constraint", self.say.text("demo-order-constraint")),
                ("due_min", "60".to_owned()),
            ];
            let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
            self.act("cio", "issue-order", &fields)?;
        }
        for (order, lead) in self.orders(|s| *s == OrderState::Issued)? {
            self.act(&lead, "accept-order", &[("order", &order)])?;
        }
        let orders = self.incident()?.orders.len();
        self.say.say("demo-orders", &[("orders", orders.into())]);
        Ok(())
    }

    /// Orders in a state, each with the lead of the group that it is addressed to.
    fn orders(
        &self,
        wanted: impl Fn(&OrderState) -> bool,
    ) -> Result<Vec<(String, String)>, DemoError> {
        let plan = self.staged.desk.plan();
        let lead = |to: &Addressee| match to {
            Addressee::Group(group) => plan
                .group(group)
                .map_or("cio".into(), |g| g.lead.to_string()),
            Addressee::Position(position) => position.to_string(),
            Addressee::Person(person) => person.position.to_string(),
        };
        let incident = self.incident()?;
        let orders = incident.orders.iter().filter(|o| wanted(&o.state));
        Ok(orders.map(|o| (o.id.to_string(), lead(&o.to))).collect())
    }

    fn analyse_and_recover(&mut self) -> Result<(), DemoError> {
        self.act("security_engineer", "collect-evidence", &[])?;
        self.act(
            "security_engineer",
            "propose-hold",
            &[
                ("rows", "open"),
                ("until_h", "4"),
                ("reason", &self.say.text("demo-hold-reason")),
            ],
        )?;
        let hold = self
            .incident()?
            .holds
            .last()
            .map(|h| h.id.to_string())
            .unwrap_or_default();
        self.act("ciso", "approve-hold", &[("hold", &hold)])?;
        self.say.say("demo-held", &[("hold", hold.into())]);
        self.act("head_support", "propose-repair", &[])?;
        let incident = self.incident()?;
        let repair = incident
            .repairs
            .iter()
            .rev()
            .find(|r| r.state == RepairState::Proposed);
        let repair = repair.ok_or_else(|| DemoError::Story("no repair was proposed".into()))?;
        let (proposal, digest) = (repair.proposal.to_string(), repair.digest.to_string());
        let approval = [("proposal", proposal.as_str()), ("digest", digest.as_str())];
        let refused = self.try_act("head_support", "approve-repair", &approval)?;
        if refused.status == 303 {
            return Err(DemoError::Story(
                "the proposer could approve the own repair".into(),
            ));
        }
        self.say.say(
            "demo-self-approval-refused",
            &[("message", message_of(&refused.body).into())],
        );
        self.act("ciso", "approve-repair", &approval)?;
        self.act("sysadmin", "apply-repair", &[("proposal", &proposal)])?;
        self.act("security_engineer", "audit", &[])?;
        let incident = self.incident()?;
        let audit = incident.audits.last();
        self.say.say(
            "demo-repaired",
            &[
                ("rows", repair.counts.total().into()),
                ("audited", audit.map_or(0, |a| a.rows).into()),
                ("discrepancies", audit.map_or(0, |a| a.discrepancies).into()),
            ],
        );
        Ok(())
    }

    fn tell_users(&mut self) -> Result<(), DemoError> {
        let incident = self.incident()?;
        let users = incident.findings.subjects.len().max(1).to_string();
        let (zh, en) = (notice(Lang::Zh), notice(Lang::En));
        let fields = [
            ("kind", "user"),
            ("text-zh", zh.as_str()),
            ("text-en", en.as_str()),
            ("audience", users.as_str()),
        ];
        self.act("head_cs", "draft-notice", &fields)?;
        let draft = self
            .incident()?
            .notices
            .iter()
            .rev()
            .find(|n| n.state == NoticeState::Draft)
            .map(|n| n.id.to_string());
        let draft = draft.ok_or_else(|| DemoError::Story("no notice was drafted".into()))?;
        self.act("head_legal", "approve-notice", &[("notice", &draft)])?;
        self.wait_until("the notice was not sent", |incident| {
            incident
                .notices
                .iter()
                .any(|n| matches!(n.state, NoticeState::Sent { .. }))
        })?;
        self.say.say("demo-users-told", &[("users", users.into())]);
        Ok(())
    }

    /// Files every duty that runs; those that are undecided are waived with a reason.
    fn file_duties(&mut self) -> Result<(), DemoError> {
        let plan = self.staged.desk.plan();
        let incident = self.incident()?;
        let mut filed = 0_u32;
        for clock in clocks(&plan, &incident, self.staged.desk.now()) {
            let id = clock.clock.id.to_string();
            match clock.state {
                ClockState::Running { .. }
                | ClockState::DueSoon { .. }
                | ClockState::Overdue { .. }
                | ClockState::Duty { .. } => {
                    let receipt = self.say.text("demo-filing-receipt");
                    let channel = self.say.text("demo-filing-channel");
                    self.act(
                        "compliance_officer",
                        "file-report",
                        &[
                            ("clock", &id),
                            ("filed", ""),
                            ("channel", &channel),
                            ("receipt", &receipt),
                        ],
                    )?;
                    filed += 1;
                }
                ClockState::Undecided { .. } => {
                    self.act(
                        "head_legal",
                        "waive-duty",
                        &[
                            ("clock", &id),
                            ("reason", &self.say.text("demo-waive-reason")),
                        ],
                    )?;
                }
                _ => {}
            }
        }
        if filed > 0 {
            self.say.say("demo-duties", &[("filed", filed.into())]);
        }
        Ok(())
    }

    fn watch(&mut self) -> Result<(), DemoError> {
        // The repair starts the watch by itself; without one a person does.
        if self.incident()?.watch.started_at.is_none() {
            self.act("security_engineer", "start-watch", &[])?;
        }
        self.say.say(
            "demo-watching",
            &[("seconds", self.staged.desk.plan().watch_quiet_s.into())],
        );
        Ok(())
    }

    fn clean_up(&mut self) -> Result<(), DemoError> {
        let incident = self.incident()?;
        for hold in incident
            .holds
            .iter()
            .filter(|h| h.state == HoldState::Active)
        {
            self.act(
                "ciso",
                "lift-hold",
                &[
                    ("hold", hold.id.as_str()),
                    ("reason", &self.say.text("demo-lift-reason")),
                ],
            )?;
        }
        for (order, lead) in self.orders(|s| *s == OrderState::Accepted)? {
            self.act(
                &lead,
                "complete-order",
                &[
                    ("order", &order),
                    ("result", &self.say.text("demo-order-result")),
                ],
            )?;
        }
        let lesson = [
            ("text", self.say.text("demo-lesson")),
            ("measure", self.say.text("demo-measure")),
            ("owner", "head_support".to_owned()),
            ("measure_days", "14".to_owned()),
        ];
        let lesson: Vec<(&str, &str)> = lesson.iter().map(|(n, v)| (*n, v.as_str())).collect();
        self.act("ciso", "record-lesson", &lesson)?;
        self.file_duties()?;
        self.finish_tasks()?;
        self.act("ciso", "handled", &[])?;
        self.file_duties()?;
        self.act("cio", "close", &[])
    }

    /// Completes the required tasks of the running step that no act has completed by itself.
    fn finish_tasks(&mut self) -> Result<(), DemoError> {
        let incident = self.incident()?;
        let open = incident.tasks.iter().filter(|t| {
            t.state == TaskState::Open && t.planned.required && t.step == incident.step
        });
        let open: Vec<(String, String)> = open
            .map(|t| (t.planned.id.to_string(), t.planned.owner.to_string()))
            .collect();
        for (task, owner) in open {
            self.act(
                &owner,
                "complete-task",
                &[("task", &task), ("note", &self.say.text("demo-task-note"))],
            )?;
        }
        Ok(())
    }

    /// Leaves a step when nothing is missing any more; what is missing for good is an error in words.
    fn advance(&mut self, step: StepId) -> Result<(), DemoError> {
        self.answer_calls()?;
        self.finish_tasks()?;
        let (desk, plan) = (self.staged.desk.clone(), self.staged.desk.plan());
        self.wait_until("the step cannot be left", |incident| {
            incident::conditions::missing(
                &plan,
                incident,
                incident::conditions::Leaving::Step,
                desk.now(),
            )
            .is_empty()
        })?;
        self.act("cio", "advance-step", &[])?;
        self.narrate_step(step)
    }

    /// Waits for something that comes by itself: a message sent, a watch that stayed quiet.
    fn wait_until(&self, failure: &str, met: impl Fn(&Incident) -> bool) -> Result<(), DemoError> {
        let until = self.staged.desk.now().plus_s(30);
        let mut seen = 0;
        while !met(&*self.incident()?) {
            if self.staged.desk.now() >= until {
                return Err(DemoError::Story(failure.to_owned()));
            }
            seen = self
                .staged
                .desk
                .wait_for_change(seen, Duration::from_millis(200));
        }
        Ok(())
    }

    fn narrate_step(&self, step: StepId) -> Result<(), DemoError> {
        let (incident, plan, now) = (
            self.incident()?,
            self.staged.desk.plan(),
            self.staged.desk.now(),
        );
        let (Some(record), Some(planned)) = (incident.step_record(step), plan.step(step)) else {
            return Ok(());
        };
        let left = record.left_at.unwrap_or(now);
        self.say.say(
            "demo-step",
            &[
                ("step", step.code().into()),
                ("title", planned.title.in_lang(self.say.lang()).into()),
                ("took", seconds_since(record.entered_at, left).into()),
                ("target", record.target_s.into()),
            ],
        );
        Ok(())
    }
}

fn notice(lang: Lang) -> String {
    document::words(lang).text("demo-user-notice").into_owned()
}
