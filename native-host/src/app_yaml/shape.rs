//! The variables of an `app.yaml`, as far as the file has the shape that Databricks reads.

use std::collections::BTreeMap;

use super::finding::Findings;
use super::tree::{Node, Shape};

const SHAPE_FIX: &str =
    "Write it as `- name: \"…\"` and, below, `value: \"…\"` or `valueFrom: \"…\"`.";

/// One variable of `env`.
#[derive(Debug)]
pub(super) struct Variable<'t> {
    pub(super) name: &'t str,
    /// Where its name stands.
    pub(super) line: usize,
    pub(super) source: Source<'t>,
}

/// Where a variable's value comes from.
#[derive(Debug)]
pub(super) enum Source<'t> {
    /// It stands in the file.
    Value(&'t str),
    /// A resource of the app yields it; this is the resource's key.
    From(&'t str),
    /// What stands there is no text, and was found to be wrong.
    Broken,
}

/// The list of variables.
pub(super) struct List<'t> {
    /// Where it begins.
    pub(super) line: usize,
    pub(super) variables: Vec<Variable<'t>>,
}

/// Reads the variables, and finds what Databricks would not read.
pub(super) fn list<'t>(root: &'t Node, out: &mut Findings) -> List<'t> {
    let (line, items) = match &root.shape {
        Shape::Map(_) => match env(root, out) {
            Some(node) => (node.line, items(node, out)),
            None => (root.line, Vec::new()),
        },
        Shape::List(_) => {
            let fix = "Put the list below `env:`, as a value of that key.";
            out.error(
                root.line,
                "shape",
                "the file is a list, not `command` and `env`".into(),
                fix,
            );
            (root.line, items(root, out))
        }
        Shape::Scalar { .. } => {
            let fix = "`lakegate app-yaml` writes an example.";
            out.error(root.line, "shape", "the file has no `command` and no `env`".into(), fix);
            (root.line, Vec::new())
        }
    };
    let variables = items.into_iter().filter_map(|item| variable(item, out)).collect();
    List { line, variables }
}

/// The value of `env`, when the other keys of the file have been looked at.
fn env<'t>(root: &'t Node, out: &mut Findings) -> Option<&'t Node> {
    let keys = entries(root, out);
    for (key, (line, _)) in &keys {
        if !matches!(*key, "command" | "env") {
            let message = format!("`{key}` is no key of app.yaml");
            out.warning(*line, "unknown-key", message, "Databricks Apps know `command` and `env`.");
        }
    }
    if let Some((line, command)) = keys.get("command")
        && !matches!(&command.shape, Shape::List(words) if words.iter().all(|word| word.text().is_some()))
    {
        let fix = "Write it as [\"sh\", \"lakegate.sh\", \"run\", \"--\", \"./my-app\"]: no shell splits it.";
        out.error(*line, "command", "`command` is not a list of words".into(), fix);
    }
    keys.get("env").map(|(_, node)| *node)
}

fn items<'t>(list: &'t Node, out: &mut Findings) -> Vec<&'t Node> {
    if let Shape::List(items) = &list.shape {
        return items.iter().map(|item| &**item).collect();
    }
    out.error(list.line, "shape", "`env` is not a list".into(), SHAPE_FIX);
    Vec::new()
}

fn variable<'t>(item: &'t Node, out: &mut Findings) -> Option<Variable<'t>> {
    if !matches!(item.shape, Shape::Map(_)) {
        out.error(item.line, "shape", "this is no variable".into(), SHAPE_FIX);
        return None;
    }
    let keys = entries(item, out);
    let Some((_, name)) = keys.get("name") else {
        out.error(item.line, "shape", "this variable has no name".into(), SHAPE_FIX);
        return None;
    };
    let line = name.line;
    let Some(name) = name.text().filter(|name| is_name(name)) else {
        let message = "this is not the name of a variable".into();
        out.error(line, "shape", message, "Letters, digits and `_` make up a name.");
        return None;
    };
    for (key, (line, _)) in &keys {
        match *key {
            "name" | "value" | "valueFrom" => {}
            "value_from" => {
                let message =
                    format!("{name} has `value_from`, which is the spelling of databricks.yml");
                out.error(*line, "value-from-spelling", message, "Write `valueFrom` in app.yaml.");
            }
            key => {
                let message = format!("{name} has `{key}`, which Databricks Apps do not read");
                out.error(*line, "unknown-key", message, SHAPE_FIX);
            }
        }
    }
    let from = keys.get("valueFrom").or(keys.get("value_from"));
    Some(Variable { name, line, source: source(name, line, keys.get("value"), from, out) })
}

type Entry<'t> = (usize, &'t Node);

fn source<'t>(
    name: &str,
    line: usize,
    value: Option<&Entry<'t>>,
    from: Option<&Entry<'t>>,
    out: &mut Findings,
) -> Source<'t> {
    let (text, wrap): (_, fn(&'t str) -> Source<'t>) = match (value, from) {
        (Some((_, node)), None) => (text(name, node, out), Source::Value),
        (None, Some((_, node))) => (text(name, node, out), Source::From),
        (Some(_), Some(_)) => {
            let message = format!("{name} has both `value` and `valueFrom`");
            out.error(line, "shape", message, "Keep the one that is meant.");
            (None, Source::Value)
        }
        (None, None) => {
            let message = format!("{name} has neither `value` nor `valueFrom`");
            out.error(line, "shape", message, SHAPE_FIX);
            (None, Source::Value)
        }
    };
    text.map_or(Source::Broken, wrap)
}

fn text<'t>(name: &str, node: &'t Node, out: &mut Findings) -> Option<&'t str> {
    if !node.is_text() {
        let message = format!("the value of {name} is no text to YAML");
        let fix = "Put it in quotes: a variable is a text, also when it looks like a number.";
        out.error(node.line, "unquoted", message, fix);
    }
    // What it is meant to be can be told all the same.
    node.text()
}

/// The entries of a map whose keys are texts, each with the line of its key; the first one counts.
fn entries<'t>(map: &'t Node, out: &mut Findings) -> BTreeMap<&'t str, Entry<'t>> {
    let mut found = BTreeMap::new();
    let Shape::Map(entries) = &map.shape else { return found };
    for (key, value) in entries {
        let Some(text) = key.text() else {
            out.error(key.line, "shape", "this key is no text".into(), SHAPE_FIX);
            continue;
        };
        if let Some((first, _)) = found.get(text) {
            let message = format!("`{text}` is here again, after line {first}");
            out.error(key.line, "duplicate", message, "Keep the one that is meant.");
        } else {
            found.insert(text, (key.line, &**value));
        }
    }
    found
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The value of a variable in a text, as a reader of YAML has it.
#[cfg(test)]
pub(super) fn value_of(text: &str, name: &str) -> Option<String> {
    let root = super::tree::read(text).ok()??;
    let mut out = Findings::default();
    let list = list(&root, &mut out);
    let found = list.variables.iter().find(|variable| variable.name == name)?;
    match found.source {
        Source::Value(value) => Some(value.to_owned()),
        Source::From(_) | Source::Broken => None,
    }
}
