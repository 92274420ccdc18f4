//! The operations port of the proxy, as an orchestrator and Prometheus ask it.

use reqwest::{Method, RequestBuilder};

use crate::{House, Proxy};

/// The operations port of a proxy that was started with `--operations 127.0.0.1:0`.
pub struct Operations<'a> {
    house: &'a House,
    url: String,
}

impl<'a> Operations<'a> {
    /// The port, as the proxy names it after where it listens.
    pub async fn of(house: &'a House, proxy: &mut Proxy) -> Self {
        let line = proxy.running().line().await;
        let Some(url) = line.strip_prefix("operations on ") else { panic!("it said: {line}") };
        Self { house, url: url.to_owned() }
    }

    /// A request such as `GET /livez`, to be completed and sent.
    pub fn request(&self, route: &str) -> RequestBuilder {
        let (method, path) = route.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        self.house.http.request(method, format!("{}{path}", self.url))
    }

    /// Sends a request, and gives the status and the body, which holds no secret.
    pub async fn send(&self, request: RequestBuilder) -> (u16, String) {
        let response = request.send().await.unwrap();
        let (status, text) = (response.status().as_u16(), response.text().await.unwrap());
        self.house.secrets.must_not_be_in(&text, "an answer of the operations port");
        (status, text)
    }

    /// Asks for a route such as `GET /livez`.
    pub async fn ask(&self, route: &str) -> (u16, String) {
        self.send(self.request(route)).await
    }

    /// The value of a metric without labels.
    pub async fn metric(&self, name: &str) -> f64 {
        let (status, text) = self.ask("GET /metrics").await;
        assert_eq!(status, 200, "{text}");
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = lines.next().unwrap_or_else(|| panic!("there is no {name}:\n{text}"));
        value.parse().unwrap()
    }
}
