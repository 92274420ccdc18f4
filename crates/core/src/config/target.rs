//! Which database server was asked for: a host, an instance or an endpoint.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

use crate::config::address::{EndpointPath, Reason, parse_host};
use crate::config::fault::Fault;
use crate::config::load::Load;
use crate::config::lookup::Sourced;
use crate::config::rows;

/// What was said about the server, in OAuth mode.
pub(crate) struct Asked {
    pub(crate) host: Option<Sourced<String>>,
    pub(crate) instance: Option<Sourced<String>>,
    pub(crate) endpoint: Option<Sourced<EndpointPath>>,
}

const HOST_FIX: &str = "Set POSTGRES_HOST to the name of the server alone, such as \
    instance-….database.cloud.databricks.com (the port goes to POSTGRES_PORT), or to the endpoint \
    path that Databricks Apps give.";

/// Reads the three settings; a host that is an endpoint's path becomes the endpoint.
pub(crate) fn choose(load: &mut Load<'_>) -> Asked {
    let mut endpoint = load.parsed(&rows::ENDPOINT, EndpointPath::parse, &endpoint_fix());
    let instance = load.parsed(
        &rows::INSTANCE,
        parse_instance,
        "Set LAKEBASE_INSTANCE_NAME to the name of the Provisioned instance. A host goes to \
         POSTGRES_HOST, an endpoint path to LAKEBASE_ENDPOINT.",
    );
    let mut host = None;
    match load.text(&rows::HOST) {
        Some(text) if EndpointPath::is_meant(&text.value) => {
            let path = load.parsed(&rows::HOST, EndpointPath::parse, &endpoint_fix());
            endpoint = agree(load, endpoint, path);
        }
        Some(_) => host = load.parsed(&rows::HOST, parse_host, HOST_FIX),
        None if load.text(&rows::ENDPOINT).is_some() || load.text(&rows::INSTANCE).is_some() => {}
        None => load.missing(&rows::HOST, HOST_FIX),
    }
    if let (Some(instance), Some(endpoint)) = (&instance, &endpoint) {
        load.faults.push(Fault::Conflict {
            settings: [instance.name, endpoint.name].map(str::to_owned).to_vec(),
            fix:
                "Remove LAKEBASE_INSTANCE_NAME for an Autoscaling endpoint, or the endpoint for a \
                  Provisioned instance."
                    .to_owned(),
        });
    }
    warn(load, host.as_ref(), endpoint.as_ref());
    Asked { host, instance, endpoint }
}

fn endpoint_fix() -> String {
    format!("An endpoint is given as {}.", EndpointPath::SHAPE)
}

/// Two settings may both name the endpoint, if it is the same one.
fn agree(
    load: &mut Load<'_>,
    first: Option<Sourced<EndpointPath>>,
    second: Option<Sourced<EndpointPath>>,
) -> Option<Sourced<EndpointPath>> {
    if let (Some(first), Some(second)) = (&first, &second)
        && first.value != second.value
    {
        let say = |it: &Sourced<EndpointPath>| format!("{} `{}`", it.name, it.value);
        load.faults.push(Fault::Conflict {
            settings: [say(first), say(second)].to_vec(),
            fix: "Remove one of them, or set both to the same endpoint.".to_owned(),
        });
    }
    first.or(second)
}

fn parse_instance(text: &str) -> Result<String, Reason> {
    if EndpointPath::is_meant(text) {
        return Err("it is the path of an endpoint, not the name of an instance");
    }
    if text.contains('.') {
        return Err("it looks like a host, not like the name of an instance");
    }
    let fits = text.len() <= 63
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    fits.then(|| text.to_owned()).ok_or("it is not the name of an instance")
}

fn warn(
    load: &mut Load<'_>,
    host: Option<&Sourced<String>>,
    endpoint: Option<&Sourced<EndpointPath>>,
) {
    if let Some(endpoint) = endpoint
        && endpoint.value.ends_in_uid()
    {
        load.warnings.push(format!(
            "{} ends in `ep-…`, which looks like the endpoint's uid. The API knows it by its id, \
             which is usually `primary`.",
            endpoint.name
        ));
    }
    if let Some(host) = host
        && host.value.split('.').next().is_some_and(|label| label.ends_with("-pooler"))
    {
        load.warnings.push(format!(
            "{} names Lakebase's own pooler, which refuses OAuth roles. Use the host without \
             `-pooler`.",
            host.name
        ));
    }
}
