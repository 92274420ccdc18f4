//! A server's certificate and its key, from files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::stamp::Stamp;

/// Both files, in PEM.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Files {
    /// The chain, the server's own certificate first.
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Files {
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp::of([&*self.certificate, &*self.key])
    }

    /// TLS with what is in the files, for clients that speak one of these protocols.
    ///
    /// # Errors
    ///
    /// A file cannot be read, holds something else, or the key is not the certificate's.
    pub(crate) fn read(&self, protocols: &[&[u8]]) -> anyhow::Result<Arc<ServerConfig>> {
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
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
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
