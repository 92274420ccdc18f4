//! Reading settings one by one while keeping count of what is wrong.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::config::address::Reason;
use crate::config::fault::Fault;
use crate::config::lookup::{Lookup, Sourced, find};
use crate::config::parse_name;
use crate::config::rows::{Row, showable};

/// A configuration being read. A value that cannot be used is recorded and counts as absent, so
/// that the reading goes on and finds the next fault too.
pub(crate) struct Load<'a> {
    pub(crate) lookup: &'a dyn Lookup,
    pub(crate) faults: Vec<Fault>,
    pub(crate) warnings: Vec<String>,
}

impl Load<'_> {
    /// A setting's text, if it is set.
    pub(crate) fn text(&self, row: &Row) -> Option<Sourced<String>> {
        find(self.lookup, row)
    }

    /// The text of a setting that has a default.
    pub(crate) fn defaulted(&self, row: &Row) -> Sourced<String> {
        self.text(row).expect("rows read this way have a default")
    }

    /// A setting's value, if it is set and can be read.
    pub(crate) fn parsed<T>(
        &mut self,
        row: &Row,
        parse: fn(&str) -> Result<T, Reason>,
        fix: &str,
    ) -> Option<Sourced<T>> {
        let text = self.text(row)?;
        match parse(&text.value) {
            Ok(value) => Some(text.with(value)),
            Err(reason) => {
                self.invalid(&text, reason, fix);
                None
            }
        }
    }

    /// A setting's value that must be there.
    pub(crate) fn required<T>(
        &mut self,
        row: &Row,
        parse: fn(&str) -> Result<T, Reason>,
        fix: &str,
    ) -> Option<Sourced<T>> {
        if self.text(row).is_none() {
            self.missing(row, fix);
        }
        self.parsed(row, parse, fix)
    }

    /// The name of something in Postgres, which must be there. Around other values blanks mean
    /// nothing; Postgres keeps those of a name, so one that was cut would be another's.
    pub(crate) fn required_name(&mut self, row: &Row, fix: &str) -> Option<Sourced<String>> {
        let name = self.required(row, parse_name, fix)?;
        let given = name.origin.and_then(|origin| self.lookup.setting(origin, name.name));
        match given {
            Some(given) if given != name.value => {
                self.invalid(&name.with(given), "it begins or ends with a blank", fix);
                None
            }
            _ => Some(name),
        }
    }

    /// Whether a secret of this row is set.
    pub(crate) fn has_secret(&self, row: &Row) -> bool {
        self.secret_name(row).is_some()
    }

    /// The name by which a secret of this row is set.
    pub(crate) fn secret_name(&self, row: &Row) -> Option<&'static str> {
        row.names.iter().copied().find(|name| self.lookup.has_secret(name))
    }

    /// Records that a row is set nowhere.
    pub(crate) fn missing(&mut self, row: &Row, fix: &str) {
        let what = format!("the {} ({})", row.what, row.names.join(" or "));
        self.faults.push(Fault::Missing { what, fix: fix.to_owned() });
    }

    /// Records that a value cannot be used.
    pub(crate) fn invalid(&mut self, text: &Sourced<String>, reason: Reason, fix: &str) {
        self.faults.push(Fault::Invalid {
            name: text.name,
            origin: text.origin,
            value: showable(&text.value),
            reason,
            fix: fix.to_owned(),
        });
    }
}
