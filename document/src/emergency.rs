//! The emergency sheet: call tree, contacts, who is on duty, for when nothing else works. As a page
//! that prints and as plain text.
//!
//! Deliberately not here: who holds which position (the caller knows) and where it is kept.

use crate::{Catalogue, words};
use askama::Template;
use model::Instant;
use plan::Lang;

/// What the sheet shows; texts are in its language already where they come from the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    pub lang: Lang,
    pub made_at: Instant,
    /// IANA name; all times of the sheet are in it.
    pub zone: String,
    /// Minutes to wait for an answer.
    pub minutes: u32,
    /// Title of each response level, and its stages of calling in words.
    pub stages: Vec<(String, String)>,
    pub groups: Vec<SheetGroup>,
    pub shifts: Vec<SheetShift>,
    /// Title and how it is reached.
    pub contacts: Vec<(String, String)>,
    pub red: Vec<SheetRed>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SheetGroup {
    pub title: String,
    /// In the order of the calls.
    pub places: Vec<SheetPlace>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SheetPlace {
    pub position: String,
    /// `lead`, `deputy`, `member`.
    pub role: &'static str,
    pub people: Vec<SheetPerson>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SheetPerson {
    pub name: String,
    pub phone: String,
    pub mail: String,
    pub on_duty: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SheetShift {
    pub schedule: String,
    pub from: Instant,
    pub to: Instant,
    /// `None`: a gap.
    pub who: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SheetRed {
    pub position: String,
    /// `call-out-red-CODE` of the catalogue.
    pub why: &'static str,
    pub since: Instant,
}

#[derive(Template)]
#[template(path = "emergency.html")]
struct Page<'a> {
    sheet: &'a Sheet,
    words: &'static Catalogue,
}

impl Page<'_> {
    fn t(&self, key: &str) -> String {
        self.words.text(&format!("call-out-{key}")).into_owned()
    }
    fn tt(&self, prefix: &str, key: &str) -> String {
        self.t(&format!("{prefix}-{key}"))
    }
    fn at(&self, at: &Instant) -> String {
        let text = at.in_zone(&self.sheet.zone);
        text.get(..16).unwrap_or(&text).to_owned()
    }
    fn made(&self) -> String {
        let at = format!("{} ({})", self.at(&self.sheet.made_at), self.sheet.zone);
        self.words.with("call-out-sheet-made", &[("at", at.into())])
    }
    fn how(&self) -> String {
        let values = [("minutes", self.sheet.minutes.into())];
        self.words.with("call-out-sheet-how", &values)
    }
    fn red_line(&self, red: &SheetRed) -> String {
        let values = [
            ("position", red.position.as_str().into()),
            ("why", self.tt("red", red.why).into()),
            ("at", self.at(&red.since).into()),
        ];
        self.words.with("call-out-sheet-red-line", &values)
    }
}

/// The sheet as one HTML file that needs nothing else and prints on A4.
pub fn html(sheet: &Sheet) -> Result<String, askama::Error> {
    let words = words(sheet.lang);
    Page { sheet, words }.render()
}

/// The sheet as plain text, for a terminal, a fax or a phone.
pub fn text(sheet: &Sheet) -> String {
    let page = Page {
        sheet,
        words: words(sheet.lang),
    };
    let mut lines = vec![
        page.t("sheet-title"),
        page.made(),
        page.t("sheet-secret"),
        String::new(),
        page.how(),
    ];
    if !sheet.red.is_empty() {
        lines.extend([String::new(), format!("!! {}", page.t("sheet-red"))]);
        lines.extend(
            sheet
                .red
                .iter()
                .map(|red| format!("!! {}", page.red_line(red))),
        );
    }
    lines.extend(
        sheet
            .stages
            .iter()
            .map(|(level, stages)| format!("{level}: {stages}")),
    );
    for group in &sheet.groups {
        lines.extend([String::new(), format!("== {}", group.title)]);
        for (i, place) in group.places.iter().enumerate() {
            let role = page.tt("sheet", place.role);
            lines.push(format!("{}. {} ({role})", i + 1, place.position));
            if place.people.is_empty() {
                lines.push(format!("   {}", page.t("sheet-nobody")));
            }
            lines.extend(place.people.iter().map(|p| person(&page, p)));
        }
    }
    lines.extend([String::new(), format!("== {}", page.t("sheet-shifts"))]);
    for shift in &sheet.shifts {
        let who = shift.who.clone().unwrap_or_else(|| page.t("sheet-gap"));
        let (from, to) = (page.at(&shift.from), page.at(&shift.to));
        lines.push(format!(
            "{from} - {to}  {}: {who}",
            one_line(&shift.schedule)
        ));
    }
    lines.extend([String::new(), format!("== {}", page.t("sheet-contacts"))]);
    lines.extend(
        sheet
            .contacts
            .iter()
            .map(|(title, reach)| format!("{title}: {reach}")),
    );
    lines.join("\n") + "\n"
}

fn person(page: &Page<'_>, person: &SheetPerson) -> String {
    let phone = match person.phone.is_empty() {
        true => page.t("sheet-no-phone"),
        false => one_line(&person.phone),
    };
    let duty = match person.on_duty {
        true => format!(" [{}]", page.t("sheet-on-duty")),
        false => String::new(),
    };
    let mail = one_line(&person.mail);
    format!(
        "   {}  {phone}  {mail}{duty}  ____:____",
        one_line(&person.name)
    )
}

/// Texts of people stay on their line.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(lang: Lang) -> Sheet {
        Sheet {
            lang,
            made_at: Instant::from_secs(1_767_225_600),
            zone: "Asia/Shanghai".into(),
            minutes: 5,
            stages: vec![("Level III".into(), "lead 5 min".into())],
            groups: vec![SheetGroup {
                title: "Leading".into(),
                places: vec![
                    SheetPlace {
                        position: "CIO".into(),
                        role: "lead",
                        people: vec![SheetPerson {
                            name: "<b>A\n== forged".into(),
                            phone: "+86 10".into(),
                            mail: String::new(),
                            on_duty: true,
                        }],
                    },
                    SheetPlace {
                        position: "CISO".into(),
                        role: "deputy",
                        people: Vec::new(),
                    },
                ],
            }],
            shifts: vec![SheetShift {
                schedule: "lead".into(),
                from: Instant::from_secs(1_767_225_600),
                to: Instant::from_secs(1_767_312_000),
                who: None,
            }],
            contacts: vec![("Police".into(), "110".into())],
            red: vec![SheetRed {
                position: "CISO".into(),
                why: "nobody-on-duty",
                since: Instant::from_secs(1_767_225_600),
            }],
        }
    }

    #[test]
    fn the_sheet_names_people_gaps_and_calls_that_reach_nobody_in_both_languages() {
        for (lang, nobody, gap) in [
            (
                Lang::En,
                "NOBODY HOLDS THIS POSITION",
                "GAP: nobody on duty",
            ),
            (Lang::Zh, "该岗位无人担任", "空档：无人值班"),
        ] {
            let (text, html) = (text(&sheet(lang)), html(&sheet(lang)).unwrap());
            for part in [
                "+86 10",
                "110",
                "Level III",
                "lead 5 min",
                "2026-01-01 08:00",
                nobody,
                gap,
            ] {
                assert!(text.contains(part), "{part} in {text}");
                assert!(html.contains(part), "{part} in {html}");
            }
            assert!(text.contains("!! CISO"));
        }
    }

    #[test]
    fn texts_of_people_are_texts() {
        let html = html(&sheet(Lang::En)).unwrap();
        assert!(!html.contains("<b>A"), "{html}");
        assert!(!text(&sheet(Lang::En)).contains("\n== forged"));
    }
}
