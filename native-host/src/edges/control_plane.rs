//! The component's exchanges with the workspace.

use lakegate_edges::control_plane as native;
use wasmtime::component::{Accessor, HasSelf};
use zeroize::Zeroizing;

use super::Host;
use crate::bindings::lakegate::connect::control_plane::{
    self, Method, Request, Response, SendError,
};

impl control_plane::Host for Host {}

impl<T> control_plane::HostWithStore<T> for HasSelf<Host> {
    async fn send(
        accessor: &Accessor<T, Self>,
        request: Request,
        authorization: Option<String>,
        body: Option<String>,
    ) -> Result<Response, SendError> {
        let client = accessor.with(|mut access| access.get().edges.control_plane.clone());
        let (authorization, body) = (authorization.map(Zeroizing::new), body.map(Zeroizing::new));
        Ok(client.send(request.into(), authorization, body).await?.into())
    }
}

impl From<Request> for native::Request {
    fn from(Request { method, url, headers }: Request) -> Self {
        let method = match method {
            Method::Get => native::Method::Get,
            Method::Post => native::Method::Post,
        };
        Self { method, url, headers }
    }
}

impl From<native::Response> for Response {
    fn from(native::Response { status, headers, body }: native::Response) -> Self {
        Self { status, headers, body }
    }
}

impl From<native::SendError> for SendError {
    fn from(error: native::SendError) -> Self {
        match error {
            native::SendError::Unreachable(detail) => Self::Unreachable(detail),
            native::SendError::Tls(detail) => Self::Tls(detail),
            native::SendError::Timeout => Self::Timeout,
            native::SendError::TooLarge => Self::TooLarge,
            native::SendError::Forbidden(detail) => Self::Forbidden(detail),
            native::SendError::Other(detail) => Self::Other(detail),
        }
    }
}
