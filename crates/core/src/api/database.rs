//! Lakebase Provisioned: `/api/2.0/database`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;
use serde_json::Value;

use crate::api::Issued;
use crate::api::advice::Call;
use crate::api::error::ApiError;
use crate::api::expiry::ExpiryClaim;
use crate::api::json::read;
use crate::api::request::{bearer, encoded, get, post_json};
use crate::config::Workspace;
use crate::edge::{Request, Response};
use crate::json::{FromJson, Misfit, Object};
use crate::secret::Secret;

/// The most the API gives at once.
const PAGE: u32 = 100;

/// What Lakegate needs to know of an instance.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Instance {
    /// Its name, by which credentials are asked for.
    pub name: String,
    /// Its host.
    pub read_write_dns: Option<String>,
    /// Its read-only host.
    pub read_only_dns: Option<String>,
    /// How it does: `AVAILABLE`, `STOPPED`, …
    pub state: Option<String>,
    /// Whether somebody stopped it.
    pub stopped: bool,
}

impl Instance {
    /// Whether one of its hosts is this one.
    pub fn answers_at(&self, host: &str) -> bool {
        let own = [&self.read_write_dns, &self.read_only_dns];
        own.into_iter().flatten().any(|dns| dns.eq_ignore_ascii_case(host))
    }
}

impl FromJson for Instance {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        let mut instance = Object::from_json(value)?;
        Ok(Self {
            name: instance.take("name")?,
            read_write_dns: instance.take("read_write_dns")?,
            read_only_dns: instance.take("read_only_dns")?,
            state: instance.take("state")?,
            stopped: instance.take::<Option<_>>("effective_stopped")?.unwrap_or_default(),
        })
    }
}

/// A page of instances.
#[derive(Debug)]
pub struct Instances {
    /// The instances.
    pub database_instances: Vec<Instance>,
    /// What to ask the next page with; absent or empty on the last.
    pub next_page_token: Option<String>,
}

/// Asks for an instance by its name.
pub fn instance(workspace: &Workspace, token: &Secret, name: &str) -> Request {
    let url = format!("{workspace}/api/2.0/database/instances/{}", encoded(name));
    get(url, Some(bearer(token)))
}

/// Reads the answer to [`instance`].
pub fn read_instance(name: &str, response: &Response) -> Result<Instance, ApiError> {
    read(Call::Instance { name: name.into() }, response, Ok)
}

/// Asks for an instance by its uid.
pub fn instance_by_uid(workspace: &Workspace, token: &Secret, uid: &str) -> Request {
    let uid = encoded(uid);
    get(format!("{workspace}/api/2.0/database/instances:findByUid?uid={uid}"), Some(bearer(token)))
}

/// Reads the answer to [`instance_by_uid`].
pub fn read_instance_by_uid(uid: &str, response: &Response) -> Result<Instance, ApiError> {
    read(Call::InstanceByUid { uid: uid.into() }, response, Ok)
}

/// Asks for a page of instances.
pub fn instances(workspace: &Workspace, token: &Secret, page: Option<&str>) -> Request {
    let mut url = format!("{workspace}/api/2.0/database/instances?page_size={PAGE}");
    if let Some(page) = page {
        url.push_str("&page_token=");
        url.push_str(&encoded(page));
    }
    get(url, Some(bearer(token)))
}

/// Reads the answer to [`instances`].
pub fn read_instances(response: &Response) -> Result<Instances, ApiError> {
    read(Call::Instances, response, |mut page: Object| {
        Ok(Instances {
            database_instances: page.take::<Option<_>>("database_instances")?.unwrap_or_default(),
            next_page_token: page.take("next_page_token")?,
        })
    })
}

/// The uid in a host `instance-<uid>.database.…`, if it is one.
pub fn uid_of(host: &str) -> Option<&str> {
    let (label, rest) = host.split_once('.')?;
    let uid = label.strip_prefix("instance-")?;
    let is_uid = !uid.is_empty() && uid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    (is_uid && rest.starts_with("database.")).then_some(uid)
}

#[derive(Serialize)]
struct CredentialRequest<'a> {
    request_id: &'a str,
    instance_names: [&'a str; 1],
}

/// Asks for a credential of one instance. `request_id` is a UUID.
pub fn credential(
    workspace: &Workspace,
    token: &Secret,
    instance: &str,
    request_id: &str,
) -> Request {
    let body = CredentialRequest { request_id, instance_names: [instance] };
    let body = serde_json::to_string(&body).expect("texts alone always serialize");
    post_json(format!("{workspace}/api/2.0/database/credentials"), bearer(token), body)
}

/// Reads the answer to [`credential`].
pub fn read_credential(instance: &str, response: &Response) -> Result<Issued, ApiError> {
    let call = Call::InstanceCredential { instance: instance.into() };
    read(call, response, |mut answer: Object| {
        let claim = ExpiryClaim::new(response, None, answer.take_loose("expiration_time"));
        Ok(Issued { token: answer.take("token")?, claim })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_uid_in_a_host() {
        for (host, uid) in [
            ("instance-0a1b-2c.database.cloud.databricks.com", Some("0a1b-2c")),
            ("instance-0a1b-2c.database.azuredatabricks.net", Some("0a1b-2c")),
            ("instance-0a1b-2c.example.com", None),
            ("instance-.database.cloud.databricks.com", None),
            ("instance-0a1b?x.database.cloud.databricks.com", None),
            ("ep-1.database.us-east-1.cloud.databricks.com", None),
            ("localhost", None),
        ] {
            assert_eq!(uid_of(host), uid, "{host}");
        }
    }
}
