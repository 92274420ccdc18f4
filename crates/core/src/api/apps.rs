//! Databricks Apps: which database an app was given.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use crate::api::advice::Call;
use crate::api::error::ApiError;
use crate::api::json::read;
use crate::api::request::{bearer, encoded, get};
use crate::config::Workspace;
use crate::edge::{Request, Response};
use crate::json::{FromJson, Misfit, Object};
use crate::secret::Secret;

/// What an app's first database resource names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Resource {
    /// A Provisioned instance, by name.
    Instance(String),
    /// A branch of an Autoscaling project, `projects/…/branches/…`.
    Branch(String),
}

/// A resource of an app, which may be none that Lakegate knows.
struct AppResource(Option<Resource>);

impl FromJson for AppResource {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        let mut resource = Object::from_json(value)?;
        if let Some(mut database) = resource.take::<Option<Object>>("database")? {
            return Ok(Self(Some(Resource::Instance(database.take("instance_name")?))));
        }
        if let Some(mut postgres) = resource.take::<Option<Object>>("postgres")? {
            return Ok(Self(Some(Resource::Branch(postgres.take("branch")?))));
        }
        Ok(Self(None))
    }
}

/// Asks for an app.
pub fn app(workspace: &Workspace, token: &Secret, name: &str) -> Request {
    get(format!("{workspace}/api/2.0/apps/{}", encoded(name)), Some(bearer(token)))
}

/// The app's first database resource, if it has one.
pub fn read_app(name: &str, response: &Response) -> Result<Option<Resource>, ApiError> {
    read(Call::App { name: name.into() }, response, |mut app: Object| {
        let resources: Option<Vec<AppResource>> = app.take("resources")?;
        Ok(resources.into_iter().flatten().find_map(|AppResource(known)| known))
    })
}
