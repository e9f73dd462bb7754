//! One type for each id, so that an order's id cannot be handed in as a person's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    )+};
}

id! {
    /// An incident; random, so that it cannot be guessed or counted.
    IncidentId,
    /// A finding; derived from policy, journal position and rule, so that a replay makes no second one.
    FindingId,
    /// An order (指令) that the leading group issues.
    OrderId,
    /// A task of the plan as it stands in one incident.
    TaskId,
    /// A piece of evidence in custody.
    EvidenceId,
    /// A hold on rows of the shop.
    HoldId,
    /// A notice to users or to an authority.
    NoticeId,
    /// A repair proposal.
    ProposalId,
    /// An effect on the outside world; the receiver sees it.
    OutboxId,
    /// What a reporter comes back with.
    ReceiptNo,
    /// A person's account name.
    AccountId,
    /// A position of the plan, for example `ciso`.
    PositionId,
    /// A group of the plan, for example `leading`.
    GroupId,
    /// A statutory clock, for example `cn-cac-general-4h`.
    ClockId,
    /// A guarded source, as named in the configuration.
    SourceName,
    /// The id of one request; a retry carries the same one.
    RequestId,
}
