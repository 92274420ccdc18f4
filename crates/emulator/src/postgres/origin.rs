//! Which server: one of our own, or one that runs already.

use std::path::PathBuf;

use anyhow::Context as _;

use super::account::Account;
use super::address::Address;
use super::binaries::{Binaries, Choice};
use super::foreign;
use super::server::Server;
use crate::world::Credential;

/// Where Postgres comes from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// It is started, and ends with the emulator.
    Own(Choice),
    /// It runs already, and goes on running: its superuser's URL.
    Running(Credential),
}

/// All that can be known before there is a folder for the run.
pub(crate) enum Found {
    Binaries(Binaries),
    Running(Box<Address>),
}

/// A server that answers.
pub(crate) struct Opened {
    pub(crate) address: Address,
    /// The major version, as people name it: `17`.
    pub(crate) major: String,
    /// If it is our own.
    pub(crate) server: Option<Server>,
}

impl Origin {
    /// Finds, or fetches, the programs of a server of our own.
    ///
    /// # Errors
    /// When there are none, and for a URL that is none.
    pub(crate) async fn find(self, account: Account) -> anyhow::Result<Found> {
        let choice = match self {
            Self::Running(url) => {
                let address = Address::parse(url.expose())?;
                return Ok(Found::Running(Box::new(address)));
            }
            Self::Own(choice) => choice,
        };
        let binaries = tokio::task::spawn_blocking(move || Binaries::get(&choice, account));
        Ok(Found::Binaries(binaries.await.context("looking for postgres")??))
    }
}

impl Found {
    /// Starts the server in `folder`, or makes a Lakebase of the one that runs.
    ///
    /// # Errors
    /// When it does not start, or is not fit.
    pub(crate) async fn open(
        self,
        account: Account,
        folder: PathBuf,
        keep: bool,
    ) -> anyhow::Result<Opened> {
        match self {
            Self::Binaries(binaries) => {
                let server = Server::start(binaries, account, folder, keep).await;
                let server = server.context("starting postgres")?;
                let address = Address::of_socket(&server.socket_folder());
                let major = server.major().to_owned();
                Ok(Opened { address, major, server: Some(server) })
            }
            Self::Running(address) => {
                let major = foreign::furnish(&address).await;
                let major = major.context("using the postgres that runs already")?;
                Ok(Opened { address: *address, major, server: None })
            }
        }
    }
}
