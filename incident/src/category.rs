//! Category and subclass of an incident by GB/T 20986-2023 (网络安全事件分类分级指南).
//!
//! Deliberately not here: the grade, which is another axis.

use serde::{Deserialize, Serialize};

/// The categories that a shop's transaction data can meet. The number is the standard's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// 1 恶意程序事件
    MaliciousProgram,
    /// 2 网络攻击事件
    NetworkAttack,
    /// 3 数据安全事件
    DataSecurity { subclass: Subclass },
    /// 4 信息内容安全事件
    InformationContent,
    /// 5 设备设施故障事件
    EquipmentFailure,
    /// 10 其他
    Other,
}

/// Subclasses of category 3. Their names are taken with medium confidence: the standard's own
/// list could be read in a secondary source only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subclass {
    /// 数据篡改
    Tampering,
    /// 数据假冒
    Counterfeit,
    /// 数据泄露
    Leak,
    /// 数据窃取
    Theft,
    /// 数据滥用
    Abuse,
    /// 数据损失
    Loss,
    /// 其他数据安全事件
    Other,
}

impl Category {
    pub const fn number(self) -> u8 {
        match self {
            Self::MaliciousProgram => 1,
            Self::NetworkAttack => 2,
            Self::DataSecurity { .. } => 3,
            Self::InformationContent => 4,
            Self::EquipmentFailure => 5,
            Self::Other => 10,
        }
    }
    /// Key part for the catalogue, for example `data-tampering`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::MaliciousProgram => "malicious-program",
            Self::NetworkAttack => "network-attack",
            Self::DataSecurity { subclass } => subclass.code(),
            Self::InformationContent => "information-content",
            Self::EquipmentFailure => "equipment-failure",
            Self::Other => "other",
        }
    }
}

impl Subclass {
    pub const ALL: [Self; 7] = [
        Self::Tampering,
        Self::Counterfeit,
        Self::Leak,
        Self::Theft,
        Self::Abuse,
        Self::Loss,
        Self::Other,
    ];
    pub const fn code(self) -> &'static str {
        match self {
            Self::Tampering => "data-tampering",
            Self::Counterfeit => "data-counterfeit",
            Self::Leak => "data-leak",
            Self::Theft => "data-theft",
            Self::Abuse => "data-abuse",
            Self::Loss => "data-loss",
            Self::Other => "data-other",
        }
    }
}
