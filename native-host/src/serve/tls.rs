//! The server's certificate and key, read again when their files change.
//!
//! Certificates are renewed while a server runs, and in Kubernetes a mounted secret changes in
//! place. The files are looked at when a client comes, at most every few seconds: a server at
//! rest does nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

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

/// Both files, in PEM.
pub(crate) struct Files {
    /// The chain, the server's own certificate first.
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Tells whether a file is another one than before.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Tls {
    /// Reads both files.
    ///
    /// # Errors
    ///
    /// A file cannot be read, holds something else, or the key is not the certificate's.
    pub(crate) fn load(files: Files) -> anyhow::Result<Self> {
        let seen = files.stamp();
        let config = files.read()?;
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
        match self.files.read() {
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

impl Files {
    fn stamp(&self) -> Stamp {
        [&self.certificate, &self.key].map(|path| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.modified().ok()?, found.len()))
        })
    }

    fn read(&self) -> anyhow::Result<Arc<ServerConfig>> {
        let chain = chain(&self.certificate)
            .with_context(|| format!("the certificate in {}", self.certificate.display()))?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .with_context(|| format!("the key in {}", self.key.display()))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("setting up TLS")?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .with_context(|| {
                let (certificate, key) = (self.certificate.display(), self.key.display());
                format!("the certificate in {certificate} with the key in {key}")
            })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

fn chain(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let chain = CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>()?;
    if chain.is_empty() {
        bail!("the file holds no certificate in PEM");
    }
    Ok(chain)
}
