//! The WIT component: `lakegate-core` behind `lakegate:connect`.
//!
//! Nothing is decided here. `edge` turns what the core asks into imports, `exports` and
//! `diagnosis` turn exports into calls of the core and its answers into the shapes of `wit/`.
//!
//! It does without the standard library, which would bring along the texts of all panics and what
//! formats them: a fifteenth of the component, for nobody to read. `bare` stands in for it.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

#[cfg(target_family = "wasm")]
mod bare;
mod bindings;
mod diagnosis;
mod edge;
mod exports;
mod single;

use alloc::rc::Rc;
use core::cell::OnceCell;

use lakegate_core::flow::connector::Connector;

use crate::edge::Imports;
use crate::single::Single;

/// The exports.
struct Component;

/// The state of this instance, made at the first call. Making it touches nothing.
fn instance() -> Rc<Connector<Imports>> {
    static CONNECTOR: Single<OnceCell<Rc<Connector<Imports>>>> = Single::new(OnceCell::new());
    Rc::clone(CONNECTOR.get().get_or_init(|| Rc::new(Connector::new(Imports))))
}

/// The state of this instance, for a call that may wait.
async fn connector() -> Rc<Connector<Imports>> {
    instance()
}

/// The state of this instance, for a call that may not.
fn started() -> Option<Rc<Connector<Imports>>> {
    Some(instance())
}
