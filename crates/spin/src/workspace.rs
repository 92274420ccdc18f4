//! HTTPS to the Databricks workspace.
//!
//! The host does TLS, and lets us talk to the hosts of `allowed_outbound_hosts` alone.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::future::{Either, pending, select};
use lakegate_core::edge::{Method, Request, Response, SendError};
use lakegate_core::secret::Secret;
use spin_sdk::http::{FromResponse, Uri};
use spin_sdk::wasip3::http::client;
use spin_sdk::wasip3::http::types::{
    self, ErrorCode, Fields, Method as WasiMethod, RequestOptions, Scheme,
};
use spin_sdk::wasip3::{wit_future, wit_stream};
use wit_bindgen::StreamWriter;

use crate::body::{self, Unread};
use crate::time;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// A whole exchange, its answer's last byte included.
const LIMIT: Duration = Duration::from_secs(30);

/// Sends one request and reads its whole answer.
pub(crate) async fn send(request: Request) -> Result<Response, SendError> {
    time::within(LIMIT, exchange(request)).await.unwrap_or(Err(SendError::Timeout))
}

async fn exchange(request: Request) -> Result<Response, SendError> {
    let (request, writing) = outgoing(request)?;
    let sending = std::pin::pin!(client::send(request));
    let answer = match select(sending, std::pin::pin!(writing)).await {
        Either::Left((answer, _)) => answer.map_err(send_error)?,
        Either::Right((never, _)) => match never {},
    };
    let answer = spin_sdk::http::Response::from_response(answer).map_err(send_error)?;
    let (parts, body) = answer.into_parts();
    let body = body::read(body).await.map_err(|unread| match unread {
        Unread::TooLarge => SendError::TooLarge,
        Unread::Broken(detail) => SendError::Other { detail },
    })?;
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers =
        parts.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes())));
    Ok(Response { status: parts.status.as_u16(), headers: headers.collect(), body })
}

/// The request as WASI has it, and the writing of its body, which never ends.
///
/// Not by way of the SDK's: that gives every request a body of unknown length, a GET as well, and
/// not every server likes that.
fn outgoing(
    request: Request,
) -> Result<(types::Request, impl Future<Output = Infallible>), SendError> {
    let Request { method, url, headers, authorization, body } = request;
    let uri: Uri = url.parse().map_err(|_| other("the URL cannot be read"))?;
    let mut fields: Vec<_> =
        headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())).collect();
    if let Some(authorization) = authorization {
        fields.push(("authorization".to_owned(), authorization.expose().as_bytes().to_vec()));
    }
    if let Some(body) = &body {
        fields.push(("content-length".to_owned(), body.expose().len().to_string().into_bytes()));
    }
    let fields = Fields::from_list(&fields).map_err(|_| other("a header cannot be sent"))?;
    let (_, no_trailers) = wit_future::new(|| Ok(None));
    let (writer, reader) = body.as_ref().map(|_| wit_stream::new()).unzip();
    let (request, _) = types::Request::new(fields, reader, no_trailers, Some(limits()));
    let method = match method {
        Method::Get => WasiMethod::Get,
        Method::Post => WasiMethod::Post,
    };
    let scheme = match uri.scheme_str() {
        Some("http") => Scheme::Http,
        _ => Scheme::Https,
    };
    request
        .set_method(&method)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(uri.authority().map(|a| a.as_str())))
        .and_then(|()| request.set_path_with_query(uri.path_and_query().map(|p| p.as_str())))
        .map_err(|()| other("the URL cannot be sent"))?;
    Ok((request, write(writer.zip(body))))
}

/// Writes a body while the request is under way, and waits for ever then: the answer tells how
/// it went. A server need not read all of it.
async fn write(body: Option<(StreamWriter<u8>, Secret)>) -> Infallible {
    if let Some((mut writer, body)) = body {
        writer.write_all(body.expose().as_bytes().to_vec()).await;
    }
    pending().await
}

fn limits() -> RequestOptions {
    let options = RequestOptions::new();
    let nanoseconds = |limit: Duration| u64::try_from(limit.as_nanos()).ok();
    // A host that knows no such limits is still held to ours.
    let _ = options.set_connect_timeout(nanoseconds(CONNECT_LIMIT));
    let _ = options.set_first_byte_timeout(nanoseconds(LIMIT));
    options
}

fn other(detail: &str) -> SendError {
    SendError::Other { detail: detail.to_owned() }
}

fn send_error(code: ErrorCode) -> SendError {
    use ErrorCode as E;
    let detail = match &code {
        E::InternalError(Some(words)) => words.clone(),
        // `ErrorCode::ConnectionRefused` and the like: words enough.
        code => code.to_string().trim_start_matches("ErrorCode::").to_owned(),
    };
    match code {
        E::DnsTimeout
        | E::DnsError(_)
        | E::DestinationNotFound
        | E::DestinationUnavailable
        | E::DestinationIpUnroutable
        | E::ConnectionRefused
        | E::ConnectionTerminated => SendError::Unreachable { detail },
        E::TlsProtocolError | E::TlsCertificateError | E::TlsAlertReceived(_) => {
            SendError::Tls { detail }
        }
        E::ConnectionTimeout
        | E::ConnectionReadTimeout
        | E::ConnectionWriteTimeout
        | E::HttpResponseTimeout => SendError::Timeout,
        E::HttpResponseBodySize(_) => SendError::TooLarge,
        E::DestinationIpProhibited | E::HttpRequestDenied => SendError::Forbidden { detail },
        _ => SendError::Other { detail },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_is_sorted_by_what_to_do_about_it() {
        let detail = |text: &str| text.to_owned();
        for (code, expected) in [
            (
                ErrorCode::ConnectionRefused,
                SendError::Unreachable { detail: detail("ConnectionRefused") },
            ),
            (
                ErrorCode::TlsCertificateError,
                SendError::Tls { detail: detail("TlsCertificateError") },
            ),
            (ErrorCode::ConnectionTimeout, SendError::Timeout),
            (ErrorCode::HttpResponseTimeout, SendError::Timeout),
            (ErrorCode::HttpResponseBodySize(None), SendError::TooLarge),
            (
                ErrorCode::HttpRequestDenied,
                SendError::Forbidden { detail: detail("HttpRequestDenied") },
            ),
            (ErrorCode::InternalError(Some(detail("x"))), SendError::Other { detail: detail("x") }),
        ] {
            assert_eq!(send_error(code), expected);
        }
    }
}
