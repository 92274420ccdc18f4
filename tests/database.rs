//! The database as an application sees it: over verified TLS, with a credential.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::House;

/// What `lakegate token --json` gives.
pub struct Credential(pub Value);

impl Credential {
    /// The password.
    pub fn token(&self) -> &str {
        self.0["token"].as_str().unwrap()
    }

    /// The role.
    pub fn user(&self) -> &str {
        self.0["user"].as_str().unwrap()
    }

    /// When Lakebase issued it, in seconds since 1970: the token's own word, not Lakegate's.
    pub fn issued_at(&self) -> i64 {
        let claims = self.token().split('.').nth(1).unwrap();
        let claims: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        claims["iat"].as_i64().unwrap()
    }

    /// Which token it is, from 1.
    pub fn generation(&self) -> u64 {
        self.0["generation"].as_u64().unwrap()
    }
}

impl House {
    /// A credential of the application.
    pub async fn credential(&self) -> Credential {
        Credential(self.lakegate(["token", "--json"]).run().await.exits(0).json())
    }

    /// Logs in to the application's database.
    pub async fn login(&self, credential: &Credential) -> Result<Client, Error> {
        self.login_to(self.env("POSTGRES_DB"), credential).await
    }

    /// Logs in to any database, over verified TLS.
    pub async fn login_to(&self, database: &str, credential: &Credential) -> Result<Client, Error> {
        let mut config = self.server();
        config.user(credential.user()).password(credential.token()).dbname(database);
        let tls = MakeRustlsConnect::new(self.tls.clone());
        let (client, connection) = config.ssl_mode(SslMode::Require).connect(tls).await?;
        // It ends with the client.
        tokio::spawn(connection);
        Ok(client)
    }

    /// A session of the administrator in any database.
    pub async fn admin_session(&self, database: &str) -> Client {
        let run = self.admin(["token", "--json"]).run().await.exits(0);
        self.login_to(database, &Credential(run.json())).await.unwrap()
    }

    /// TLS that trusts this house's authority alone.
    pub fn tls(&self) -> ClientConfig {
        self.tls.clone()
    }

    /// The server alone: no user, no TLS.
    pub fn server(&self) -> Config {
        let mut config = Config::new();
        config.host(self.env("POSTGRES_HOST")).port(self.env("POSTGRES_PORT").parse().unwrap());
        config
    }
}

/// The SQLSTATE and the words of a refusal.
///
/// # Panics
/// When the server did not refuse anything, but the connection failed.
#[track_caller]
pub fn refusal(error: &Error) -> (&str, &str) {
    let refusal = error.as_db_error().unwrap_or_else(|| panic!("no refusal: {error:?}"));
    (refusal.code().code(), refusal.message())
}

/// TLS that trusts the emulator's authority alone.
pub(crate) fn tls(authority: &str) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    builder.with_root_certificates(roots).with_no_client_auth()
}
