//! The roles of a database server, as the workspace lists them.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use crate::api::advice::Call;
use crate::api::error::ApiError;
use crate::api::request::{bearer, encoded, encoded_path, get};
use crate::config::Workspace;
use crate::edge::{Request, Response};
use crate::json::{FromJson, Misfit, Object};
use crate::secret::Secret;

/// A role.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Role {
    /// Its name in Postgres.
    pub name: String,
    /// Whom it lets in: `USER`, `SERVICE_PRINCIPAL` or `GROUP` with a token, `PG_ONLY` with a
    /// password.
    pub kind: String,
}

impl FromJson for Role {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        let mut role = Object::from_json(value)?;
        // The Autoscaling API has what counts one level deeper.
        let (mut fields, name) = match role.take::<Option<Object>>("status")? {
            Some(status) => (status, "postgres_role"),
            None => (role, "name"),
        };
        let kind = fields.take::<Option<String>>("identity_type")?;
        Ok(Self { name: fields.take(name)?, kind: kind.unwrap_or_else(|| "PG_ONLY".to_owned()) })
    }
}

/// A page of roles.
#[derive(Debug)]
pub struct Roles {
    /// The roles.
    pub roles: Vec<Role>,
    /// What to ask the next page with; absent or empty on the last.
    pub next_page_token: Option<String>,
}

/// Asks for a page of the roles of a Provisioned instance.
pub fn of_instance(
    workspace: &Workspace,
    token: &Secret,
    instance: &str,
    page: Option<&str>,
) -> Request {
    let instance = encoded(instance);
    list(format!("{workspace}/api/2.0/database/instances/{instance}/roles"), token, page)
}

/// Asks for a page of the roles of an Autoscaling branch, `projects/…/branches/…`.
pub fn of_branch(
    workspace: &Workspace,
    token: &Secret,
    branch: &str,
    page: Option<&str>,
) -> Request {
    list(format!("{workspace}/api/2.0/postgres/{}/roles", encoded_path(branch)), token, page)
}

fn list(mut url: String, token: &Secret, page: Option<&str>) -> Request {
    if let Some(page) = page {
        url.push_str("?page_token=");
        url.push_str(&encoded(page));
    }
    get(url, Some(bearer(token)))
}

/// Reads the answer to either.
///
/// # Errors
///
/// It is a refusal, or not of this shape.
pub fn read(response: &Response) -> Result<Roles, ApiError> {
    super::json::read(Call::Roles, response, |mut page: Object| {
        let roles = match page.take::<Option<_>>("roles")? {
            Some(roles) => Some(roles),
            None => page.take::<Option<_>>("database_instance_roles")?,
        };
        let next_page_token = page.take("next_page_token")?;
        Ok(Roles { roles: roles.unwrap_or_default(), next_page_token })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &[(&str, &str)]) {
        let response = Response { status: 200, headers: Vec::new(), body: body.into() };
        let roles = read(&response).unwrap().roles;
        let roles: Vec<_> = roles.iter().map(|r| (r.name.as_str(), r.kind.as_str())).collect();
        assert_eq!(roles, expected);
    }

    #[test]
    fn reads_the_lists_of_both_apis() {
        check(
            r#"{"database_instance_roles":[
                {"name":"a@b.c","identity_type":"USER","instance_name":"x"},
                {"name":"p","identity_type":"PG_ONLY"}]}"#,
            &[("a@b.c", "USER"), ("p", "PG_ONLY")],
        );
        check(
            r#"{"roles":[
                {"name":"projects/p/branches/b/roles/r",
                 "status":{"postgres_role":"0-1","identity_type":"SERVICE_PRINCIPAL"}},
                {"name":"projects/p/branches/b/roles/s","status":{"postgres_role":"p"}}]}"#,
            &[("0-1", "SERVICE_PRINCIPAL"), ("p", "PG_ONLY")],
        );
        check("{}", &[]);
    }
}
