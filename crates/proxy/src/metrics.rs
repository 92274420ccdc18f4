//! What is counted.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// What a proxy counts; a clone is another handle to the same numbers.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Applications connected now.
    pub clients: Gauge,
    /// Applications that were let in.
    pub clients_admitted: Counter,
    /// Applications that were turned away: too many, wrong password, not understood.
    pub clients_refused: Counter,
    /// Applications that wait for a server connection now.
    pub waiting: Gauge,
    /// How long they waited, in seconds.
    pub wait: Histogram,
    /// Server connections now, idle ones included.
    pub servers: Gauge,
    /// Server connections that nobody uses now.
    pub servers_idle: Gauge,
    /// Server connections that an application keeps beyond its transaction, for the state in them.
    pub servers_pinned: Gauge,
    /// Server connections that were opened.
    pub servers_opened: Counter,
    /// Logins that Postgres refused.
    pub logins_refused: Counter,
    /// How long a login took, connecting included, in seconds.
    pub login: Histogram,
    /// Transactions, or in session mode rounds up to `ReadyForQuery`.
    pub transactions: Counter,
    /// From a client's first byte to `ReadyForQuery`, in seconds.
    pub transaction: Histogram,
    /// Bytes from applications to the database.
    pub bytes_up: Counter<u64, AtomicU64>,
    /// Bytes from the database to applications.
    pub bytes_down: Counter<u64, AtomicU64>,
    /// Requests to cancel a query that were passed on.
    pub cancels: Counter,
}

/// Upper bounds in seconds: from a query on the same machine to an endpoint that wakes up.
const SECONDS: [f64; 14] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0,
    120.0,
];

impl Default for Metrics {
    fn default() -> Self {
        let seconds = || Histogram::new(SECONDS);
        Self {
            clients: Gauge::default(),
            clients_admitted: Counter::default(),
            clients_refused: Counter::default(),
            waiting: Gauge::default(),
            wait: seconds(),
            servers: Gauge::default(),
            servers_idle: Gauge::default(),
            servers_pinned: Gauge::default(),
            servers_opened: Counter::default(),
            logins_refused: Counter::default(),
            login: seconds(),
            transactions: Counter::default(),
            transaction: seconds(),
            bytes_up: Counter::default(),
            bytes_down: Counter::default(),
            cancels: Counter::default(),
        }
    }
}

impl Metrics {
    /// Gives each number its name, below the prefix `proxy`.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("proxy");
        registry.register("clients", "Applications connected now", self.clients.clone());
        registry.register(
            "clients_admitted",
            "Applications that were let in",
            self.clients_admitted.clone(),
        );
        registry.register(
            "clients_refused",
            "Applications that were turned away",
            self.clients_refused.clone(),
        );
        registry.register(
            "waiting",
            "Applications that wait for a server connection now",
            self.waiting.clone(),
        );
        registry.register_with_unit(
            "wait",
            "How long applications waited for a server connection",
            Unit::Seconds,
            self.wait.clone(),
        );
        registry.register("servers", "Server connections now", self.servers.clone());
        registry.register(
            "servers_idle",
            "Server connections that nobody uses now",
            self.servers_idle.clone(),
        );
        registry.register(
            "servers_pinned",
            "Server connections kept beyond a transaction for the state in them",
            self.servers_pinned.clone(),
        );
        registry.register(
            "servers_opened",
            "Server connections that were opened",
            self.servers_opened.clone(),
        );
        registry.register(
            "logins_refused",
            "Logins that Postgres refused",
            self.logins_refused.clone(),
        );
        registry.register_with_unit(
            "login",
            "How long a login took, connecting included",
            Unit::Seconds,
            self.login.clone(),
        );
        registry.register("transactions", "Transactions that ended", self.transactions.clone());
        registry.register_with_unit(
            "transaction",
            "From the first byte of a transaction to its end",
            Unit::Seconds,
            self.transaction.clone(),
        );
        registry.register_with_unit(
            "to_server",
            "Carried from applications to the database",
            Unit::Bytes,
            self.bytes_up.clone(),
        );
        registry.register_with_unit(
            "to_client",
            "Carried from the database to applications",
            Unit::Bytes,
            self.bytes_down.clone(),
        );
        registry.register(
            "cancels",
            "Requests to cancel a query that were passed on",
            self.cancels.clone(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands behind `# TYPE lakegate_proxy_`, in the order of registration.
    const TYPES: [&str; 16] = [
        "clients gauge",
        "clients_admitted counter",
        "clients_refused counter",
        "waiting gauge",
        "wait_seconds histogram",
        "servers gauge",
        "servers_idle gauge",
        "servers_pinned gauge",
        "servers_opened counter",
        "logins_refused counter",
        "login_seconds histogram",
        "transactions counter",
        "transaction_seconds histogram",
        "to_server_bytes counter",
        "to_client_bytes counter",
        "cancels counter",
    ];

    #[test]
    fn names_say_what_is_counted_in_which_unit() {
        let mut registry = Registry::with_prefix("lakegate");
        Metrics::default().register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let prefix = "# TYPE lakegate_proxy_";
        let types: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(prefix)).collect();
        assert_eq!(types, TYPES);
    }
}
