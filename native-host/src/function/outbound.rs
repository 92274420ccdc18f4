//! The function's own HTTP requests: to its workspace alone, over this host's verified TLS.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::{Request, Response};
use lakegate_edges::cause::{innermost, tls_failure};
use reqwest::Url;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::destinations::workspace_allowed;
use super::guest::World;

/// The largest request that is sent. The function's own are a few hundred bytes.
const BODY_LIMIT: usize = 4 << 20;

/// What becomes of the rest of an exchange once its answer has begun.
type Rest = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// Sends what the function wants to send.
pub(super) struct Outbound {
    pub(super) world: Arc<World>,
}

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        // The function's requests all have this host's own time limits.
        _: Option<RequestOptions>,
        _: Rest,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Rest), Error>> + Send> {
        let world = Arc::clone(&self.world);
        Box::new(async move {
            let response = send(&world, request).await?;
            Ok((response, Box::new(async { Ok(()) }) as Rest))
        })
    }
}

async fn send(world: &World, request: Request<WasiBody>) -> Result<Response<WasiBody>, Error> {
    let (parts, body) = request.into_parts();
    let url: Url = parts.uri.to_string().parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    if !workspace_allowed(&world.settings, &url) {
        let host = url.host_str().unwrap_or_default();
        tracing::warn!(host, "the function may send requests to DATABRICKS_HOST alone");
        return Err(Error::HttpRequestDenied);
    }
    let body = collect(body).await?;
    let request = world.client.request(parts.method, url.clone()).headers(parts.headers).body(body);
    let response = request.send().await.map_err(|error| sorted(&error))?;
    tracing::debug!(path = url.path(), status = response.status().as_u16(), "control plane");
    let response = Response::<reqwest::Body>::from(response);
    Ok(response.map(|body| body.map_err(|error| sorted(&error)).boxed_unsync()))
}

/// Reads a whole request before it is sent, so that it has a length.
async fn collect(body: WasiBody) -> Result<Bytes, Error> {
    let collected = Limited::new(body, BODY_LIMIT).collect().await;
    let body = collected.map_err(|error| match error.downcast::<Error>() {
        Ok(error) => *error,
        Err(_) => Error::HttpRequestBodySize(Some(BODY_LIMIT as u64)),
    })?;
    Ok(body.to_bytes())
}

/// Sorts a failure by what the function must know; the log keeps the words.
fn sorted(error: &reqwest::Error) -> Error {
    let detail = innermost(error);
    tracing::warn!(detail, "a request to the workspace failed");
    match (error.is_timeout(), error.is_connect()) {
        (true, true) => Error::ConnectionTimeout,
        (true, false) => Error::HttpResponseTimeout,
        _ if tls_failure(error) => tls_error(&detail),
        (false, true) => connect_error(detail),
        _ => Error::InternalError(Some(detail)),
    }
}

fn tls_error(detail: &str) -> Error {
    if detail.starts_with("invalid peer certificate") {
        Error::TlsCertificateError
    } else {
        Error::TlsProtocolError
    }
}

fn connect_error(detail: String) -> Error {
    if detail.contains("lookup address") {
        Error::DnsError { rcode: Some(detail), info_code: None }
    } else if detail.contains("refused") {
        Error::ConnectionRefused
    } else {
        Error::DestinationUnavailable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_the_codes_that_the_function_tells_apart() {
        #[track_caller]
        fn check(error: &Error, expected: &str) {
            let name = format!("{error:?}");
            assert!(name.starts_with(expected), "{name}");
        }
        let connect = |detail: &str| connect_error(detail.to_owned());
        check(&connect("Connection refused (os error 111)"), "ConnectionRefused");
        check(&connect("failed to lookup address information: no such name"), "DnsError");
        check(&connect("No route to host (os error 113)"), "DestinationUnavailable");
        check(&tls_error("invalid peer certificate: UnknownIssuer"), "TlsCertificateError");
        check(&tls_error("received fatal alert: HandshakeFailure"), "TlsProtocolError");
    }
}
