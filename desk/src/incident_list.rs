//! Lists of incidents and searches in them, as one viewer may see them.
//!
//! Deliberately not here: SQL, and who may see what (`access`).

use crate::{Desk, DeskError, Told};
use incident::IncidentHead;
use incident::access::Viewer;
use model::{Grade, IncidentId, Instant, Risk};
use std::collections::BTreeSet;
use store::{Cursor, ListOrder, ListQuery};

/// Which incidents; by default all of them, the newest first.
#[derive(Clone, Debug, Default)]
pub struct IncidentQuery {
    /// Words as a person typed them; hits in names come first, then the newest.
    pub words: String,
    pub risk: Option<Risk>,
    pub grade: Option<Grade>,
    pub open: Option<bool>,
    pub exercise: Option<bool>,
    /// Opened at this time or later.
    pub from: Option<Instant>,
    /// Opened before this time.
    pub before: Option<Instant>,
    /// The one that something was last recorded for first, and not the last opened.
    pub by_last_fact: bool,
    /// [`IncidentPage::next`] of the page before; empty: the first page.
    pub after: String,
    /// Lines of a page, 1 to 500.
    pub limit: u32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct IncidentPage {
    pub heads: Vec<IncidentHead>,
    /// Where the next page begins; `None` on the last one. Safe in an address.
    pub next: Option<String>,
    /// Incidents on all pages.
    pub count: u64,
    /// There are more than [`IncidentPage::count`]: a search counts up to 1,000.
    pub more: bool,
}

impl Desk {
    /// A page of incidents as if those that the viewer must not know of did not exist.
    ///
    /// # Errors
    /// [`DeskError::NotFound`] where `after` is no place in a list.
    pub fn incident_list(
        &self,
        viewer: &Viewer,
        query: &IncidentQuery,
    ) -> Result<IncidentPage, DeskError> {
        self.list(query, &self.hidden_from(viewer))
    }

    /// The newest of all, for the owner of the data folder.
    pub(crate) fn newest_incidents(&self) -> Result<Vec<IncidentHead>, DeskError> {
        let query = IncidentQuery {
            limit: store::MAX_LIST_PAGE,
            ..IncidentQuery::default()
        };
        Ok(self.list(&query, &BTreeSet::new())?.heads)
    }

    fn list(
        &self,
        query: &IncidentQuery,
        hidden: &BTreeSet<IncidentId>,
    ) -> Result<IncidentPage, DeskError> {
        let unknown = || DeskError::NotFound(Told::new("place-unknown"));
        let after = match query.after.as_str() {
            "" => None,
            text => Some(Cursor::parse(text).ok_or_else(unknown)?),
        };
        let page = self.store().list(
            &ListQuery {
                words: query.words.clone(),
                risk: query.risk.map(Risk::code),
                grade: query.grade.map(Grade::number),
                open: query.open,
                exercise: query.exercise,
                from: query.from,
                before: query.before,
                order: match query.by_last_fact {
                    true => ListOrder::LastRecorded,
                    false => ListOrder::Opened,
                },
                after,
                limit: query.limit,
            },
            hidden,
        )?;
        let heads = page.heads.iter();
        Ok(IncidentPage {
            heads: heads
                .map(|json| serde_json::from_str(json))
                .collect::<Result<_, _>>()?,
            next: page.next.map(|cursor| cursor.to_string()),
            count: page.count,
            more: page.more,
        })
    }
}
