//! An emulator within the test, and the least that a client of it needs.

use std::sync::Arc;

use clap::Parser as _;
use lakebase_emulator::cli::Cli;
use lakebase_emulator::emulator::{Emulator, Scheme};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::TlsConnector;

pub(crate) const SP: &str = "12345678-1234-4abc-8def-1234567890ab";
pub(crate) const SECRET: &str = "dose-of-the-tests";
pub(crate) const ADMIN: &str = "admin@example.com";

/// An answer of HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// An emulator of one test.
pub(crate) struct Local {
    pub(crate) emulator: Emulator,
    pub(crate) tls: ClientConfig,
    scheme: Scheme,
}

impl Local {
    pub(crate) async fn start(flags: &[&str]) -> Self {
        let name = ["lakebase-emulator", "--client-id", SP, "--client-secret", SECRET];
        let options = Cli::parse_from(name.iter().chain(flags)).options();
        let scheme = options.scheme;
        let emulator = Emulator::start(options).await.unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(emulator.authority_file()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { emulator, tls, scheme }
    }

    /// Sends one request to the control plane; none means that the connection ended without a word.
    pub(crate) async fn send(&self, request: &str, headers: &str, body: &str) -> Option<Answer> {
        let url = self.emulator.base_url();
        let address = url.split_once("//").unwrap().1;
        let stream = TcpStream::connect(address).await.unwrap();
        if self.scheme == Scheme::Http {
            return exchange(stream, request, headers, body).await;
        }
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(self.tls.clone()));
        exchange(connector.connect(name, stream).await.unwrap(), request, headers, body).await
    }

    /// Calls the API with a bearer token.
    pub(crate) async fn call(&self, token: &str, request: &str, body: &str) -> Answer {
        let bearer = format!("Authorization: Bearer {token}\r\n");
        self.send(request, &bearer, body).await.unwrap()
    }

    /// Tells the admin API something.
    pub(crate) async fn tell(&self, request: &str, body: &str) -> Answer {
        let url = self.emulator.admin_url();
        let stream = TcpStream::connect(url.split_once("//").unwrap().1).await.unwrap();
        let answer = exchange(stream, request, "", body).await.unwrap();
        assert!((200..300).contains(&answer.status), "{answer:?}");
        answer
    }

    /// A workspace token of the service principal.
    pub(crate) async fn workspace_token(&self) -> String {
        let form = format!(
            "grant_type=client_credentials&scope=all-apis&client_id={SP}&client_secret={SECRET}"
        );
        let answer = self.send("POST /oidc/v1/token", "", &form).await.unwrap();
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// A database credential for whoever has this workspace token.
    pub(crate) async fn credential(&self, token: &str) -> String {
        let wish = r#"{"request_id":"1","instance_names":["lakegate-demo"]}"#;
        let answer = self.call(token, "POST /api/2.0/database/credentials", wish).await;
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// A database credential of the service principal.
    pub(crate) async fn app_credential(&self) -> String {
        self.credential(&self.workspace_token().await).await
    }

    /// A session of the administrator.
    pub(crate) async fn admin_session(&self, database: &str) -> Client {
        let token = {
            let world = self.emulator.lakebase().world();
            world.principals[ADMIN].access_token.as_ref().unwrap().expose().to_owned()
        };
        let password = self.credential(&token).await;
        self.login(ADMIN, &password, database).await.unwrap()
    }

    /// Logs in over verified TLS.
    pub(crate) async fn login(
        &self,
        user: &str,
        password: &str,
        database: &str,
    ) -> Result<Client, tokio_postgres::Error> {
        let mut config = self.config(user, password, database);
        config.ssl_mode(SslMode::Require);
        let (client, connection) = config.connect(MakeRustlsConnect::new(self.tls.clone())).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Logs in without TLS, which must fail.
    pub(crate) async fn login_in_clear(&self, user: &str) -> tokio_postgres::Error {
        self.config(user, "x", "postgres").connect(NoTls).await.err().unwrap()
    }

    fn config(&self, user: &str, password: &str, database: &str) -> Config {
        let mut config = Config::new();
        config.host("localhost").port(self.emulator.gate().port());
        config.user(user).password(password).dbname(database);
        config
    }
}

/// The SQLSTATE and the words of a refusal.
pub(crate) fn refusal(error: &tokio_postgres::Error) -> (String, String) {
    let refusal = error.as_db_error().unwrap_or_else(|| panic!("no refusal: {error:?}"));
    (refusal.code().code().to_owned(), refusal.message().to_owned())
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
    headers: &str,
    body: &str,
) -> Option<Answer> {
    let len = body.len();
    let request = format!(
        "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len}\r\n\
         {headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // Without TLS's own goodbye this is an error, and what came before it counts all the same.
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let (status, headers) = head.split_once("\r\n").unwrap();
    let status = status.split(' ').nth(1).unwrap().parse().unwrap();
    Some(Answer { status, headers: headers.to_owned(), body: body.to_owned() })
}
