//! What the manifests set is what the function asks for: a slip of the pen in a name would leave the
//! default in its place.

use std::collections::BTreeSet;
use std::process::Command;

use lakegate_tests::{python, root};
use serde_json::Value;

/// The variables of `spin.toml`, and those that it cannot do without.
fn variables() -> (BTreeSet<String>, BTreeSet<String>) {
    let text = std::fs::read_to_string(root().join("spin.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    let variables = manifest["variables"].as_table().unwrap();
    let is_required = |value: &toml::Value| value.get("required").is_some();
    let all = variables.keys().cloned().collect();
    let required = variables.iter().filter(|(_, value)| is_required(value));
    (all, required.map(|(name, _)| name.clone()).collect())
}

/// The documents of a manifest in `deploy/`, or of another file.
pub(crate) fn documents(manifest: &str) -> Vec<Value> {
    let script = "import json, sys, ruamel.yaml as yaml\n\
                  print(json.dumps(list(yaml.YAML(typ='safe').load_all(open(sys.argv[1])))))";
    let path = root().join("deploy").join(manifest);
    let output = Command::new(python("python")).args(["-c", script]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The names of a list of `{name: …}`.
fn names(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_spin_app_sets_variables_of_the_function() {
    let (known, required) = variables();
    let app = &documents("spinkube/spinapp.yaml")[0]["spec"];
    let set = names(&app["variables"]);
    assert!(set.is_subset(&known), "{:?}", set.difference(&known));
    assert!(required.is_subset(&set), "{:?}", required.difference(&set));
    // They are parts of the addresses in spin.toml.
    for variable in app["variables"].as_array().unwrap() {
        let value = variable["value"].as_str().unwrap_or_default();
        assert!(!value.contains("://"), "{variable} has a scheme");
    }
    let stores = names(&app["runtimeConfig"]["keyValueStores"]);
    assert_eq!(stores, BTreeSet::from(["default".to_owned()]));
}

#[test]
fn the_deployment_sets_settings_of_the_function() {
    let (known, required) = variables();
    let documents = documents("kubernetes/serve.yaml");
    let of_kind = |kind: &str| documents.iter().find(|it| it["kind"] == kind).unwrap();
    let container = &of_kind("Deployment")["spec"]["template"]["spec"]["containers"][0];
    let mut set = names(&container["env"]);
    set.extend(of_kind("ConfigMap")["data"].as_object().unwrap().keys().cloned());
    let set: BTreeSet<_> = set.iter().map(|name| name.to_ascii_lowercase()).collect();
    assert!(set.is_subset(&known), "{:?}", set.difference(&known));
    assert!(required.is_subset(&set), "{:?}", required.difference(&set));
}

/// The container of a manifest that runs `lakegate`.
fn container(manifest: &str, list: &str) -> Value {
    let documents = documents(manifest);
    let deployment = documents.iter().find(|it| it["kind"] == "Deployment").unwrap();
    deployment["spec"]["template"]["spec"][list][0].clone()
}

/// What `lakegate` says to the arguments of a container and some more, with nothing configured; it
/// must be wrong usage.
fn complaint(container: &Value, more: &[&str]) -> String {
    let arguments = container["args"].as_array().unwrap().iter().map(|it| it.as_str().unwrap());
    let mut lakegate = Command::new(lakegate_tests::binary("lakegate"));
    let output = lakegate.args(arguments).args(more).env_clear().output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    said
}

/// The arguments of the container, taken by the command itself; it stops at the certificate, which
/// is not here.
#[test]
fn the_deployment_gives_arguments_that_serve_knows() {
    let said = complaint(&container("kubernetes/serve.yaml", "containers"), &[]);
    assert!(said.contains("/tls/tls.crt"), "{said}");
}

/// It stops at one argument more, when it has understood all.
#[test]
fn the_sidecar_is_given_arguments_that_proxy_knows() {
    let sidecar = container("kubernetes/proxy.yaml", "initContainers");
    let said = complaint(&sidecar, &["--keep-warm=21"]);
    assert!(said.contains("more than the 20 connections"), "{said}");
}

#[test]
fn the_sidecar_is_given_settings_that_proxy_knows() {
    let documents = documents("kubernetes/proxy.yaml");
    let settings = documents.iter().find(|it| it["kind"] == "ConfigMap").unwrap();
    let lines = settings["data"].as_object().unwrap().iter();
    let lines: String = lines.map(|(name, value)| format!("{name} = {value}\n")).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lakegate.toml");
    let said = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let mut lakegate = Command::new(lakegate_tests::binary("lakegate"));
        let lakegate = lakegate.arg("token").arg("--config").arg(&file).env_clear();
        String::from_utf8(lakegate.output().unwrap().stderr).unwrap()
    };
    assert!(!said(&lines).contains("no setting"), "{}", said(&lines));
    assert!(said(&lines.replace("POSTGRES_DB", "POSTGRES_BD")).contains("no setting"));
}
