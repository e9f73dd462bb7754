//! Ready policies for shops that many people run, as they ship in the program.

/// A policy file that ships with the program.
#[derive(Clone, Copy, Debug)]
pub struct Pack {
    pub name: &'static str,
    /// TOML, as `[[source.table]]` is written in a configuration.
    pub text: &'static str,
}

pub const ALL: [Pack; 3] = [
    Pack {
        name: "vendure",
        text: include_str!("../../packs/vendure.toml"),
    },
    Pack {
        name: "django-oscar",
        text: include_str!("../../packs/django-oscar.toml"),
    },
    Pack {
        name: "generic",
        text: include_str!("../../packs/generic.toml"),
    },
];

pub fn find(name: &str) -> Option<&'static Pack> {
    ALL.iter().find(|pack| pack.name == name)
}

impl Pack {
    /// The first line of its comment.
    pub fn about(&self) -> &'static str {
        self.text
            .lines()
            .next()
            .map_or("", |line| line.trim_start_matches(['#', ' ']))
    }
}
