//! The emulator's own certificate authority, made once per run, and the servers it speaks for.

use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};

/// A certificate or a TLS configuration was not made.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The names or the key do not make a certificate.
    #[error("a certificate could not be made")]
    Make(#[from] rcgen::Error),
    /// The certificate does not make a server.
    #[error("a TLS server could not be configured")]
    Configure(#[from] rustls::Error),
}

/// Which certificate the gate shows: the good one, or a fault.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// The right names, by the authority that clients are told to trust.
    #[default]
    Good,
    /// By that authority, for another host.
    WrongName,
    /// For the right host, by an authority nobody was told of.
    UnknownAuthority,
    /// By that authority, for the right host, but over.
    Expired,
}

/// The certificate authority of one run.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
    names: Vec<String>,
}

impl Authority {
    /// Makes an authority that vouches for loopback and for `dns_name`.
    ///
    /// # Errors
    /// When `dns_name` is no DNS name.
    pub fn new(dns_name: &str) -> Result<Self, CertificateError> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "lakebase-emulator authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let mut names: Vec<String> =
            ["localhost", "127.0.0.1", "*.database.localhost"].map(str::to_owned).into();
        if !names.iter().any(|name| name == dns_name) {
            names.push(dns_name.to_owned());
        }
        Ok(Self {
            pem: certificate.pem(),
            certificate: certificate.der().clone(),
            issuer: Issuer::new(params, key),
            names,
        })
    }

    /// The certificate that clients must trust, in PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A TLS server that offers `protocol` by ALPN and shows `shown`.
    ///
    /// # Errors
    /// See [`CertificateError`].
    pub fn server(
        &self,
        protocol: &[u8],
        shown: Shown,
    ) -> Result<Arc<ServerConfig>, CertificateError> {
        let stranger;
        let authority = match shown {
            Shown::UnknownAuthority => {
                stranger = Self::new("localhost")?;
                &stranger
            }
            _ => self,
        };
        let names = match shown {
            Shown::WrongName => vec!["another-host.example.com".to_owned()],
            _ => self.names.clone(),
        };
        let key = KeyPair::generate()?;
        let leaf = leaf(names, shown == Shown::Expired)?.signed_by(&key, &authority.issuer)?;
        let chain = vec![leaf.der().clone(), authority.certificate.clone()];
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key.into())?;
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(Arc::new(config))
    }
}

/// A server's certificate. It lasts until February of next year: Apple's verifier refuses lives much
/// longer than one. Its dates are of real time, because clients check them by their own clock.
fn leaf(names: Vec<String>, expired: bool) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "lakebase-emulator");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let year = i32::from(Timestamp::now().to_zoned(TimeZone::UTC).year());
    let (from, to) = if expired { (year - 2, year - 1) } else { (year, year + 1) };
    params.not_before = rcgen::date_time_ymd(from, 1, 1);
    params.not_after = rcgen::date_time_ymd(to, if expired { 1 } else { 2 }, 1);
    Ok(params)
}
