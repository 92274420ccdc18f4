//! Takes each request: names it, limits it, logs it, and asks the function.

use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Request, Response};
use tokio::sync::Semaphore;

use super::headers::{self, Ids, REQUEST_ID};
use super::limits::Limits;
use super::problem;
use super::pulse::Pulse;
use super::record::{Followed, Record};
use crate::function::{Body, Function, HandleError};

/// Who answers requests.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Answers one. Its extensions have the client's `SocketAddr`.
    fn handle(
        &self,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Body>, HandleError>> + Send;

    /// Finishes what goes on after the last answer.
    fn stop(&self) -> impl Future<Output = ()> + Send;
}

impl Handler for Function {
    async fn handle(&self, request: Request<Body>) -> Result<Response<Body>, HandleError> {
        Self::handle(self, request).await
    }

    async fn stop(&self) {
        Self::stop(self).await;
    }
}

/// The way of every request.
pub(crate) struct Front<H> {
    handler: H,
    ids: Ids,
    slots: Arc<Semaphore>,
    pub(crate) limits: Limits,
}

impl<H: Handler> Front<H> {
    pub(crate) fn new(handler: H, limits: Limits) -> Self {
        let slots = Arc::new(Semaphore::new(limits.requests));
        Self { handler, ids: Ids::default(), slots, limits }
    }

    /// Finishes what goes on after the last answer.
    pub(crate) async fn stop(&self) {
        self.handler.stop().await;
    }

    /// Answers a request, whatever becomes of it.
    pub(crate) async fn answer(
        &self,
        client: SocketAddr,
        pulse: &Arc<Pulse>,
        request: Request<Incoming>,
    ) -> Response<Followed> {
        let (mut head, body) = request.into_parts();
        let id = self.ids.of(&head.headers);
        let mut record = Record::begin(client, &head, id.clone(), pulse.begin());
        let mut response = match Arc::clone(&self.slots).try_acquire_owned() {
            Err(_) => problem::BUSY.answer(&id),
            Ok(slot) => {
                record.hold(slot);
                headers::clean(&mut head.headers);
                head.extensions.insert(client);
                head.headers.insert(REQUEST_ID, id.clone());
                let body = body.map_err(Into::into).boxed_unsync();
                self.ask(Request::from_parts(head, body), &id).await
            }
        };
        response.headers_mut().insert(REQUEST_ID, id);
        record.follow(response)
    }

    async fn ask(&self, request: Request<Body>, id: &HeaderValue) -> Response<Body> {
        let error = match self.handler.handle(request).await {
            Ok(response) => return response,
            Err(error) => error,
        };
        tracing::error!(request = %String::from_utf8_lossy(id.as_bytes()), "{error}");
        let problem = match error {
            HandleError::Busy(_) => problem::BUSY,
            HandleError::Timeout(_) => problem::LATE,
            HandleError::Stopped(_) => problem::STOPPED,
        };
        problem.answer(id)
    }
}
