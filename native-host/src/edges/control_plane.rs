//! HTTPS exchanges with the workspace.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::redirect::Policy;
use wasmtime::component::{Accessor, HasSelf};
use zeroize::Zeroizing;

use super::cause::{innermost, tls_failure};
use super::{Host, is_loopback};
use crate::bindings::lakegate::connect::control_plane::{
    self, Method, Request, Response, SendError,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer that is read, as `wit/control-plane.wit` says.
const BODY_LIMIT: usize = 4 << 20;

/// A client for the workspace.
#[derive(Clone)]
pub(crate) struct ControlPlane {
    client: reqwest::Client,
}

impl ControlPlane {
    pub(crate) fn new(tls: &Arc<rustls::ClientConfig>) -> anyhow::Result<Self> {
        Ok(Self { client: client(tls)? })
    }

    async fn send(
        &self,
        request: Request,
        authorization: Option<Zeroizing<String>>,
        body: Option<String>,
    ) -> Result<Response, SendError> {
        let url = allowed(&request.url)?;
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let mut builder = self.client.request(method, url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(authorization) = authorization {
            let mut value = HeaderValue::from_str(&authorization)
                .map_err(|_| SendError::Other("the authorization holds a line break".into()))?;
            value.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, value);
        }
        if let Some(body) = body {
            builder = builder.body(body);
        }
        let answer = builder.send().await.map_err(|e| send_error(&e))?;
        tracing::debug!(url = %request.url, status = answer.status().as_u16(), "control plane");
        read(answer).await
    }
}

/// A client for requests that carry a secret.
pub(crate) fn client(tls: &Arc<rustls::ClientConfig>) -> anyhow::Result<reqwest::Client> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls.as_ref().clone())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(EXCHANGE_TIMEOUT)
        // A redirect would carry the secret to another place than the one that was named.
        .redirect(Policy::none())
        .build()
        .context("setting up the HTTPS client")
}

/// Refuses plaintext to anywhere but this machine: a secret would be readable on its way.
fn allowed(url: &str) -> Result<reqwest::Url, SendError> {
    let url: reqwest::Url =
        url.parse().map_err(|e| SendError::Other(format!("`{url}` is not a URL: {e}")))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if url.host_str().is_some_and(is_loopback) => Ok(url),
        scheme => {
            Err(SendError::Forbidden(format!("{scheme} to {}", url.host_str().unwrap_or(""))))
        }
    }
}

async fn read(mut answer: reqwest::Response) -> Result<Response, SendError> {
    let status = answer.status().as_u16();
    let headers = answer
        .headers()
        .iter()
        .filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| send_error(&e))? {
        if body.len() + chunk.len() > BODY_LIMIT {
            return Err(SendError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response { status, headers, body })
}

/// Sorts a failure by what the component must know; the URL is left out, it names it itself.
fn send_error(error: &reqwest::Error) -> SendError {
    if error.is_timeout() {
        return SendError::Timeout;
    }
    let detail = innermost(error);
    if tls_failure(error) {
        SendError::Tls(detail)
    } else if error.is_connect() {
        SendError::Unreachable(detail)
    } else {
        SendError::Other(detail)
    }
}

impl control_plane::Host for Host {}

impl<T> control_plane::HostWithStore<T> for HasSelf<Host> {
    async fn send(
        accessor: &Accessor<T, Self>,
        request: Request,
        authorization: Option<String>,
        body: Option<String>,
    ) -> Result<Response, SendError> {
        let client = accessor.with(|mut access| access.get().edges.control_plane.clone());
        client.send(request, authorization.map(Zeroizing::new), body).await
    }
}
