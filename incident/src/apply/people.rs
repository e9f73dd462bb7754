//! Calls, orders and tasks.

use super::signed;
use crate::effect::outbox_id;
use crate::fact::{Fact, Recorded};
use crate::incident::Incident;
use crate::orders::OrderCourse;
use crate::people::{CallOut, CallState, Order, OrderState, Signed, TaskState};
use crate::room::RoomFact;
use model::{OrderId, TaskId};

impl Incident {
    pub(super) fn apply_calls(&mut self, recorded: &Recorded) -> bool {
        let Signed { by, at } = signed(recorded);
        let reason = recorded.operation.reason.clone();
        match &recorded.fact {
            Fact::CalledOut { call } => self.calls.push(CallOut {
                call: call.clone(),
                called_at: at,
                account: None,
                state: CallState::Called,
                outbox: outbox_id(&self.id, recorded.sequence, 0),
            }),
            Fact::CallAcknowledged { call } => {
                if let Some(call) = self.call_mut(*call) {
                    call.account = by.account().cloned();
                    call.state = CallState::Acknowledged { by, at };
                }
            }
            Fact::CallRefused { call } => {
                if let Some(call) = self.call_mut(*call) {
                    call.account = by.account().cloned();
                    call.state = CallState::Refused { by, at, reason };
                }
            }
            Fact::CallEscalated { call, to } => {
                if let Some(call) = self.call_mut(*call) {
                    call.state = CallState::Escalated { at, to: *to };
                }
            }
            _ => return false,
        }
        true
    }

    pub(super) fn apply_orders(&mut self, recorded: &Recorded) -> bool {
        let signed = signed(recorded);
        let Signed { by, at } = signed.clone();
        let reason = recorded.operation.reason.clone();
        match &recorded.fact {
            Fact::OrderIssued {
                order,
                number,
                to,
                text,
                constraint,
                due_at,
            } => {
                self.orders.push(Order {
                    id: order.clone(),
                    number: *number,
                    issuer: by,
                    issued_at: at,
                    to: to.clone(),
                    text: text.clone(),
                    constraint: constraint.clone(),
                    due_at: *due_at,
                    accepted: None,
                    state: OrderState::Issued,
                    course: OrderCourse::default(),
                });
            }
            Fact::OrderAccepted { order } => {
                if let Some(order) = self.order_mut(order) {
                    order.accepted = Some(signed);
                    order.state = OrderState::Accepted;
                }
            }
            Fact::OrderRefused { order } => {
                self.set_order(order, OrderState::Refused { by, at, reason });
            }
            Fact::OrderCompleted { order, result } => {
                let result = result.clone();
                self.set_order(order, OrderState::Done { by, at, result });
            }
            Fact::OrderWithdrawn { order } => {
                self.set_order(order, OrderState::Withdrawn { by, at, reason });
            }
            Fact::Order(fact) => {
                if let Some(order) = self.order_mut(fact.order()) {
                    order.follow(fact, signed, &reason);
                }
            }
            Fact::Handover(fact) => crate::handover::follow(&mut self.handovers, fact, signed),
            Fact::Room(fact) => {
                if let RoomFact::Renamed { to, .. } = fact {
                    self.code_name.clone_from(to);
                }
                self.room.follow(fact, signed);
            }
            Fact::Resource(fact) => self.resources.apply(fact, signed, &reason),
            Fact::Task(fact) => self.apply_task(fact, signed, &reason),
            Fact::TaskCompleted { task, note, .. } => {
                let note = note.clone();
                self.set_task(task, TaskState::Done { by, at, note });
            }
            Fact::TaskWaived { task } => self.set_task(task, TaskState::Waived { by, at, reason }),
            _ => return false,
        }
        true
    }

    fn call_mut(&mut self, number: u32) -> Option<&mut CallOut> {
        self.calls.iter_mut().find(|c| c.call.number == number)
    }
    fn order_mut(&mut self, id: &OrderId) -> Option<&mut Order> {
        self.orders.iter_mut().find(|o| o.id == *id)
    }
    fn set_order(&mut self, id: &OrderId, state: OrderState) {
        if let Some(order) = self.order_mut(id) {
            order.state = state;
        }
    }
    fn set_task(&mut self, id: &TaskId, state: TaskState) {
        if let Some(task) = self.tasks.iter_mut().find(|t| t.planned.id == *id) {
            task.state = state;
        }
    }
}
