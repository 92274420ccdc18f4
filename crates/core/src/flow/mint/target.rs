//! Which instance or endpoint a credential is to be asked for.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::api::apps::{self, Resource};
use crate::api::database::{self, Instance};
use crate::api::postgres::{self, Endpoint};
use crate::api::{ApiError, Call};
use crate::config::{EndpointPath, OAuthAccess};
use crate::edge::Edge;
use crate::flow::mint::error::MintError;
use crate::flow::mint::{WorkspaceToken, send};

/// The most pages of a list that are read: 100 entries each, far beyond the 10 instances that a
/// workspace may have. It ends a server's endless list.
const MAX_PAGES: usize = 50;

/// What a credential is for, and where it logs in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// A Provisioned instance.
    Instance {
        /// Its name.
        name: String,
        /// Its host.
        host: String,
    },
    /// An Autoscaling endpoint.
    Endpoint {
        /// Its path.
        path: EndpointPath,
        /// Its host.
        host: String,
    },
}

impl Target {
    /// The server's host.
    pub fn host(&self) -> &str {
        match self {
            Self::Instance { host, .. } | Self::Endpoint { host, .. } => host,
        }
    }
}

/// Finds the target: what was named; else the instance that the host belongs to; else what the app
/// was given. Asks only for what the configuration leaves open.
pub async fn discover_target<E: Edge>(
    edge: &E,
    access: &OAuthAccess,
    token: &WorkspaceToken,
) -> Result<Target, MintError> {
    let search = Search { edge, token, host: access.host.as_ref().map(|host| &*host.value) };
    if let Some(endpoint) = &access.endpoint {
        return search.endpoint(endpoint.value.clone()).await;
    }
    if let Some(instance) = &access.instance {
        return search.instance(instance.value.clone()).await;
    }
    let found = search.by_host().await;
    match (found, &access.app) {
        (Ok(Some(target)), _) => Ok(target),
        // The app may know what this identity may not look up; but an outage is no answer.
        (Ok(None), Some(app)) => search.by_app(&app.value).await,
        (Err(error), Some(app)) if error.permanent() => search.by_app(&app.value).await,
        (Err(error), _) => Err(error),
        (Ok(None), None) => {
            Err(MintError::NoTarget { host: search.host.unwrap_or_default().to_owned() })
        }
    }
}

/// What every step of the search needs. The host is the configured one, which always wins.
struct Search<'a, E> {
    edge: &'a E,
    token: &'a WorkspaceToken,
    host: Option<&'a str>,
}

impl<E: Edge> Search<'_, E> {
    async fn endpoint(&self, path: EndpointPath) -> Result<Target, MintError> {
        if let Some(host) = self.host {
            return Ok(Target::Endpoint { path, host: host.to_owned() });
        }
        let request = postgres::endpoint(&self.token.workspace, &self.token.token, &path);
        let call = Call::Endpoint { path: path.as_str().to_owned() };
        let (response, _) = send(self.edge, call, request).await?;
        let endpoint = postgres::read_endpoint(&path, &response)?;
        match endpoint.host() {
            Some(host) => Ok(Target::Endpoint { path, host: host.to_owned() }),
            None => Err(MintError::NoHost { target: path.as_str().to_owned() }),
        }
    }

    async fn instance(&self, name: String) -> Result<Target, MintError> {
        if let Some(host) = self.host {
            return Ok(Target::Instance { name, host: host.to_owned() });
        }
        let request = database::instance(&self.token.workspace, &self.token.token, &name);
        let (response, _) = send(self.edge, Call::Instance { name: name.clone() }, request).await?;
        match database::read_instance(&name, &response)?.read_write_dns {
            Some(host) if !host.is_empty() => Ok(Target::Instance { name, host }),
            _ => Err(MintError::NoHost { target: name }),
        }
    }

    /// The Provisioned instance that the configured host belongs to, if any.
    async fn by_host(&self) -> Result<Option<Target>, MintError> {
        let Some(host) = self.host else { return Ok(None) };
        // An Autoscaling host: no request leads from it to its endpoint.
        if host.starts_with("ep-") {
            return Ok(None);
        }
        let mut instance = None;
        if let Some(uid) = database::uid_of(host) {
            instance = self.by_uid(uid).await?;
        }
        if instance.is_none() {
            instance = self.by_dns(host).await?;
        }
        let host = host.to_owned();
        Ok(instance.map(|Instance { name, .. }| Target::Instance { name, host }))
    }

    async fn by_uid(&self, uid: &str) -> Result<Option<Instance>, MintError> {
        let request = database::instance_by_uid(&self.token.workspace, &self.token.token, uid);
        let call = Call::InstanceByUid { uid: uid.to_owned() };
        let (response, _) = send(self.edge, call, request).await?;
        match database::read_instance_by_uid(uid, &response) {
            Ok(instance) => Ok(Some(instance)),
            Err(ApiError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn by_dns(&self, host: &str) -> Result<Option<Instance>, MintError> {
        let mut page = None;
        for _ in 0..MAX_PAGES {
            let (workspace, token) = (&self.token.workspace, &self.token.token);
            let request = database::instances(workspace, token, page.as_deref());
            let (response, _) = send(self.edge, Call::Instances, request).await?;
            let answer = match database::read_instances(&response) {
                Ok(answer) => answer,
                Err(ApiError::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let mut instances = answer.database_instances.into_iter();
            if let Some(found) = instances.find(|instance| instance.answers_at(host)) {
                return Ok(Some(found));
            }
            page = answer.next_page_token.filter(|token| !token.is_empty());
            if page.is_none() {
                break;
            }
        }
        Ok(None)
    }

    async fn by_app(&self, app: &str) -> Result<Target, MintError> {
        let request = apps::app(&self.token.workspace, &self.token.token, app);
        let (response, _) = send(self.edge, Call::App { name: app.to_owned() }, request).await?;
        match apps::read_app(app, &response)? {
            Some(Resource::Instance(name)) => self.instance(name).await,
            Some(Resource::Branch(branch)) => self.by_branch(&branch).await,
            None => Err(MintError::NoResource { app: app.to_owned() }),
        }
    }

    /// An endpoint of a branch: the one at the configured host, else one to write through, else the
    /// first.
    async fn by_branch(&self, branch: &str) -> Result<Target, MintError> {
        let endpoints = self.endpoints(branch).await?;
        let at_host = |endpoint: &&Endpoint| self.host.is_some() && endpoint.host() == self.host;
        let endpoint = endpoints
            .iter()
            .find(at_host)
            .or_else(|| endpoints.iter().find(|endpoint| endpoint.writable()))
            .or(endpoints.first())
            .ok_or_else(|| MintError::NoEndpoint { branch: branch.to_owned() })?;
        let path = EndpointPath::parse(&endpoint.name).map_err(|_| ApiError::Shape {
            call: Call::Endpoints { branch: branch.to_owned() },
            place: "the name of an endpoint".to_owned(),
        })?;
        match self.host.or(endpoint.host()) {
            Some(host) => Ok(Target::Endpoint { path, host: host.to_owned() }),
            None => Err(MintError::NoHost { target: endpoint.name.clone() }),
        }
    }

    async fn endpoints(&self, branch: &str) -> Result<Vec<Endpoint>, MintError> {
        let mut all = Vec::new();
        let mut page = None;
        for _ in 0..MAX_PAGES {
            let (workspace, token) = (&self.token.workspace, &self.token.token);
            let request = postgres::endpoints(workspace, token, branch, page.as_deref());
            let call = Call::Endpoints { branch: branch.to_owned() };
            let (response, _) = send(self.edge, call, request).await?;
            let answer = postgres::read_endpoints(branch, &response)?;
            all.extend(answer.endpoints);
            page = answer.next_page_token.filter(|token| !token.is_empty());
            if page.is_none() {
                break;
            }
        }
        Ok(all)
    }
}
