//! Databricks Apps: which database an app was given.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;

use crate::api::advice::Call;
use crate::api::error::ApiError;
use crate::api::json::read;
use crate::api::request::{bearer, encoded, get};
use crate::config::Workspace;
use crate::edge::{Request, Response};
use crate::secret::Secret;

/// What an app's first database resource names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Resource {
    /// A Provisioned instance, by name.
    Instance(String),
    /// A branch of an Autoscaling project, `projects/…/branches/…`.
    Branch(String),
}

#[derive(Deserialize)]
struct App {
    #[serde(default)]
    resources: Vec<AppResource>,
}

#[derive(Deserialize)]
struct AppResource {
    #[serde(default)]
    database: Option<Database>,
    #[serde(default)]
    postgres: Option<Postgres>,
}

#[derive(Deserialize)]
struct Database {
    instance_name: String,
}

#[derive(Deserialize)]
struct Postgres {
    branch: String,
}

/// Asks for an app.
pub fn app(workspace: &Workspace, token: &Secret, name: &str) -> Request {
    get(format!("{workspace}/api/2.0/apps/{}", encoded(name)), Some(bearer(token)))
}

/// The app's first database resource, if it has one.
pub fn read_app(name: &str, response: &Response) -> Result<Option<Resource>, ApiError> {
    let app: App = read(Call::App { name: name.into() }, response)?;
    Ok(app.resources.into_iter().find_map(|resource| {
        let instance = resource.database.map(|it| Resource::Instance(it.instance_name));
        instance.or(resource.postgres.map(|it| Resource::Branch(it.branch)))
    }))
}
