//! The certificate of all servers of a benchmark, and the one it is verified with.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::process::Account;

/// An authority that lasts as long as a benchmark, and what it has certified.
pub(super) struct Authority {
    /// This machine's own name, which is not `localhost`: there Lakegate may go without TLS.
    pub(super) host: String,
    /// The authority, in PEM.
    root: String,
    /// A server's certificate for [`host`](Self::host) and `localhost`, in PEM.
    certificate: String,
    /// Its private key, in PEM.
    key: String,
}

impl Authority {
    /// Certifies this machine.
    pub(super) fn new() -> anyhow::Result<Self> {
        const NAME: &str = "/proc/sys/kernel/hostname";
        let host = fs::read_to_string(NAME)
            .with_context(|| format!("reading {NAME}; this benchmark is for Linux"))?;
        let host = host.trim_end().to_owned();
        let root_key = KeyPair::generate()?;
        let mut root = CertificateParams::new([])?;
        root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let root_pem = root.self_signed(&root_key)?.pem();
        let key = KeyPair::generate()?;
        let mut server = CertificateParams::new([host.clone(), "localhost".to_owned()])?;
        // With the authority's name it would pass for its own authority.
        server.distinguished_name.push(DnType::CommonName, &host);
        let certificate = server.signed_by(&key, &Issuer::new(root, root_key))?.pem();
        Ok(Self { host, root: root_pem, certificate, key: key.serialize_pem() })
    }

    /// Writes `root.pem`, `server.pem` and `server.key` into a folder, for `account`.
    pub(super) fn write(&self, folder: &Path, account: Account) -> anyhow::Result<()> {
        let files = [
            ("root.pem", &self.root),
            ("server.pem", &self.certificate),
            ("server.key", &self.key),
        ];
        for (name, text) in files {
            let path = folder.join(name);
            let file = File::options().create_new(true).write(true).mode(0o600).open(&path);
            file.and_then(|mut file| file.write_all(text.as_bytes()))
                .with_context(|| format!("writing {}", path.display()))?;
            account.own(&path)?;
        }
        Ok(())
    }
}
