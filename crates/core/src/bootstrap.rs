//! What a database lacks, and the one statement that provides it.
//!
//! [`inspect::QUERY`] asks the database, [`Observed`] is its answer, [`Desired`] is what was asked
//! for, and [`plan`](plan::plan) is the difference: steps for people, statements for the server.
//! Nothing here talks to anybody; [`flow::bootstrap`](crate::flow::bootstrap) does.

pub mod admin;
mod admin_error;
mod answer;
mod apply;
mod bookkeeping;
mod desired;
#[cfg(test)]
pub(crate) mod fixture;
pub mod inspect;
mod ledger;
mod observed;
pub mod plan;
mod plan_error;
mod privileges;
mod report;
mod script_error;
mod verify;

pub use admin_error::AdminError;
pub(crate) use apply::LOCK_ATTEMPT;
pub use apply::{CHANGED, UNMET};
pub use bookkeeping::{Entry, Verdict};
pub use desired::{Access, Desired, Grant};
pub use observed::{
    DefaultPrivilege, Foreign, LedgerRow, ObserveError, Observed, ObservedLedger, ObservedRole,
    ObservedSchema, Relation, RelationGrant,
};
pub use plan::{Plan, Statement, Step};
pub use plan_error::PlanError;
pub use report::Report;
pub use script_error::explain;
pub(crate) use script_error::is_ours;
pub use verify::{Finding, verify};
