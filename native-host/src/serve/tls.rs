//! TLS of the front: the server's certificate and key, read again when their files change.
//!
//! Certificates are renewed while a server runs, and in Kubernetes a mounted secret changes in
//! place. The files are looked at when a client comes, at most every few seconds: a server at
//! rest does nothing.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::service::certificate::Files;
use crate::service::stamp::Stamp;

/// What a client may choose from.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// TLS as the files say.
pub(crate) struct Tls {
    files: Files,
    seen: Stamp,
    looked: Instant,
    /// How long what was seen is good for.
    pub(super) look_every: Duration,
    config: Arc<ServerConfig>,
}

impl Tls {
    /// Reads both files.
    ///
    /// # Errors
    ///
    /// A file cannot be read, holds something else, or the key is not the certificate's.
    pub(crate) fn load(files: Files) -> anyhow::Result<Self> {
        let seen = files.stamp();
        let config = files.read(&PROTOCOLS)?;
        Ok(Self { files, seen, looked: Instant::now(), look_every: LOOK_EVERY, config })
    }

    /// What the next handshake is made with.
    pub(crate) fn acceptor(&mut self) -> TlsAcceptor {
        if self.look_every <= self.looked.elapsed() {
            self.looked = Instant::now();
            if self.files.stamp() != self.seen {
                self.reload();
            }
        }
        TlsAcceptor::from(Arc::clone(&self.config))
    }

    /// Reads both files again. What cannot be used is told, and changes nothing: the two may just
    /// be being replaced, one after the other.
    pub(crate) fn reload(&mut self) {
        // Before they are read: a change in between is seen at the next look.
        self.seen = self.files.stamp();
        match self.files.read(&PROTOCOLS) {
            Ok(config) => {
                self.config = config;
                tracing::info!("the certificate was read again");
            }
            Err(error) => {
                tracing::warn!("the new certificate is not used, the old one stays: {error:#}");
            }
        }
    }
}
