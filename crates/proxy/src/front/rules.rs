//! Who is let in, and how.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;

use super::scram::Verifier;
use super::tls;
use crate::options::Tuning;
use crate::proxy::StartError;

/// Who is let in, and how; replaced as a whole when the settings change.
pub(crate) struct Rules {
    /// Applications at a time.
    pub(super) max_clients: usize,
    /// What proves the password, if one is asked for.
    pub(super) verifier: Option<Verifier>,
    /// TLS, if it is offered.
    pub(super) tls: Option<Arc<ServerConfig>>,
}

impl Rules {
    /// The rules of `tuning` for a proxy at these addresses. An empty password is none.
    ///
    /// # Errors
    ///
    /// An address is not on loopback, and there is no TLS or no password.
    pub(crate) fn new(tuning: &Tuning, addresses: &[SocketAddr]) -> Result<Self, StartError> {
        let password = tuning.password.as_ref().filter(|password| !password.is_empty());
        let missing = match (password, &tuning.app_tls) {
            (None, None) => "a password and TLS are",
            (None, Some(_)) => "a password is",
            (Some(_), None) => "TLS is",
            (Some(_), Some(_)) => "",
        };
        match addresses.iter().find(|address| is_beyond(address)) {
            Some(&address) if !missing.is_empty() => {
                return Err(StartError::Unguarded { address, missing });
            }
            _ => {}
        }
        Ok(Self {
            max_clients: tuning.max_clients,
            verifier: password.map(|password| Verifier::new(password)),
            tls: tuning.app_tls.as_deref().map(tls::of_postgres),
        })
    }
}

/// Whether other machines can reach this address.
pub(super) fn is_beyond(address: &SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}
