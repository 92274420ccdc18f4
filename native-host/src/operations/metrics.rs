//! `/metrics`, as Prometheus reads it (OpenMetrics 1.0).

use hyper::Response;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::Vitals;
use super::routes::typed;
use crate::component::Health;
use crate::function::Body;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All that is counted, at this moment.
pub(super) async fn answer(vitals: &Vitals) -> Response<Body> {
    let mut registry = Registry::with_prefix("lakegate");
    register_build(&mut registry);
    vitals.metrics.register(&mut registry);
    match vitals.tokens.gate.status().await {
        Ok(health) => register_token(&mut registry, &health),
        // The rest is counted all the same. A scrape without these series says so by itself.
        Err(error) => tracing::warn!("the token's numbers are not there: {error}"),
    }
    let mut text = String::new();
    encode(&mut text, &registry).expect("a String takes everything");
    typed(OPEN_METRICS, text)
}

fn register_build(registry: &mut Registry) {
    let info = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "Which lakegate this is", info);
}

fn register_token(registry: &mut Registry, health: &Health) {
    let registry = registry.sub_registry_with_prefix("token");
    let counter = |registry: &mut Registry, name, help, value| {
        registry.register(name, help, ConstCounter::new(value));
    };
    let gauge = |registry: &mut Registry, name, help, milliseconds: Option<u64>| {
        // A password never ends: there is nothing to watch.
        let Some(milliseconds) = milliseconds.filter(|value| *value != u64::MAX) else { return };
        let seconds = ConstGauge::new(milliseconds as f64 / 1000.0);
        registry.register_with_unit(name, help, Unit::Seconds, seconds);
    };
    let generation = ConstGauge::new(health.generation);
    registry.register("generation", "Which token is in use, from 1", generation);
    gauge(registry, "age", "Since the token in use was asked for", health.age);
    gauge(registry, "valid_for", "Until the token in use is given up", health.valid_for);
    counter(registry, "minted", "Tokens obtained", health.minted);
    counter(registry, "failures", "Attempts to obtain one that failed", health.failed);
    counter(registry, "refusals", "Logins that the database refused", health.refused);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::State;

    fn shown(health: &Health) -> String {
        let mut registry = Registry::with_prefix("lakegate");
        register_token(&mut registry, health);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn a_token_is_counted_in_seconds() {
        let health = Health {
            state: State::Serving,
            generation: 3,
            age: Some(1_500),
            valid_for: Some(3_558_500),
            next_attempt: None,
            minted: 3,
            failed: 2,
            refused: 1,
            last_problem: None,
        };
        let expected = "lakegate_token_generation 3\n\
                        lakegate_token_age_seconds 1.5\n\
                        lakegate_token_valid_for_seconds 3558.5\n\
                        lakegate_token_minted_total 3\n\
                        lakegate_token_failures_total 2\n\
                        lakegate_token_refusals_total 1\n";
        assert_eq!(shown(&health), expected);
        let endless = shown(&Health { valid_for: Some(u64::MAX), ..health });
        assert!(!endless.contains("valid_for"), "{endless}");
    }
}
