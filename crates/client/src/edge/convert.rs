//! The core's plain types and those of the edges, one for the other.

use lakegate_core::edge as core;
use lakegate_core::secret::Secret;
use lakegate_edges::{control_plane, postgres, secrets, settings};
use zeroize::Zeroizing;

pub(super) const fn origin(origin: core::Origin) -> settings::Origin {
    match origin {
        core::Origin::Flag => settings::Origin::Flag,
        core::Origin::Environment => settings::Origin::Environment,
        core::Origin::File => settings::Origin::File,
    }
}

pub(super) fn read_error(error: secrets::ReadError) -> core::ReadError {
    match error {
        secrets::ReadError::Missing => core::ReadError::Missing,
        secrets::ReadError::Forbidden(detail) => core::ReadError::Forbidden { detail },
        secrets::ReadError::Other(detail) => core::ReadError::Other { detail },
    }
}

/// A request, its authorization and its body.
pub(super) fn request(
    request: core::Request,
) -> (control_plane::Request, Option<Zeroizing<String>>, Option<Zeroizing<String>>) {
    let core::Request { method, url, headers, authorization, body } = request;
    let method = match method {
        core::Method::Get => control_plane::Method::Get,
        core::Method::Post => control_plane::Method::Post,
    };
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let exposed = |secret: Option<Secret>| secret.map(|s| Zeroizing::new(s.expose().to_owned()));
    (control_plane::Request { method, url, headers }, exposed(authorization), exposed(body))
}

pub(super) fn response(response: control_plane::Response) -> core::Response {
    let control_plane::Response { status, headers, body } = response;
    core::Response { status, headers, body }
}

pub(super) fn send_error(error: control_plane::SendError) -> core::SendError {
    use control_plane::SendError as Native;
    match error {
        Native::Unreachable(detail) => core::SendError::Unreachable { detail },
        Native::Tls(detail) => core::SendError::Tls { detail },
        Native::Timeout => core::SendError::Timeout,
        Native::TooLarge => core::SendError::TooLarge,
        Native::Forbidden(detail) => core::SendError::Forbidden { detail },
        Native::Other(detail) => core::SendError::Other { detail },
    }
}

pub(crate) fn server(server: &core::Server) -> postgres::Server {
    let core::Server { host, port, plaintext } = server.clone();
    postgres::Server { host, port, plaintext }
}

pub(crate) fn database_error(error: postgres::DatabaseError) -> core::DatabaseError {
    use postgres::DatabaseError as Native;
    match error {
        Native::Unreachable(detail) => core::DatabaseError::Unreachable { detail },
        Native::Tls(detail) => core::DatabaseError::Tls { detail },
        Native::Lost(detail) => core::DatabaseError::Lost { detail },
        Native::Server(report) => core::DatabaseError::Server(Box::new(server_error(*report))),
        Native::Other(detail) => core::DatabaseError::Other { detail },
    }
}

fn server_error(report: postgres::ServerError) -> core::ServerError {
    let postgres::ServerError {
        code,
        message,
        detail,
        hint,
        position,
        internal_position,
        internal_query,
        context,
    } = report;
    core::ServerError {
        code,
        message,
        detail,
        hint,
        position,
        internal_position,
        internal_query,
        context,
    }
}
