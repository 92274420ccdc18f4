//! What a bootstrap did.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::admin::Tighten;
use super::plan::Plan;
use crate::sql::Ident;

/// What a bootstrap did, for people and programs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// The database.
    pub database: Ident,
    /// The schema.
    pub schema: Ident,
    /// Who did it and owns what was created: the service principal's id, in OAuth mode.
    pub role: Ident,
    /// What was done, in order. Nothing: the database was as it should be.
    pub done: Vec<String>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// Whether every role may create schemas in the database.
    pub public_may_create: bool,
    /// The command that lets only this role create schemas, ready to be pasted into a shell.
    pub tighten_command: String,
    /// The SQL of that, for those who prefer it.
    pub tighten_sql: String,
}

impl Report {
    /// Reports that `done` was done to carry out a plan.
    pub fn new(plan: Plan, done: Vec<String>) -> Self {
        let tighten = Tighten { database: plan.database, roles: vec![plan.role.clone()] };
        Self {
            schema: plan.schema,
            done,
            notes: plan.notes,
            public_may_create: plan.public_may_create,
            tighten_command: format!(
                "lakegate tighten --grant-to {}",
                shell_word(plan.role.as_parameter())
            ),
            tighten_sql: tighten.statements().join("\n"),
            database: tighten.database,
            role: plan.role,
        }
    }
}

/// Quotes a word for a POSIX shell.
fn shell_word(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_name_back() {
        assert_eq!(shell_word("0a-b"), "'0a-b'");
        assert_eq!(shell_word("it's $HOME"), r"'it'\''s $HOME'");
    }
}
