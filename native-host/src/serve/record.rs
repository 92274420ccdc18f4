//! One line of the access log for every request: never a header, a query or a body.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::pulse::Beat;
use crate::function::Body;

/// What the log says of a request. The line is written when this is dropped: with the last byte
/// of the answer, or when the client has gone.
#[derive(Debug)]
pub(crate) struct Record {
    client: SocketAddr,
    method: Method,
    path: String,
    id: HeaderValue,
    since: Instant,
    status: Option<StatusCode>,
    bytes: usize,
    beat: Beat,
    /// The place among the requests under way.
    slot: Option<OwnedSemaphorePermit>,
}

impl Record {
    pub(crate) fn begin(client: SocketAddr, head: &Parts, id: HeaderValue, beat: Beat) -> Self {
        Self {
            client,
            method: head.method.clone(),
            path: head.uri.path().to_owned(),
            id,
            since: Instant::now(),
            status: None,
            bytes: 0,
            beat,
            slot: None,
        }
    }

    /// Keeps the place until the answer is out.
    pub(crate) fn hold(&mut self, slot: OwnedSemaphorePermit) {
        self.slot = Some(slot);
    }

    /// Goes along with the answer to its last byte.
    pub(crate) fn follow(mut self, response: Response<Body>) -> Response<Followed> {
        self.status = Some(response.status());
        response.map(|body| Followed { body, record: self })
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // 499 is what proxies write when the client went before there was an answer.
        tracing::info!(
            target: "lakegate::access",
            client = %self.client,
            method = %self.method,
            path = self.path,
            status = self.status.map_or(499, |status| status.as_u16()),
            bytes = self.bytes,
            ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX),
            request = %String::from_utf8_lossy(self.id.as_bytes()),
        );
    }
}

/// A body with the record that waits for its end.
#[derive(Debug)]
pub(crate) struct Followed {
    body: Body,
    record: Record,
}

impl HttpBody for Followed {
    type Data = Bytes;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                this.record.bytes += frame.data_ref().map_or(0, Bytes::len);
                this.record.beat.mark();
            }
            Some(Err(error)) => {
                let request = String::from_utf8_lossy(this.record.id.as_bytes());
                tracing::warn!(%request, "the answer broke off: {error}");
            }
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
