//! Whom to trust.

use std::sync::Arc;

use anyhow::Context;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// TLS 1.2 or newer with the certificates that this machine trusts: see [`roots`] and [`trusting`].
///
/// # Errors
///
/// This machine trusts no certificate.
pub fn client_config() -> anyhow::Result<Arc<ClientConfig>> {
    trusting(roots()?)
}

/// The certificates that this machine trusts, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
///
/// # Errors
///
/// There is none.
pub fn roots() -> anyhow::Result<RootCertStore> {
    roots_and(Vec::new())
}

/// These certificates beside those of [`roots`].
///
/// # Errors
///
/// One of these is none, or there is none at all.
pub fn roots_and(own: Vec<CertificateDer<'static>>) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in own {
        roots.add(certificate)?;
    }
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let reason = found.errors.first().map(|e| format!(": {e}")).unwrap_or_default();
        anyhow::bail!(
            "no trusted certificate was found{reason}; install ca-certificates, or name a PEM file \
             in SSL_CERT_FILE"
        );
    }
    Ok(roots)
}

/// The certificates of a PEM text: one at least.
///
/// # Errors
///
/// There is none in it, or it is no PEM, or one cannot be an authority.
pub fn authorities(pem: &str) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>()?;
    anyhow::ensure!(!found.is_empty(), "no certificate in it");
    let mut roots = RootCertStore::empty();
    found.iter().try_for_each(|certificate| roots.add(certificate.clone()))?;
    Ok(found)
}

/// TLS 1.2 or newer with these certificates. Certificate and name are always verified; there is no
/// way to switch it off.
///
/// # Errors
///
/// The provider of cryptography has no version of TLS in common with this library.
pub fn trusting(roots: RootCertStore) -> anyhow::Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("setting up TLS")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
