//! `[oidc]` of `balefire.toml`: the provider of single sign-on, and what its groups may.

use model::PositionId;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// As the provider names itself; its `/.well-known/openid-configuration` must say the same.
    pub issuer: String,
    pub client_id: String,
    /// File with the client's secret; a public client has none.
    pub client_secret_file: Option<PathBuf>,
    /// This server's callback as the provider knows it: `https://HOST/login/oidc/callback`.
    pub redirect: String,
    /// Certificates (PEM) that sign the provider's; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// Hosts and networks inside that may be asked; the provider often stands there.
    #[serde(default)]
    pub allow: Vec<String>,
    #[serde(default = "openid_scope")]
    pub scope: String,
    #[serde(default = "groups_claim")]
    pub group_claim: String,
    /// Positions of the plan by the provider's group. Whoever is in none of them stays out.
    #[serde(default)]
    pub groups: BTreeMap<String, Vec<PositionId>>,
}

fn openid_scope() -> String {
    "openid profile email".into()
}
fn groups_claim() -> String {
    "groups".into()
}

impl OidcConfig {
    /// What is out of place.
    pub fn problem(&self, plan: &plan::Plan) -> Option<String> {
        let mut positions = self.groups.values().flatten();
        if let Some(unknown) = positions.find(|p| plan.position(p).is_none()) {
            return Some(format!(
                "[oidc] groups: the plan has no position `{unknown}`"
            ));
        }
        let whole = !self.client_id.is_empty() && !self.issuer.is_empty();
        let back = self.redirect.ends_with("/login/oidc/callback");
        match whole && back {
            true => None,
            false => Some(
                "[oidc] needs `issuer`, `client_id`, and a `redirect` that ends with /login/oidc/callback".into(),
            ),
        }
    }

    /// Positions of somebody in these groups, each once.
    pub fn positions_of(&self, groups: &[String]) -> Vec<PositionId> {
        let mut out: Vec<PositionId> = Vec::new();
        for position in groups.iter().filter_map(|g| self.groups.get(g)).flatten() {
            if !out.contains(position) {
                out.push(position.clone());
            }
        }
        out
    }
}
