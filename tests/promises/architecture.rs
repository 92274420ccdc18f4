//! Who depends on whom, and what the component can touch: the tables of the architecture, read from
//! what was built.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use lakegate_tests::{connector, function, root};
use serde_json::Value;
use wasmtime::component::Component;
use wasmtime::{Config, Engine};

/// A crate, all that it may use by itself, and what it may not even use through others.
struct Rule {
    package: &'static str,
    /// Empty: whatever it needs.
    only: &'static [&'static str],
    never: &'static [&'static str],
}

const RUNTIMES: [&str; 3] = ["tokio", "async-std", "smol"];

const RULES: &[Rule] = &[
    Rule {
        package: "lakegate-core",
        only: &[
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
            "zeroize",
            "base64",
            "percent-encoding",
        ],
        never: &[
            "tokio",
            "futures-util",
            "tracing",
            "log",
            "rand",
            "getrandom",
            "wit-bindgen",
            "reqwest",
        ],
    },
    Rule {
        package: "lakegate-component",
        only: &["lakegate-core", "wit-bindgen"],
        never: &["tokio", "async-std", "smol", "spin-sdk", "wasip2", "wasi"],
    },
    Rule {
        package: "lakegate-spin",
        only: &[
            "lakegate-core",
            "spin-sdk",
            "wit-bindgen",
            "serde",
            "serde_json",
            "sha2",
            "base64",
            "chacha20poly1305",
            "subtle",
            "futures-util",
            "http-body-util",
            "jiff",
        ],
        never: &["tokio", "async-std", "smol", "lakegate", "lakegate-component"],
    },
    Rule {
        package: "lakegate-edges",
        only: &[],
        never: &["lakegate-core", "lakegate-component", "wasmtime"],
    },
    Rule {
        package: "lakegate-proxy",
        only: &[],
        never: &["lakegate-core", "lakegate-component", "lakegate-edges", "wasmtime"],
    },
    Rule {
        package: "lakegate-client",
        only: &[
            "lakegate-core",
            "lakegate-edges",
            "anyhow",
            "deadpool-postgres",
            "sqlx",
            "sqlx-core",
            "thiserror",
            "tokio",
            "tokio-postgres",
            "tracing",
            "zeroize",
        ],
        never: &["lakegate-component", "lakegate", "wasmtime"],
    },
    Rule {
        package: "lakegate",
        only: &[],
        never: &["lakegate-core", "lakegate-component", "lakegate-spin"],
    },
    Rule {
        package: "lakebase-emulator",
        only: &[],
        never: &["lakegate-core", "lakegate-component", "lakegate"],
    },
    Rule {
        // The library for Rust has the core inside; the tests have what its users have.
        package: "lakegate-tests",
        only: &[
            "lakegate-client",
            "anyhow",
            "base64",
            "futures-util",
            "reqwest",
            "rustix",
            "rustls",
            "serde_json",
            "sha2",
            "tempfile",
            "tokio",
            "tokio-postgres",
            "tokio-postgres-rustls",
            "wasmtime",
        ],
        never: &["lakegate-component", "lakegate", "lakebase-emulator"],
    },
];

/// Packages and their dependencies, by name, development aside.
struct Graph {
    metadata: Value,
    edges: BTreeMap<String, BTreeSet<String>>,
    names: BTreeMap<String, String>,
}

/// This platform, as the compiler names it.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

impl Graph {
    fn read() -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // Of this platform alone: what others need was not downloaded.
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", &host()])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let packages = metadata["packages"].as_array().unwrap();
        let names = packages.iter().map(|p| (text(&p["id"]), text(&p["name"]))).collect();
        let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
        let edges = nodes.iter().map(|node| {
            let used = node["deps"].as_array().unwrap().iter().filter(|dependency| {
                let kinds = dependency["dep_kinds"].as_array().unwrap();
                kinds.iter().any(|kind| kind["kind"].is_null())
            });
            (text(&node["id"]), used.map(|dependency| text(&dependency["pkg"])).collect())
        });
        Self { edges: edges.collect(), names, metadata: metadata.clone() }
    }

    fn id(&self, package: &str) -> &str {
        let members = self.metadata["workspace_members"].as_array().unwrap();
        let ids = members.iter().map(|id| id.as_str().unwrap());
        let mut own = ids.filter(|id| self.names[*id] == package);
        own.next().unwrap_or_else(|| panic!("there is no package {package}"))
    }

    fn direct(&self, package: &str) -> BTreeSet<&str> {
        self.edges[self.id(package)].iter().map(|id| &*self.names[id]).collect()
    }

    fn all(&self, package: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut open = vec![self.id(package)];
        while let Some(id) = open.pop() {
            for next in &self.edges[id] {
                if found.insert(&**next) {
                    open.push(next);
                }
            }
        }
        found.into_iter().map(|id| &*self.names[id]).collect()
    }

    /// The features that a package is built with somewhere in the workspace.
    fn declared_features(&self, package: &str, dependency: &str) -> BTreeSet<&str> {
        let packages = self.metadata["packages"].as_array().unwrap();
        let id = self.id(package);
        let own = packages.iter().find(|p| p["id"] == id).unwrap();
        let dependencies = own["dependencies"].as_array().unwrap().iter();
        let named = dependencies.filter(|d| d["name"] == dependency && d["kind"].is_null());
        named
            .flat_map(|d| {
                let default = d["uses_default_features"].as_bool().unwrap().then_some("default");
                let features = d["features"].as_array().unwrap().iter();
                features.map(|feature| feature.as_str().unwrap()).chain(default)
            })
            .collect()
    }
}

#[test]
fn each_crate_uses_what_it_may() {
    let graph = Graph::read();
    for Rule { package, only, never } in RULES {
        let direct = graph.direct(package);
        let beyond: Vec<_> = direct.iter().filter(|name| !only.contains(name)).collect();
        assert!(only.is_empty() || beyond.is_empty(), "{package} uses {beyond:?}");
        let all = graph.all(package);
        let forbidden: Vec<_> = never.iter().filter(|name| all.contains(*name)).collect();
        assert!(forbidden.is_empty(), "{package} uses {forbidden:?}, directly or not");
    }
    // What a rule names exists: else it would forbid nothing.
    assert!(graph.all("lakegate").contains(RUNTIMES[0]));
    assert!(graph.all("lakegate-component").contains("lakegate-core"));
}

#[test]
fn the_core_has_no_standard_library() {
    let graph = Graph::read();
    for dependency in graph.direct("lakegate-core") {
        let features = graph.declared_features("lakegate-core", dependency);
        for standard in ["std", "default"] {
            assert!(!features.contains(standard), "{dependency} has the feature {standard}");
        }
    }
    let first = std::fs::read_to_string(root().join("crates/core/src/lib.rs")).unwrap();
    assert!(first.lines().any(|line| line == "#![no_std]"));
}

/// The interfaces that a world of `wit/world.wit` names after `import` or `export`.
fn named_in(world: &str, word: &str) -> BTreeSet<String> {
    let worlds = std::fs::read_to_string(root().join("wit/world.wit")).unwrap();
    let (_, world) = worlds.split_once(&format!("world {world} {{")).unwrap();
    let (world, _) = world.split_once('}').unwrap();
    let lines = world.lines().filter_map(|line| line.trim().strip_prefix(word));
    let names = lines.map(|rest| rest.trim().trim_end_matches(';'));
    names.map(|name| format!("lakegate:connect/{name}@0.1.0")).collect()
}

/// What a built component imports and exports, by name.
fn seams(path: &Path) -> (BTreeSet<String>, BTreeSet<String>) {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config).unwrap();
    let component = Component::from_file(&engine, path).unwrap();
    let shape = component.component_type();
    let imports = shape.imports(&engine).map(|(name, _)| name.to_owned()).collect();
    let exports = shape.exports(&engine).map(|(name, _)| name.to_owned()).collect();
    (imports, exports)
}

#[test]
fn the_component_can_touch_what_the_world_names_and_nothing_else() {
    let (imports, exports) = seams(&connector());
    // Interfaces that only lend their types have no function to call.
    let mut expected = named_in("connector", "import ");
    expected.insert("lakegate:connect/problems@0.1.0".to_owned());
    assert_eq!(imports, expected);
    assert_eq!(exports, named_in("connector", "export "));
}

#[test]
fn the_function_touches_what_spin_has_and_nothing_else() {
    let (imports, exports) = seams(&function("function.wasm"));
    let spin =
        ["key-value/key-value@3.0.0", "postgres/postgres@4.2.0", "variables/variables@3.0.0"];
    let ours: BTreeSet<_> = imports.iter().filter(|name| !name.starts_with("wasi:")).collect();
    assert_eq!(ours, spin.map(|name| format!("spin:{name}")).iter().collect());
    assert!(!imports.iter().any(|name| name.starts_with("wasi:sockets")), "{imports:?}");
    let mut expected = named_in("function", "export ");
    expected.insert("wasi:http/handler@0.3.0".to_owned());
    assert_eq!(exports, expected);
}
