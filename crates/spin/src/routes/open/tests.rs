//! The description is true: of routes, methods, keys and problems.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::keys::Scope;
use crate::problem::Type;
use crate::route::{ROUTES, Verb};

fn description() -> Value {
    serde_json::from_str(&document()).unwrap()
}

/// The operations of the description: path, method, keys.
fn operations() -> Vec<(String, String, Value)> {
    let description = description();
    let mut operations = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if method != "parameters" {
                let keys = operation["security"].clone();
                operations.push((path.clone(), method.clone(), keys));
            }
        }
    }
    operations
}

#[test]
fn the_routes_and_the_description_are_the_same() {
    let mut expected = BTreeSet::new();
    for route in &ROUTES {
        let keys = match route.scope {
            Scope::Open => "[]",
            Scope::Admin => r#"[{"adminKey":[]}]"#,
            Scope::Token => r#"[{"tokenKey":[]}]"#,
        };
        let methods: &[&str] = if route.method == Verb::Get { &["get", "head"] } else { &["post"] };
        expected.extend(methods.iter().map(|method| format!("{method} {} {keys}", route.path)));
    }
    let described =
        operations().into_iter().map(|(path, method, keys)| format!("{method} {path} {keys}"));
    assert_eq!(described.collect::<BTreeSet<_>>(), expected);
}

#[test]
fn only_routes_that_know_it_have_plan_in_their_query() {
    let description = description();
    for route in &ROUTES {
        let parameters = description["paths"][route.path]["parameters"].as_array().unwrap();
        let plan = parameters.iter().any(|p| p["$ref"] == "#/components/parameters/Plan");
        assert_eq!(plan, route.plan, "{}", route.path);
    }
}

#[test]
fn every_problem_is_described_under_its_status_and_in_the_schema() {
    let description = description();
    let components = &description["components"];
    let urns = components["schemas"]["Problem"]["properties"]["type"]["enum"].as_array().unwrap();
    let kinds =
        components["schemas"]["LastProblem"]["properties"]["kind"]["enum"].as_array().unwrap();
    assert_eq!((urns.len(), kinds.len()), (Type::ALL.len(), Type::ALL.len()));
    for kind in Type::ALL {
        let name = kind.name();
        assert!(urns.contains(&format!("urn:lakegate:problem:{name}").into()), "{name}");
        assert!(kinds.contains(&name.into()), "{name}");
        // What is no route has no place among the routes; the introduction tells of it.
        if kind == Type::NotFound {
            assert!(description["info"]["description"].as_str().unwrap().contains(name));
            continue;
        }
        let told = components["responses"].as_object().unwrap().values().any(|response| {
            let example = &response["content"]["application/problem+json"]["example"];
            example["status"] == kind.status().as_u16()
                && response["description"].as_str().unwrap().contains(&format!("`{name}`"))
        });
        assert!(told, "{name} under {}", kind.status());
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, whole: &Value, seen: &mut usize) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(whole.pointer(pointer).is_some(), "{reference}");
                    *seen += 1;
                }
                members.values().for_each(|member| walk(member, whole, seen));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, whole, seen)),
            _ => {}
        }
    }
    let (description, mut seen) = (description(), 0);
    walk(&description, &description, &mut seen);
    assert!(100 < seen, "only {seen} references");
}
