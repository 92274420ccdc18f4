//! Every manifest in `deploy/` says only what a cluster understands, field by field, and the
//! Databricks App in it starts.
//!
//! A cluster drops a field that it does not know without a word, and the setting is then not made.
//! Kubernetes' own kinds are checked by a package that carries their schemas; a manifest of another
//! kind has its schema here, under its own name. Nothing is asked of a cluster or of the network.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, also in what it calls")]

mod app_yaml;
mod databricks_app;
mod names;

use std::path::{Path, PathBuf};
use std::process::Command;

use lakegate_tests::{python, root};

/// The oldest Kubernetes that has all the fields used, and the newest whose schemas are here.
const VERSIONS: [&str; 2] = ["1.31", "1.37"];

/// All manifests: `deploy/WAY/NAME.yaml`. What a Databricks App is started with is none.
fn manifests() -> Vec<PathBuf> {
    let ways = entries(&root().join("deploy")).into_iter().filter(|path| path.is_dir());
    let ways = ways.filter(|way| !way.ends_with("databricks-app"));
    let mut found: Vec<_> = ways.flat_map(|way| entries(&way)).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    found.sort();
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// What is wrong with a manifest, by the schemas; nothing if it is empty.
fn complaints(manifest: &Path) -> String {
    let mut check = check_of(manifest);
    let output = check.arg(manifest).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    // A kind that it has no schema for is only a warning to the one of Kubernetes.
    if output.status.success() && !said.contains("WARN") {
        return String::new();
    }
    assert!(!said.is_empty(), "{check:?} ended with {} and said nothing", output.status);
    said
}

fn check_of(manifest: &Path) -> Command {
    let name = manifest.file_stem().unwrap().to_str().unwrap();
    let schema = root().join(format!("tests/deploy/{name}.schema.json"));
    if schema.is_file() {
        let mut check = Command::new(python("check-jsonschema"));
        check.arg("--schemafile").arg(schema);
        return check;
    }
    let mut check = Command::new(python("kubernetes-validate"));
    check.args(["--strict", "--quiet"]);
    check.args(VERSIONS.iter().flat_map(|version| ["--kubernetes-version", version]));
    check
}

#[test]
fn every_manifest_is_understood() {
    let manifests = manifests();
    let names: Vec<_> = manifests.iter().map(|path| path.file_name().unwrap()).collect();
    assert_eq!(names, ["proxy.yaml", "serve.yaml", "spinapp.yaml", "spinappexecutor.yaml"]);
    for manifest in &manifests {
        assert_eq!(complaints(manifest), "", "{}", manifest.display());
    }
}

/// A file under version control is no place for a secret: the manifests only name those that
/// somebody made.
#[test]
fn no_manifest_makes_a_secret() {
    for manifest in manifests() {
        let text = std::fs::read_to_string(&manifest).unwrap();
        let kinds: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("kind: ")).collect();
        assert!(
            !kinds.is_empty() && !kinds.contains(&"Secret"),
            "{}: {kinds:?}",
            manifest.display()
        );
    }
}

/// Each manifest with one mistake in it.
#[test]
fn a_mistake_is_refused() {
    let serve = "kubernetes/serve.yaml";
    check(serve, "runAsNonRoot", "runAsNotRoot", "'runAsNotRoot' was unexpected");
    check(serve, "replicas: 2", "replicas: two", "'two' is not of type 'integer'");
    check(serve, "kind: PodDisruptionBudget", "kind: Budget", "find schema for kind Budget");
    let proxy = "kubernetes/proxy.yaml";
    check(proxy, "restartPolicy: Always", "restartPolicy: 1", "1 is not of type 'string'");
    check(proxy, "startupProbe", "startProbe", "'startProbe' was unexpected");
    let app = "spinkube/spinapp.yaml";
    check(app, "keyValueStores", "keyValueStore", "'keyValueStore' was unexpected");
    check(app, "secretKeyRef", "secretRef", "'secretRef' was unexpected");
    check(app, "name: postgres_host", "name: POSTGRES_HOST", "'POSTGRES_HOST' does not match");
    check(app, "  replicas: 2\n", "", "'replicas' is a required property");
    let executor = "spinkube/spinappexecutor.yaml";
    check(executor, "spinImage", "image", "'image' was unexpected");
    check(executor, "kind: SpinAppExecutor", "kind: SpinApp", "'SpinAppExecutor' was expected");
}

#[track_caller]
fn check(manifest: &str, right: &str, wrong: &str, told: &str) {
    let path = root().join("deploy").join(manifest);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(right), "{manifest} has no {right:?}");
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join(path.file_name().unwrap());
    std::fs::write(&copy, text.replace(right, wrong)).unwrap();
    let complaints = complaints(&copy);
    assert!(complaints.contains(told), "{wrong:?} in {manifest}: {complaints:?}");
}
