//! The component's settings, and the secrets beside them.

use lakegate_edges::secrets as files;
use lakegate_edges::settings as native;

use super::Host;
use crate::bindings::lakegate::connect::secrets::{self, ReadError};
use crate::bindings::lakegate::connect::settings::{self, Origin};

impl settings::Host for Host {
    fn get(&mut self, origin: Origin, name: String) -> Option<String> {
        self.edges.settings.get(origin.into(), &name)
    }
}

impl secrets::Host for Host {
    fn get(&mut self, name: String) -> Option<String> {
        self.edges.settings.get(native::Origin::Environment, &name)
    }

    fn read(&mut self, path: String) -> Result<String, ReadError> {
        // It may run a program. Other work of this thread goes on meanwhile.
        Ok(tokio::task::block_in_place(|| self.edges.settings.read(&path))?)
    }
}

impl From<Origin> for native::Origin {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Flag => Self::Flag,
            Origin::Environment => Self::Environment,
            Origin::File => Self::File,
        }
    }
}

impl From<files::ReadError> for ReadError {
    fn from(error: files::ReadError) -> Self {
        match error {
            files::ReadError::Missing => Self::Missing,
            files::ReadError::Forbidden(detail) => Self::Forbidden(detail),
            files::ReadError::Other(detail) => Self::Other(detail),
        }
    }
}
