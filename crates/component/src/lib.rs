//! The WIT component: `lakegate-core` behind `lakegate:connect`.
//!
//! Nothing is decided here. `edge` turns what the core asks into imports, `exports` and
//! `diagnosis` turn exports into calls of the core and its answers into the shapes of `wit/`.

mod bindings;
mod diagnosis;
mod edge;
mod exports;

use std::cell::OnceCell;
use std::rc::Rc;

use lakegate_core::flow::connector::Connector;

use crate::edge::Imports;

/// The exports.
struct Component;

/// The state of this instance, made at the first call. Making it touches nothing.
fn instance() -> Rc<Connector<Imports>> {
    thread_local! {
        static CONNECTOR: OnceCell<Rc<Connector<Imports>>> = const { OnceCell::new() };
    }
    CONNECTOR.with(|cell| Rc::clone(cell.get_or_init(|| Rc::new(Connector::new(Imports)))))
}

/// The state of this instance, for a call that may wait.
async fn connector() -> Rc<Connector<Imports>> {
    instance()
}

/// The state of this instance, for a call that may not.
fn started() -> Option<Rc<Connector<Imports>>> {
    Some(instance())
}
