//! What the last bootstrap did, for `/status`: no secret, so it lies unsealed in the key-value store,
//! where other instances see it.

use lakegate_core::bootstrap::Report;
use serde::{Deserialize, Serialize};

use crate::instance::Instance;
use crate::settings::Settings;
use crate::{store, time};

/// For how long an answer of the store is as good as a new one: `/status` may be asked often.
const FRESH_MS: u64 = 5_000;

/// A bootstrap that went well.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Last {
    time: String,
    role: String,
    database: String,
    schema: String,
    done: Vec<String>,
    notes: Vec<String>,
}

/// What this instance knows of the last bootstrap.
#[derive(Debug, Default)]
pub(crate) struct LastBootstrap {
    known: Option<Last>,
    /// When the store was asked, by the monotonic clock.
    asked: Option<u64>,
}

/// Remembers a bootstrap that just went well: here, and for others if the store takes it.
pub(crate) async fn remember(instance: &Instance, report: &Report) {
    let last = Last {
        time: time::rfc3339(time::wall()).unwrap_or_default(),
        role: report.role.as_parameter().to_owned(),
        database: report.database.as_parameter().to_owned(),
        schema: report.schema.as_parameter().to_owned(),
        done: report.done.clone(),
        notes: report.notes.clone(),
    };
    let text = serde_json::to_vec(&last).expect("texts are JSON");
    instance.last.borrow_mut().known = Some(last);
    store::set(&key(&instance.settings), &text).await;
}

/// The last bootstrap that anybody knows of.
pub(crate) async fn recall(instance: &Instance) -> Option<Last> {
    let now = time::monotonic();
    let asked = instance.last.borrow().asked;
    if asked.is_none_or(|asked| FRESH_MS < now.saturating_sub(asked)) {
        let found = store::get(&key(&instance.settings)).await;
        let found = found.and_then(|text| serde_json::from_slice(&text).ok());
        let mut last = instance.last.borrow_mut();
        last.asked = Some(now);
        if found.is_some() {
            last.known = found;
        }
    }
    instance.last.borrow().known.clone()
}

/// Functions for several databases may share one store.
fn key(settings: &Settings) -> String {
    let names = ["POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_DB", "POSTGRES_DB_SCHEMA"];
    store::key("bootstrap", &names.map(|name| settings.get(name).unwrap_or_default()).join("\n"))
}
