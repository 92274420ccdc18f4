//! The function as an operator serves it: `lakegate serve`, asked over HTTP, stopped in order.

use reqwest::{Method, RequestBuilder};
use rustix::process::Signal;
use serde_json::Value;

use crate::process::Running;
use crate::{Answer, House, Program, Run};

/// The key of the routes that change the database.
pub const ADMIN: &str = "adminkey-5mMJ2sWUo0xQzH7vLr1c";

/// The key of the routes that give credentials.
pub const TOKEN: &str = "tokenkey-kT8f3VnRqB6yPd4aZx9e";

/// What seals the credential between instances: 32 bytes in base64.
pub const CACHE_KEY: &str = "c2VhbHMtdGhlLWNhY2hlLWJldHdlZW4taW5zdGFuY2U=";

impl House {
    /// `lakegate serve` on a free port of this machine, with a key for each scope.
    pub fn function(&self) -> Program {
        for secret in [ADMIN, TOKEN, CACHE_KEY] {
            self.keep_secret(secret);
        }
        self.lakegate(["serve", "--listen", "127.0.0.1:0"])
            .env("LAKEGATE_ADMIN_KEY_SHA256", digest(ADMIN))
            .env("LAKEGATE_TOKEN_KEY_SHA256", digest(TOKEN))
    }

    /// The same, in a process of its own, as soon as it answers.
    pub async fn serve(&self) -> Serving<'_> {
        self.serving(self.function()).await
    }

    /// A [`function`](Self::function) with other arguments or variables, as soon as it answers.
    pub async fn serving(&self, program: Program) -> Serving<'_> {
        let mut running = program.start();
        let line = running.line().await;
        let Some(url) = line.strip_prefix("listening on ") else { panic!("it said: {line}") };
        Serving { house: self, url: url.to_owned(), running: Some(running) }
    }
}

/// The SHA-256 digest of a key, as the configuration holds it.
pub fn digest(key: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A function that is served. [`stop`](Self::stop) it.
pub struct Serving<'a> {
    house: &'a House,
    url: String,
    running: Option<Running>,
}

impl Serving<'_> {
    /// Its address, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The host and the port of its address.
    pub fn authority(&self) -> &str {
        self.url.split_once("://").unwrap().1
    }

    /// Asks for a route such as `POST /setup?plan` with a key, or with none, and with JSON, or with
    /// no body.
    pub async fn ask(&self, key: &str, route: &str, body: Value) -> Answer {
        let mut request = self.request(key, route);
        if !body.is_null() {
            request = request.json(&body);
        }
        self.send(request).await
    }

    /// A request to be completed and sent.
    pub fn request(&self, key: &str, route: &str) -> RequestBuilder {
        let (method, path) = route.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let request = self.house.http.request(method, format!("{}{path}", self.url));
        if key.is_empty() { request } else { request.bearer_auth(key) }
    }

    /// Sends a request, and checks in the answer what all answers have in common.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::to(self.house, request).await
    }

    /// Waits until `words` stand in its log.
    pub async fn says(&self, words: &str) {
        self.running().says(words).await;
    }

    /// Asks it to stop, and goes on.
    pub fn ask_to_stop(&self) {
        self.running().signal(Signal::TERM);
    }

    /// Has it read its certificate anew.
    pub fn reload(&self) {
        self.running().signal(Signal::HUP);
    }

    /// Stops it in order, as an orchestrator does.
    pub async fn stop(self) -> Run {
        self.ask_to_stop();
        self.end().await.exits(0)
    }

    /// Waits for its end.
    pub async fn end(mut self) -> Run {
        self.running.take().unwrap().end().await
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        assert!(
            self.running.is_none() || std::thread::panicking(),
            "the test ended without stopping what it served"
        );
    }
}
