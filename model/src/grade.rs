//! Statutory grades, internal levels and figures that know how sure they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Statutory grade (事件分级), 特别重大 to 一般.
/// Source: annex of 国家网络安全事件报告管理办法 (CAC, in force 2025-11-01).
/// Ordered by gravity: `EspeciallyMajor` is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    EspeciallyMajor,
    Major,
    RelativelyMajor,
    General,
}

impl Grade {
    pub const ALL: [Self; 4] = [
        Self::EspeciallyMajor,
        Self::Major,
        Self::RelativelyMajor,
        Self::General,
    ];
    /// 1 (特别重大) to 4 (一般), as in the law's tables.
    pub const fn number(self) -> u8 {
        match self {
            Self::EspeciallyMajor => 1,
            Self::Major => 2,
            Self::RelativelyMajor => 3,
            Self::General => 4,
        }
    }
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|g| g.number() == number)
    }
    pub const fn roman(self) -> &'static str {
        match self {
            Self::EspeciallyMajor => "Ⅰ",
            Self::Major => "Ⅱ",
            Self::RelativelyMajor => "Ⅲ",
            Self::General => "Ⅳ",
        }
    }
}

impl PartialOrd for Grade {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Grade {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.number().cmp(&self.number())
    }
}

/// The company's own response level, 1 (highest) to 4. It drives the call-out;
/// own criteria may raise it above the statutory grade, never below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Level(pub u8);

impl Level {
    pub const fn of_grade(grade: Grade) -> Self {
        Self(grade.number())
    }
    /// The graver of two levels.
    pub fn graver(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }
}

/// A number of the assessment: known, estimated within bounds, or unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default, JsonSchema)]
#[serde(tag = "certainty", rename_all = "snake_case")]
pub enum Figure {
    Known {
        value: i64,
    },
    Estimated {
        low: i64,
        high: i64,
    },
    #[default]
    Unknown,
}

impl Figure {
    pub const fn known(value: i64) -> Self {
        Self::Known { value }
    }
    /// The least that is certain.
    pub const fn at_least(self) -> Option<i64> {
        match self {
            Self::Known { value } => Some(value),
            Self::Estimated { low, .. } => Some(low),
            Self::Unknown => None,
        }
    }
    /// The most that is thought possible; `None` when nobody knows.
    pub const fn at_most(self) -> Option<i64> {
        match self {
            Self::Known { value } => Some(value),
            Self::Estimated { high, .. } => Some(high),
            Self::Unknown => None,
        }
    }
}
