//! TLS with applications.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use lakegate_proxy::{Options, Proxy, StartError};
use rcgen::{CertifiedKey, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned};

use super::knock::{Knock, packet, ssl, startup};
use super::{House, IN, options, password, start};

/// A certificate for `localhost`, on both sides.
pub(crate) struct Tls {
    pub(crate) certificate: CertificateDer<'static>,
    key: KeyPair,
}

pub(crate) type TlsKnock = Knock<StreamOwned<ClientConnection, TcpStream>>;

impl Tls {
    pub(crate) fn new() -> Self {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self { certificate: cert.der().clone(), key: signing_key }
    }

    pub(crate) fn server(&self) -> Option<Arc<ServerConfig>> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], key)
            .unwrap();
        Some(Arc::new(config))
    }

    /// Goes on with TLS, naming these protocols.
    pub(crate) fn over(&self, knock: Knock<TcpStream>, alpn: &[&str]) -> TlsKnock {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = "localhost".try_into().unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        Knock(StreamOwned::new(connection, knock.0))
    }

    /// Asks for TLS, and goes on with it.
    pub(crate) fn asked(&self, proxy: &Proxy) -> TlsKnock {
        let mut knock = Knock::at(proxy);
        assert_eq!(knock.say(&ssl()).byte(), b'S');
        self.over(knock, &[])
    }
}

#[test]
fn tls_is_there_for_who_asks() {
    let tls = Tls::new();
    let proxy = start(|options| options.tuning.app_tls = tls.server());
    assert_eq!(tls.asked(&proxy).say(&startup()).code(), IN);
    assert_eq!(Knock::at(&proxy).say(&startup()).code(), IN, "on loopback nobody needs it");
}

/// Drivers take an end that TLS did not announce for a failure, of a request to cancel too.
#[test]
fn tls_ends_as_it_should() {
    let tls = Tls::new();
    let proxy = start(|options| options.tuning.app_tls = tls.server());
    tls.asked(&proxy).say(&packet(1234, 5678, &[7; 8])).ends();
    let mut refused = tls.asked(&proxy);
    assert_eq!(refused.say(&packet(4, 0, b"")).code(), "0A000");
    refused.ends();
    let mut inside = tls.asked(&proxy);
    assert_eq!(inside.say(&startup()).code(), IN);
    inside.ends();
}

#[test]
fn inside_of_tls_there_is_no_other() {
    let tls = Tls::new();
    let proxy = start(|options| options.tuning.app_tls = tls.server());
    assert_eq!(tls.asked(&proxy).say(&ssl()).code(), "08P01");
    let direct = Knock::at(&proxy);
    assert_eq!(tls.over(direct, &["postgresql"]).say(&ssl()).code(), "08P01");
}

#[test]
fn direct_tls_must_name_the_protocol() {
    let tls = Tls::new();
    let proxy = start(|options| options.tuning.app_tls = tls.server());
    let at = || Knock::at(&proxy);
    assert_eq!(tls.over(at(), &["postgresql"]).say(&startup()).code(), IN);
    assert_eq!(tls.over(at(), &["h2", "postgresql"]).say(&startup()).code(), IN);
    assert_eq!(tls.over(at(), &[]).say(&startup()).code(), "08P01");
    let mut of_another = tls.over(at(), &["h2"]).0;
    let error = of_another.write_all(&startup()).unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
}

#[test]
fn direct_tls_without_tls_ends() {
    let proxy = start(|_| ());
    let mut knock = Knock::at(&proxy);
    knock.say(b"\x16\x03\x01\0\x05").0.shutdown(std::net::Shutdown::Write).unwrap();
    let mut heard = Vec::new();
    // A reset says the same: bytes of it were never read.
    drop(knock.0.read_to_end(&mut heard));
    assert!(heard.is_empty());
}

#[test]
fn plaintext_hidden_before_the_handshake_is_an_attack() {
    let tls = Tls::new();
    let proxy = start(|options| options.tuning.app_tls = tls.server());
    let mut knock = Knock::at(&proxy);
    assert_eq!(knock.say(&[ssl(), startup()].concat()).code(), "08P01");
    knock.ends();
}

#[test]
fn other_machines_need_tls_and_a_password() {
    #[track_caller]
    fn check(change: impl FnOnce(&mut Options), missing: Option<&str>) {
        let mut options = options();
        options.listen = vec![SocketAddr::from(([0, 0, 0, 0], 0))];
        change(&mut options);
        let started = Proxy::start(options, Arc::new(House::Empty), Default::default());
        match (started.err(), missing) {
            (None, None) => {}
            (Some(StartError::Unguarded { missing, .. }), Some(expected)) => {
                assert_eq!(missing, expected);
            }
            (error, _) => panic!("{error:?}"),
        }
    }
    let tls = Tls::new();
    check(|_| (), Some("a password and TLS are"));
    check(|options| options.tuning.app_tls = tls.server(), Some("a password is"));
    check(|options| options.tuning.password = password("secret"), Some("TLS is"));
    check(
        |options| {
            options.tuning.app_tls = tls.server();
            options.tuning.password = password("");
        },
        Some("a password is"),
    );
    check(
        |options| {
            options.tuning.app_tls = tls.server();
            options.tuning.password = password("secret");
        },
        None,
    );
    check(|options| options.listen = vec!["[::ffff:127.0.0.1]:0".parse().unwrap()], None);
}

#[test]
fn beyond_loopback_nobody_talks_in_plaintext() {
    let tls = Tls::new();
    let proxy = start(|options| {
        options.listen = vec![SocketAddr::from(([0, 0, 0, 0], 0))];
        options.tuning.app_tls = tls.server();
        options.tuning.password = password("secret");
    });
    assert_eq!(Knock::at(&proxy).say(&startup()).code(), "28000");
    let asked = tls.asked(&proxy).say(&startup()).hear();
    assert_eq!((asked.tag, &asked.body[..4]), (b'R', &[0, 0, 0, 10][..]));
    let open = options().tuning;
    assert!(matches!(proxy.retune(&open), Err(StartError::Unguarded { .. })));
    assert_eq!(Knock::at(&proxy).say(&startup()).code(), "28000", "nothing has changed");
}

#[test]
fn a_new_certificate_is_for_the_next_handshake() {
    let (old, new) = (Tls::new(), Tls::new());
    let proxy = start(|options| options.tuning.app_tls = old.server());
    let mut before = old.asked(&proxy);
    before.0.conn.complete_io(&mut before.0.sock).unwrap();
    let mut tuning = options().tuning;
    tuning.app_tls = new.server();
    proxy.retune(&tuning).unwrap();
    assert_eq!(before.say(&startup()).code(), IN);
    assert_eq!(new.asked(&proxy).say(&startup()).code(), IN);
}
