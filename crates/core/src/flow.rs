//! The sequences, written once for every edge.

pub mod admin;
pub mod bootstrap;
pub mod connector;
pub mod credential;
mod database;
pub mod doctor;
pub mod gate;
pub mod kept;
pub mod mint;
pub mod preparation;
mod workspace;

#[cfg(test)]
mod fake;
