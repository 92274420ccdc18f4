//! The sequences, written once for every edge.

pub mod admin;
pub mod bootstrap;
pub mod gate;
pub mod mint;
