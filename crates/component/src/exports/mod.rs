//! The exports of `wit/`, for every guest that has them.
//!
//! Two have: this component, and the function in `crates/spin`, which compiles this very folder with
//! bindings of its own. So it speaks of nothing but `crate::bindings` and what stands at the root
//! of both: `Component`, which exports, `connector`, which is the state of the instance, and
//! `started`, the same for whoever cannot wait, if there is any yet. Nor does it speak of the standard
//! library, which this component does without.

mod bootstrap;
mod problems;
mod tokens;
