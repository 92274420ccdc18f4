//! The protocol of Postgres without a socket.

pub(crate) mod answer;
pub(crate) mod carried;
pub(crate) mod frame;
pub(crate) mod outstanding;
pub(crate) mod parameters;
pub(crate) mod pipe;
pub(crate) mod startup;
pub(crate) mod statements;
pub(crate) mod text;
