//! What differs from what was asked for.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Plan, PlanError};

/// One thing that was looked at and found remarkable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// Whether the database is not as it should be, or it is only good to know.
    pub drift: bool,
    /// What it is, in words.
    pub text: String,
}

/// Lists what a plan found. An error of planning is a finding too: the database is in a state that
/// cannot be brought to the desired one.
pub fn verify(plan: Result<&Plan, &PlanError>) -> Vec<Finding> {
    match plan {
        Err(error) => Vec::from([Finding { drift: true, text: error.to_string() }]),
        Ok(plan) => {
            let missing = plan.steps().map(|(step, _)| Finding {
                drift: true,
                text: alloc::format!("to do: {}", step.title),
            });
            let told = plan.notes.iter().map(|note| Finding { drift: false, text: note.clone() });
            missing.chain(told).collect()
        }
    }
}
