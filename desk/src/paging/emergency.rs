//! The emergency sheet on disk, before it is needed: `emergency/` in the data folder, in both
//! languages, as a page and as text, readable by its owner alone.
//!
//! Made anew at the start, with it a changed plan, and whenever people, their positions and profiles,
//! the rota or calls in red change; also every six hours, since it names the shifts to come.
//! Deliberately not here: what it looks like (room `document`).

use super::page::Paged;
use crate::duty::Duties;
use crate::{Desk, DeskError, Told};
use document::emergency::{Sheet, SheetGroup, SheetPerson, SheetPlace, SheetRed, SheetShift};
use incident::rota::Shift;
use model::{AccountId, Instant, PositionId};
use plan::{Group, Lang};
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

const SHIFTS_S: i64 = 14 * 86_400;
const MAX_SHIFTS: usize = 200;
const ZONE: &str = "Asia/Shanghai";
/// Seconds for which a call that reaches nobody stands on the sheet.
const RED_S: i64 = 24 * 3_600;

impl Desk {
    /// The sheet as it stands now.
    pub fn emergency_sheet(&self, lang: Lang) -> Result<Sheet, DeskError> {
        let (plan, now, duties) = (self.plan(), self.now(), self.duties());
        let names: HashMap<AccountId, String> = self
            .accounts()?
            .into_iter()
            .map(|p| (p.id, p.name))
            .collect();
        let mut shifts = Vec::new();
        for kept in self.schedules()? {
            for shift in self.shifts(&kept.schedule, now, now.plus_s(SHIFTS_S)) {
                if shifts.len() < MAX_SHIFTS {
                    shifts.push(shown(&kept.schedule.title, &names, shift));
                }
            }
        }
        let title = |id: &PositionId| {
            let position = plan.position(id);
            position.map_or_else(|| id.to_string(), |p| p.title.in_lang(lang).to_owned())
        };
        let first = |l: &plan::LevelRule| l.stages().first().map(|(_, wait_s)| *wait_s);
        let waits = plan.levels.iter().filter_map(first).min();
        let stages = plan.levels.iter().map(|level| {
            let stages = document::call_stages(document::words(lang), level);
            (level.title.in_lang(lang).to_owned(), stages)
        });
        let contacts = plan.contacts.iter().map(|c| {
            let words = |w: &plan::Words| w.in_lang(lang).to_owned();
            (words(&c.title), words(&c.reach))
        });
        let red = self.pages_since(now.plus_s(-RED_S))?;
        // Nothing on it tells a suspect that there is an incident about them.
        let known = |page: &&Paged| {
            let incident = page.incident.as_ref().and_then(|id| self.incident(id));
            incident.is_none_or(|i| i.access.open())
        };
        let red = red.iter().filter(known);
        let red = red.filter_map(|page| red_line(page, &title));
        Ok(Sheet {
            lang,
            made_at: now,
            zone: ZONE.into(),
            minutes: waits.unwrap_or(300).div_ceil(60),
            stages: stages.collect(),
            groups: plan
                .groups
                .iter()
                .map(|g| self.group(&duties, g, lang, now))
                .collect(),
            shifts,
            contacts: contacts.collect(),
            red: red.collect(),
        })
    }

    fn group(&self, duties: &Duties, group: &Group, lang: Lang, now: Instant) -> SheetGroup {
        let plan = self.plan();
        let place = |id: &PositionId| {
            let role = match () {
                () if group.lead == *id => "lead",
                () if group.deputy.as_ref() == Some(id) => "deputy",
                () => "member",
            };
            let on_duty = duties.on_duty(id, now);
            let mut people = self.holders(id);
            // Somebody who stands in, by a schedule.
            let further = on_duty.people.iter().filter(|p| !people.contains(p));
            people.extend(further.cloned().collect::<Vec<_>>());
            let people = people.into_iter().map(|person| {
                let (profile, _) = self.profile(&person.id).unwrap_or_default();
                SheetPerson {
                    on_duty: on_duty.scheduled && on_duty.people.contains(&person),
                    name: person.name,
                    phone: profile.phone,
                    mail: profile.mail,
                }
            });
            let title = plan.position(id).map(|p| p.title.in_lang(lang).to_owned());
            SheetPlace {
                position: title.unwrap_or_else(|| id.to_string()),
                role,
                people: people.collect(),
            }
        };
        SheetGroup {
            title: group.title.in_lang(lang).to_owned(),
            places: group.everyone().into_iter().map(place).collect(),
        }
    }

    /// Writes the sheet; a fault is said and holds nothing up.
    pub fn refresh_emergency_sheet(&self) {
        if let Err(error) = self.write_emergency_sheet() {
            tracing::error!(error = %error.told(), "the emergency sheet on disk is not the newest");
        }
    }

    fn write_emergency_sheet(&self) -> Result<(), DeskError> {
        let folder = self.folder().emergency();
        let failed = |e| DeskError::file(&folder, e);
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(failed)?;
        // Two changes at once write one after the other.
        let _one = self.inner.paging.sheet.lock();
        for lang in [Lang::Zh, Lang::En] {
            let sheet = self.emergency_sheet(lang)?;
            let html = document::emergency::html(&sheet);
            let html = html.map_err(|e| DeskError::Refused(Told::new("said").with("text", e)))?;
            put(
                &folder.join(format!("call-tree.{}.html", lang.tag())),
                &html,
            )?;
            let text = document::emergency::text(&sheet);
            put(&folder.join(format!("call-tree.{}.txt", lang.tag())), &text)?;
        }
        Ok(())
    }
}

/// Replaces the file as a whole: a crash leaves the old one.
fn put(path: &Path, text: &str) -> Result<(), DeskError> {
    let new = path.with_extension("new");
    let failed = |e| DeskError::file(path, e);
    let write = || -> std::io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, path)
    };
    write().map_err(failed)
}

fn shown(title: &str, names: &HashMap<AccountId, String>, shift: Shift) -> SheetShift {
    let who = shift.duty.map(|duty| {
        let name = names.get(&duty.who).cloned();
        name.unwrap_or_else(|| duty.who.to_string())
    });
    SheetShift {
        schedule: title.to_owned(),
        from: shift.from,
        to: shift.to,
        who,
    }
}

fn red_line(page: &Paged, title: &dyn Fn(&PositionId) -> String) -> Option<SheetRed> {
    let (red, position) = (page.red?, page.position.as_ref()?);
    Some(SheetRed {
        position: title(position),
        why: red.code(),
        since: page.due_at,
    })
}
