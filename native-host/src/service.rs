//! What every command that stays has in common: signals, its certificate, files that change, and
//! the service manager.

pub(crate) mod certificate;
pub(crate) mod ending;
pub(crate) mod manager;
pub(crate) mod signals;
pub(crate) mod stamp;
