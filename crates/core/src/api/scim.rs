//! Who am I.

use alloc::format;
use alloc::string::String;

use crate::api::advice::Call;
use crate::api::error::ApiError;
use crate::api::json::read;
use crate::api::request::{bearer, get};
use crate::config::Workspace;
use crate::edge::{Request, Response};
use crate::json::Object;
use crate::secret::Secret;

/// Asks who a workspace token belongs to.
pub fn me(workspace: &Workspace, token: &Secret) -> Request {
    get(format!("{workspace}/api/2.0/preview/scim/v2/Me"), Some(bearer(token)))
}

/// The user name: a service principal's application id, or a person's e-mail. It is the name of
/// the Postgres role.
pub fn read_me(response: &Response) -> Result<String, ApiError> {
    read(Call::Me, response, |mut user: Object| user.take("userName"))
}
