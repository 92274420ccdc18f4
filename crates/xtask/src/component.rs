//! From what a linker makes to what a host loads: a component, perhaps of several, and machine code
//! of it.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context as _;
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, PackageId, plug};
use wasmtime::Engine;
use wit_component::ComponentEncoder;

use crate::engine;

/// Makes a component of a core module that carries its world, as `wit-bindgen` leaves it.
///
/// # Errors
///
/// If the module imports or exports what its world does not say.
pub(crate) fn encode(module: &[u8]) -> anyhow::Result<Vec<u8>> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .context("reading the core module's world")?
        .encode()
        .context("encoding the component")
}

/// Composes two components to one, in which the first imports what the second exports. The result
/// exports what the first one does.
///
/// # Errors
///
/// If the first imports nothing that the second exports.
pub(crate) fn compose(application: &[u8], dependency: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let application = register(&mut graph, "application", application)?;
    let dependency = register(&mut graph, "dependency", dependency)?;
    plug(&mut graph, vec![dependency], application).context("composing the components")?;
    graph.encode(EncodeOptions::default()).context("encoding the composed component")
}

fn register(
    graph: &mut CompositionGraph,
    name: &str,
    component: &[u8],
) -> anyhow::Result<PackageId> {
    let package = Package::from_bytes(name, None, component, graph.types_mut())
        .with_context(|| format!("reading the {name}"))?;
    Ok(graph.register_package(package)?)
}

/// Compiles a component for every machine of this platform (see [`engine::TARGET`]).
pub(crate) fn precompile(component: &[u8]) -> anyhow::Result<Vec<u8>> {
    Engine::new(&engine::config()?)
        .and_then(|engine| engine.precompile_component(component))
        .map_err(|error| anyhow::anyhow!("compiling the component: {error:#}"))
}

/// Writes the file unless it has this content: an untouched time stamp keeps what embeds it fresh.
pub(crate) fn write_if_changed(path: &Path, content: &[u8]) -> io::Result<bool> {
    if fs::read(path).is_ok_and(|there| there == content) {
        return Ok(false);
    }
    fs::create_dir_all(path.parent().expect("a file lies in a folder"))?;
    fs::write(path, content)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module without a world: nothing imported, nothing exported.
    const EMPTY: &[u8] = b"\0asm\x01\0\0\0";

    #[test]
    fn a_module_becomes_loadable_code() {
        let component = encode(EMPTY).unwrap();
        let code = precompile(&component).unwrap();
        assert_eq!(
            Engine::detect_precompiled(&code),
            Some(wasmtime::Precompiled::Component),
            "the host only loads what wasmtime knows as its own"
        );
        assert_eq!(code, precompile(&component).unwrap(), "the same input gives the same code");
    }

    /// Exports a number.
    const NUMBERS: &str = r#"(component
        (core module $m (func (export "seven") (result i32) i32.const 7))
        (core instance $i (instantiate $m))
        (func $seven (result u32) (canon lift (core func $i "seven")))
        (instance $numbers (export "seven" (func $seven)))
        (export "demo:numbers/small" (instance $numbers)))"#;

    /// Exports the number that it imports.
    const AGAIN: &str = r#"(component
        (import "demo:numbers/small" (instance $numbers (export "seven" (func (result u32)))))
        (export "again" (func $numbers "seven")))"#;

    #[test]
    fn a_composed_component_imports_less_and_exports_the_same() {
        let [again, numbers] = [AGAIN, NUMBERS].map(|text| wat::parse_str(text).unwrap());
        let composed = compose(&again, &numbers).unwrap();
        let engine = Engine::new(&engine::config().unwrap()).unwrap();
        let shape = wasmtime::component::Component::new(&engine, composed).unwrap();
        let shape = shape.component_type();
        let exports: Vec<_> = shape.exports(&engine).map(|(name, _)| name.to_owned()).collect();
        assert_eq!((shape.imports(&engine).count(), exports), (0, vec!["again".to_owned()]));
    }

    #[test]
    fn components_that_do_not_fit_are_not_composed() {
        let numbers = wat::parse_str(NUMBERS).unwrap();
        let error = compose(&numbers, &numbers).unwrap_err();
        assert_eq!(error.to_string(), "composing the components");
    }

    #[test]
    fn what_is_no_module_is_refused() {
        let error = encode(b"no module").unwrap_err();
        assert_eq!(error.to_string(), "reading the core module's world");
    }

    #[test]
    fn an_equal_file_is_left_alone() {
        let folder = std::env::temp_dir().join(format!("xtask-write-{}", std::process::id()));
        let path = folder.join("below/file");
        let written =
            ["one", "one", "two"].map(|text| write_if_changed(&path, text.as_bytes()).unwrap());
        assert_eq!(
            (written, fs::read_to_string(&path).unwrap().as_str()),
            ([true, false, true], "two")
        );
        fs::remove_dir_all(folder).unwrap();
    }
}
