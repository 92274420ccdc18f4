//! The proxy as the commands run it: its settings, one for a single program, and reloads.

pub(crate) mod private;
pub(crate) mod settings;
pub(crate) mod watch;
