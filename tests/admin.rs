//! The emulator's admin API: what goes wrong, and what was asked of Lakebase.

use std::time::Instant;

use serde_json::{Value, json};

use crate::{DEADLINE, House};

impl House {
    /// Asks or tells the admin API something, such as `POST /secret`, and gives its answer.
    pub async fn emulator(&self, route: &str, body: Value) -> Value {
        self.ask("LAKEBASE_EMULATOR_ADMIN", route, body).await
    }

    /// Asks or tells the workspace something, such as `GET /api/2.0/database/instances`, as its
    /// administrator, and gives its answer.
    pub async fn workspace(&self, route: &str, body: Value) -> Value {
        self.ask("DATABRICKS_HOST", route, body).await
    }

    async fn ask(&self, whom: &str, route: &str, body: Value) -> Value {
        let (method, path) = route.split_once(' ').unwrap();
        let url = format!("{}{path}", self.env(whom));
        let request = self.http.request(method.parse().unwrap(), url);
        // The admin API asks for no token.
        let mut request = request.bearer_auth(self.env("EMULATOR_ADMIN_TOKEN"));
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{route}: {status} {text}");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
    }

    /// Makes the control plane fail as this rule says.
    pub async fn fault(&self, rule: Value) {
        self.emulator("POST /faults", rule).await;
    }

    /// Makes the door of Postgres fail.
    pub async fn fault_of_postgres(&self, change: Value) {
        self.emulator("POST /faults/postgres", change).await;
    }

    /// Makes sessions that begin from now on stand still at one of their round trips, counted from
    /// 1: before Postgres gets it or, when it is to be `answered`, before its answer arrives.
    pub async fn hold(&self, round_trip: usize, answered: bool) {
        self.forget().await;
        let hold = json!({ "round_trip": round_trip, "answered": answered });
        self.fault_of_postgres(json!({ "hold": hold })).await;
    }

    /// Waits until a session stands still. [`heal`](Self::heal) lets it go on.
    pub async fn until_held(&self) {
        let start = Instant::now();
        while self.counts().await["held"] != 1 {
            assert!(start.elapsed() < DEADLINE, "no session came so far");
        }
    }

    /// Ends all faults.
    pub async fn heal(&self) {
        self.emulator("DELETE /faults", Value::Null).await;
    }

    /// What was asked of Lakebase since the start, or since [`forget`](Self::forget).
    pub async fn counts(&self) -> Value {
        self.emulator("GET /counts", Value::Null).await
    }

    /// Starts counting anew.
    pub async fn forget(&self) {
        self.emulator("DELETE /counts", Value::Null).await;
    }

    /// How many requests came to this route of the control plane.
    pub async fn requests(&self, route: &str) -> u64 {
        self.counts().await["requests"][route].as_u64().unwrap_or(0)
    }

    /// A new service principal of the workspace, which has no role yet: its id.
    pub async fn newcomer(&self) -> String {
        let body = json!({ "kind": "SERVICE_PRINCIPAL", "role": "none" });
        let new = self.emulator("POST /principals", body).await;
        self.keep_secret(new["client_secret"].as_str().unwrap());
        new["name"].as_str().unwrap().to_owned()
    }

    /// The SQL that `role` sent, oldest first.
    pub async fn statements(&self, role: &str) -> Vec<String> {
        let all = self.emulator("GET /statements", Value::Null).await;
        let own = all.as_array().unwrap().iter().filter(|statement| statement["role"] == role);
        own.map(|statement| statement["sql"].as_str().unwrap().to_owned()).collect()
    }
}
