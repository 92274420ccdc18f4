//! The exports of `wit/diagnosis.wit`.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use lakegate_core::config::{Shown, origin_name};
use lakegate_core::edge::Server;
use lakegate_core::flow::doctor;
use lakegate_core::time::millis;

use crate::bindings::exports::lakegate::connect::diagnosis::{Check, Guest, Outcome, Source};
use crate::bindings::lakegate::connect::postgres;
use crate::{Component, instance};

impl Guest for Component {
    fn sources() -> Vec<Source> {
        let sources = instance().sources();
        sources.into_iter().map(source).collect()
    }

    async fn examine() -> Vec<Check> {
        let checks = instance().examine().await;
        checks.into_iter().map(check).collect()
    }
}

fn source(source: lakegate_core::config::Source) -> Source {
    let (value, origin) = match source.value {
        Shown::Text(text) => (text, origin_name(source.origin)),
        Shown::Set => ("(set)".to_owned(), "secret"),
        Shown::NotSet => (String::new(), origin_name(source.origin)),
    };
    Source {
        name: source.name.to_owned(),
        names: source.names.iter().map(|name| (*name).to_owned()).collect(),
        value,
        origin: origin.to_owned(),
    }
}

fn check(check: doctor::Check) -> Check {
    let doctor::Check { name, outcome, cause, found, advice, at, took } = check;
    let outcome = match outcome {
        doctor::Outcome::Passed => Outcome::Passed,
        doctor::Outcome::Warning => Outcome::Warning,
        doctor::Outcome::Failed => Outcome::Failed,
        doctor::Outcome::Skipped => Outcome::Skipped,
    };
    Check {
        name: name.to_owned(),
        outcome,
        cause: cause.map(|cause| cause.as_str().to_owned()),
        found,
        advice,
        at: at.map(|Server { host, port, plaintext }| postgres::Server { host, port, plaintext }),
        milliseconds: millis(took),
    }
}
