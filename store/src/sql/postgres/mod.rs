//! A connection to a PostgreSQL server: statements in, rows out, each within a time.
//!
//! The socket is served by a thread of its own, so that also a caller inside an asynchronous
//! runtime may wait here. Deliberately not here: how a connection is made (`door`).

mod door;
mod line;
mod settings;
mod tls;

pub(crate) use door::{Door, Purpose};
pub(crate) use line::pause;
pub use settings::{PostgresSettings, PostgresTls};

use super::{SqlError, Value};
use futures_util::future::maybe_done;
use line::{Line, wait};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

/// Statements that a connection keeps prepared; with one more, all are prepared again.
const STATEMENTS: usize = 256;
/// Statements that are sent before the answer to the first is waited for.
const ON_THE_WAY: usize = 128;

pub(crate) struct Link {
    client: Client,
    connection: AbortHandle,
    statements: RefCell<HashMap<String, Statement>>,
    lost: Cell<bool>,
    /// How long an answer may take; beyond the time that the server itself keeps.
    within: Duration,
    /// After the others: it serves the socket.
    _line: Arc<Line>,
}

impl Link {
    pub fn is_lost(&self) -> bool {
        self.lost.get() || self.client.is_closed()
    }

    pub fn run(&self, script: &str) -> Result<(), SqlError> {
        self.answer(self.client.batch_execute(script))
    }

    pub fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, SqlError> {
        let statement = self.prepared(sql, values)?;
        let values = parameters(values);
        self.answer(self.client.execute(&statement, &values))
    }

    pub fn execute_all(&self, sql: &str, rows: &[Vec<Value<'_>>]) -> Result<Vec<u64>, SqlError> {
        let Some(first) = rows.first() else {
            return Ok(Vec::new());
        };
        let statement = self.prepared(sql, first)?;
        let mut changed = Vec::with_capacity(rows.len());
        for rows in rows.chunks(ON_THE_WAY) {
            let values: Vec<_> = rows.iter().map(|row| parameters(row)).collect();
            let asked = values
                .iter()
                .map(|row| self.client.execute(&statement, row));
            changed.extend(self.answer(in_order(asked))?);
        }
        Ok(changed)
    }

    pub fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, SqlError> {
        let statement = self.prepared(sql, values)?;
        let values = parameters(values);
        self.answer(self.client.query(&statement, &values))
    }

    fn prepared(&self, sql: &str, values: &[Value<'_>]) -> Result<Statement, SqlError> {
        if let Some(known) = self.statements.borrow().get(sql) {
            return Ok(known.clone());
        }
        let kinds: Vec<_> = values.iter().map(Value::kind).collect();
        let text = numbered(sql);
        let statement = self.answer(self.client.prepare_typed(&text, &kinds))?;
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= STATEMENTS {
            statements.clear();
        }
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    fn answer<T>(
        &self,
        question: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, SqlError> {
        if self.is_lost() {
            return Err(SqlError::lost("it ended before"));
        }
        let error = match wait(question, self.within) {
            Some(Ok(answer)) => return Ok(answer),
            Some(Err(error)) => SqlError::from(error),
            None => SqlError::lost("the server does not answer"),
        };
        self.lost.set(self.lost.get() || error.is_lost());
        Err(error)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // One in good order says good-bye by itself.
        if self.lost.get() {
            self.connection.abort();
        }
    }
}

/// Asks them all, each when it is first looked at, and then waits for the answers. The first error
/// ends it; the server refuses those behind it, too, and the connection reads past its answers.
async fn in_order<T, E>(
    questions: impl Iterator<Item = impl Future<Output = Result<T, E>>>,
) -> Result<Vec<T>, E> {
    let mut asked: Vec<_> = questions.map(|q| Box::pin(maybe_done(q))).collect();
    poll_fn(|context| {
        for question in &mut asked {
            // Asked again below, also when the answer is here.
            let _ = question.as_mut().poll(context);
        }
        Poll::Ready(())
    })
    .await;
    let mut answers = Vec::with_capacity(asked.len());
    for question in &mut asked {
        question.as_mut().await;
        if let Some(answer) = question.as_mut().take_output() {
            answers.push(answer?);
        }
    }
    Ok(answers)
}

fn parameters<'a>(values: &'a [Value<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|v| v as &(dyn ToSql + Sync)).collect()
}

/// `?1` as this server writes it. No text of ours holds a question mark elsewhere.
fn numbered(sql: &str) -> String {
    sql.replace('?', "$")
}
