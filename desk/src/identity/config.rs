//! `[accounts]` and `[messages]` of `balefire.toml`.

use model::PositionId;
use plan::Plan;
use serde::Deserialize;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountsConfig {
    /// Whoever holds one of these positions must have a second factor; `*` stands for all.
    pub second_factor: Vec<PositionId>,
}

impl AccountsConfig {
    pub fn wants_second_factor(&self, positions: &[PositionId]) -> bool {
        let wanted = |p: &PositionId| p.as_str() == "*" || positions.contains(p);
        self.second_factor.iter().any(wanted)
    }

    /// A position that the plan does not have would silently ask nobody.
    pub fn problem(&self, plan: &Plan) -> Option<String> {
        let known = |p: &PositionId| p.as_str() == "*" || plan.position(p).is_some();
        let unknown = self.second_factor.iter().find(|p| !known(p))?;
        Some(format!(
            "[accounts] second_factor: the plan has no position `{unknown}`"
        ))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MessagesConfig {
    /// Whether messages to robots and gateways say more than "something happened, log in".
    pub details: bool,
}
