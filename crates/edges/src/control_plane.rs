//! HTTPS exchanges with the workspace.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::redirect::Policy;
use zeroize::Zeroizing;

use crate::cause::{innermost, tls_failure};
use crate::is_loopback;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer that is read, as `wit/control-plane.wit` says.
const BODY_LIMIT: usize = 4 << 20;

/// An HTTP method.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// Read.
    Get,
    /// Send a body.
    Post,
}

/// A request without its secrets: those are given beside it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// An absolute `https` URL; `http` on this machine alone.
    pub url: String,
    /// Names in lower case; no secret in any value.
    pub headers: Vec<(String, String)>,
}

/// A whole answer. Its `Debug` shows how long the body is, for it may hold a token.
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case. Values that are no text are left out.
    pub headers: Vec<(String, String)>,
    /// At most 4 MiB. It is the caller's to wipe.
    pub body: Vec<u8>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

/// Why there is no answer. The words are those of the system or a library, without the URL.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SendError {
    /// The name was not found, or nobody answered there.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// The server's certificate is not one to trust. Nothing was sent.
    #[error("the TLS handshake failed: {0}")]
    Tls(String),
    /// No connection in 10 s, or no whole answer in 30 s.
    #[error("no answer in time")]
    Timeout,
    /// The answer is larger than 4 MiB.
    #[error("the answer is larger than 4 MiB")]
    TooLarge,
    /// A secret would be readable on its way there. Nothing was sent.
    #[error("plaintext leaves this machine: {0}")]
    Forbidden(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// A client for the workspace. Clones share its connections.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    client: reqwest::Client,
}

impl ControlPlane {
    /// Sets it up; nothing is connected yet.
    ///
    /// # Errors
    ///
    /// TLS cannot be set up like this.
    pub fn new(tls: &Arc<rustls::ClientConfig>) -> anyhow::Result<Self> {
        Ok(Self { client: client(tls)? })
    }

    /// One exchange. `authorization` is the header of that name; it and the body are wiped once
    /// they were sent. Redirects are not followed, and a status is not an error.
    ///
    /// # Errors
    ///
    /// There is no whole answer: see [`SendError`].
    pub async fn send(
        &self,
        request: Request,
        authorization: Option<Zeroizing<String>>,
        body: Option<Zeroizing<String>>,
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
            builder = builder.body(Bytes::from_owner(body));
        }
        let answer = builder.send().await.map_err(|e| send_error(&e))?;
        tracing::debug!(url = %request.url, status = answer.status().as_u16(), "control plane");
        read(answer).await
    }
}

/// An HTTPS client for requests that carry a secret: 10 s to connect, 30 s an exchange, no
/// redirects.
///
/// # Errors
///
/// TLS cannot be set up like this.
pub fn client(tls: &Arc<rustls::ClientConfig>) -> anyhow::Result<reqwest::Client> {
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

/// Sorts a failure by what the caller must know; the URL is left out, the caller names it itself.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: Result<(), SendError>) {
        assert_eq!(allowed(url).map(|_| ()), expected, "{url}");
    }

    #[test]
    fn no_secret_leaves_this_machine_in_plaintext() {
        let forbidden = |words: &str| Err(SendError::Forbidden(words.to_owned()));
        check("https://w.example/oidc", Ok(()));
        check("http://localhost:9000/oidc", Ok(()));
        check("http://[::1]:9000/oidc", Ok(()));
        check("http://w.example/oidc", forbidden("http to w.example"));
        check("http://localhost.w.example/", forbidden("http to localhost.w.example"));
        check("http://localhost@w.example/", forbidden("http to w.example"));
        check("ftp://localhost/", forbidden("ftp to localhost"));
        let no_url = "`w.example` is not a URL: relative URL without a base";
        check("w.example", Err(SendError::Other(no_url.to_owned())));
    }

    #[test]
    fn an_answer_is_shown_without_its_body() {
        let answer = Response { status: 200, headers: Vec::new(), body: b"a-token".to_vec() };
        assert_eq!(format!("{answer:?}"), r#"Response { status: 200, body: 7 bytes, .. }"#);
    }
}
