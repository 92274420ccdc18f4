//! What each route does: one function each, with the shapes that it takes and gives.

pub(crate) mod admin;
pub(crate) mod bootstrap;
mod mounted;
pub(crate) mod open;
mod shapes;
pub(crate) mod status;
pub(crate) mod token;
