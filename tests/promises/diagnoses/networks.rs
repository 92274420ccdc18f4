//! The way there: names, ports, certificates, and networks that let nobody through.

use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::*;

/// The workspace lets nobody in who comes from here.
async fn block(house: &House, route: &str, message: &str) {
    let body = json!({ "error_code": "PERMISSION_DENIED", "message": message });
    house.fault(json!({ "route": route, "status": 403, "body": body })).await;
}

#[tokio::test]
async fn a_workspace_that_lets_this_network_not_in() {
    let house = ready(&[]).await;
    let doctor = || house.lakegate(["doctor"]);
    let acl = "Source IP address: 192.0.2.7 is blocked by Databricks IP ACL for workspace: 12";
    block(&house, "POST /oidc/v1/token", acl).await;
    check(&house, doctor, 1, ["workspace-token", "network-blocked"], expect![[r#"
          failed   workspace-token (network-blocked): the workspace token for client `$SP` was denied (403): PERMISSION_DENIED: Source IP address: 192.0.2.7 is blocked by Databricks IP ACL for workspace: 12
                   → Add this machine's outgoing address to the workspace's IP access list.
    "#]]).await;
    house.heal().await;
    let link = "Unauthorized network access to workspace: 12";
    block(&house, "POST /api/2.0/database/credentials", link).await;
    check(&house, doctor, 1, ["credential", "network-blocked"], expect![[r#"
          failed   credential (network-blocked): the credential for instance `lakegate-demo` was denied (403): PERMISSION_DENIED: Unauthorized network access to workspace: 12
                   → Connect from a network with a private link to the workspace, and to its Service-Direct endpoint, which the Lakebase APIs need besides the workspace's own.
    "#]]).await;
}

#[tokio::test]
async fn nobody_listens() {
    let house = ready(&[]).await;
    // The port 1 of this machine is nobody's.
    let workspace = || house.lakegate(["doctor", "--workspace", "https://localhost:1"]);
    check(&house, workspace, 1, ["workspace-tcp", "unreachable"], expect![[r#"
          failed   workspace-tcp (unreachable): localhost:1: nobody listens there: Connection refused (os error 111)
                   → Check DATABRICKS_HOST, and what stands between this machine and localhost: a firewall, a proxy.
          failed   workspace-token (unreachable): the workspace token for client `$SP` got no answer: no connection: Connection refused (os error 111)
                   → It is tried again by itself. If it stays so, check DATABRICKS_HOST, the network and the workspace's status page.
    "#]]).await;
    let database = house.lakegate(["doctor", "--port", "1"]).start();
    database.says("trying again").await;
    house.pass(Duration::from_secs(15));
    let run = database.end().await.exits(1);
    expect![[r#"
          failed   database-tcp (unreachable): localhost:1: nobody listens there: Connection refused (os error 111)
                   → Check POSTGRES_HOST and POSTGRES_PORT, and that the server is started.
          failed   login (unreachable): localhost:1: no connection: Connection refused (os error 111)
                   → Check POSTGRES_HOST and POSTGRES_PORT, that the instance is started, and that this machine may reach it on port 1.
    "#]].assert_eq(&house.told(&unwell(&run)));
}

/// A port of this machine that answers nobody, as if a firewall dropped the packets on the way.
struct Silent {
    port: u16,
    _listener: TcpListener,
    _queue: [TcpStream; 2],
}

impl Silent {
    /// Nobody is ever taken out of its queue, and once that is full Linux drops who else knocks.
    async fn port() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let at = listener.local_addr().unwrap();
        // One more than the limit is let in.
        let queue = [TcpStream::connect(at).await.unwrap(), TcpStream::connect(at).await.unwrap()];
        let start = Instant::now();
        while queued(at.port()) < queue.len() {
            assert!(start.elapsed() < DEADLINE, "the queue does not fill");
        }
        Self { port: at.port(), _listener: listener, _queue: queue }
    }

    /// As [`told_of`], with names for this place.
    fn told(&self, house: &House, text: &str) -> String {
        let port = self.port;
        let text = text.replace(&format!("127.0.0.1:{port}"), "$SILENT");
        told_of(house, &text.replace(&format!("port {port}"), "port $PORT"))
    }
}

/// How many connections wait at a port of this machine until they are accepted.
fn queued(port: u16) -> usize {
    let listens = format!(" 0100007F:{port:04X} 00000000:0000 0A 00000000:");
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    // One may be missed while others come and go.
    let Some((_, queued)) = sockets.split_once(&listens) else { return 0 };
    usize::from_str_radix(&queued[..8], 16).unwrap()
}

#[tokio::test]
async fn packets_that_get_lost() {
    let (house, silent) = (House::open().await, Silent::port().await);
    let (workspace, port) = (format!("https://127.0.0.1:{}", silent.port), silent.port.to_string());
    let doctor = || {
        let doctor = house.lakegate(["doctor", "--workspace", &workspace]);
        doctor.arg("--host").arg("127.0.0.1").arg("--port").arg(&port)
    };
    let told = |text: &str| silent.told(&house, text);
    check_as(told, doctor, 1, ["workspace-tcp", "network-blocked"], expect![[r#"
          failed   workspace-tcp (network-blocked): $SILENT: no answer in 5 s
                   → Something drops packets on the way, a firewall most likely: let this machine connect to 127.0.0.1 on TCP port $PORT.
          failed   workspace-token (unreachable): the workspace token for client `$SP` got no answer: no answer in time
                   → It is tried again by itself. If it stays so, check DATABRICKS_HOST, the network and the workspace's status page.
          failed   database-tcp (network-blocked): $SILENT: no answer in 5 s
                   → Something drops packets on the way, a firewall most likely: let this machine connect to 127.0.0.1 on TCP port $PORT.
    "#]]).await;
}

#[tokio::test]
async fn packets_that_get_lost_on_the_way_to_the_database() {
    let (house, silent) = (ready(&[]).await, Silent::port().await);
    let doctor = house.lakegate(["doctor", "--json", "--port", &silent.port.to_string()]).start();
    let start = Instant::now();
    while house.requests("POST /api/2.0/database/credentials").await == 0 {
        assert!(start.elapsed() < DEADLINE, "no credential is bought");
    }
    // With the first try it is over: nobody sits through a second.
    house.pass(Duration::from_secs(15));
    let run = doctor.end().await.exits(1).json();
    let mut told = String::new();
    for check in run["checks"].as_array().unwrap().iter().filter(|it| it["outcome"] == "failed") {
        let field = |name: &str| check[name].as_str().unwrap();
        let [name, cause, found] = ["name", "cause", "found"].map(field);
        told.push_str(&format!("{name} ({cause}): {found}\n"));
    }
    let told = told.replace(&format!("localhost:{}", silent.port), "$SILENT");
    expect![[r#"
        database-tcp (network-blocked): $SILENT: no answer in 5 s
        login (unreachable): $SILENT: no connection: connection timed out
    "#]]
    .assert_eq(&told);
}

/// How the system says that a name leads nowhere, or that no name server could be asked.
const NOT_RESOLVED: [&str; 3] = [
    "Name or service not known",
    "No address associated with hostname",
    "Temporary failure in name resolution",
];

#[tokio::test]
async fn a_name_that_leads_nowhere() {
    let house = ready(&[]).await;
    let doctor = |arguments: &[&'static str]| {
        let doctor = house.lakegate(["doctor", "--host", "nobody.invalid", "--port", "5432"]);
        // Where no name server answers, that is known after a second.
        let doctor = doctor.env("RES_OPTIONS", "timeout:1 attempts:1");
        arguments.iter().fold(doctor, Program::arg)
    };
    let told = |text: &str| {
        let why = |text: String, why: &&str| text.replace(why, "$WHY");
        NOT_RESOLVED.iter().fold(told_of(&house, text), why)
    };
    let both = || doctor(&["--workspace", "https://nobody.invalid"]);
    check_as(told, both, 1, ["workspace-dns", "unknown-host"], expect![[r#"
          failed   workspace-dns (unknown-host): nobody.invalid:443: the name is not found: failed to lookup address information: $WHY
                   → Check DATABRICKS_HOST and the name server of this machine. A host behind a private link is known to the name servers of its network alone.
          failed   workspace-token (unreachable): the workspace token for client `$SP` got no answer: no connection: failed to lookup address information: $WHY
                   → It is tried again by itself. If it stays so, check DATABRICKS_HOST, the network and the workspace's status page.
          failed   database-dns (unknown-host): nobody.invalid:5432: the name is not found: failed to lookup address information: $WHY
                   → Check POSTGRES_HOST and the name server of this machine. A host behind a private link is known to the name servers of its network alone.
    "#]]).await;
    let database = doctor(&[]).start();
    database.says("trying again").await;
    let run = house.hurry(database).await.exits(1);
    expect![[r#"
          warning  instance (wrong-host): its host is localhost, but POSTGRES_HOST is nobody.invalid
                   → A credential logs in where it was bought for. Unless both names lead to the same server, correct POSTGRES_HOST, or the name of the instance or endpoint.
          failed   database-dns (unknown-host): nobody.invalid:5432: the name is not found: failed to lookup address information: $WHY
                   → Check POSTGRES_HOST and the name server of this machine. A host behind a private link is known to the name servers of its network alone.
          failed   login (unreachable): nobody.invalid:5432: no connection: failed to lookup address information: $WHY
                   → Check POSTGRES_HOST and POSTGRES_PORT, that the instance is started, and that this machine may reach it on port 5432.
    "#]].assert_eq(&told(&unwell(&run)));
}

#[tokio::test]
async fn an_authority_that_is_not_trusted() {
    let (house, other) = (ready(&[]).await, House::open().await);
    let doctor = || house.lakegate(["doctor"]).env("SSL_CERT_FILE", other.env("SSL_CERT_FILE"));
    check(&house, doctor, 1, ["workspace-tls", "untrusted-certificate"], expect![[r#"
          failed   workspace-tls (untrusted-certificate): $WORKSPACE: the certificate is of an authority that this machine does not trust (BadSignature)
                   → If your network's own authority signed it, as an inspecting proxy does, name that authority's PEM file in SSL_CERT_FILE. If not, somebody answers in the place of localhost.
          failed   workspace-token (untrusted-certificate): the workspace token for client `$SP` got no answer: the TLS handshake failed: invalid peer certificate: BadSignature
                   → Nothing was sent. Trust the certificate's issuer (SSL_CERT_FILE) if it is your own proxy's, and let the program talk to DATABRICKS_HOST.
          failed   database-tls (untrusted-certificate): localhost:$PORT: the certificate is of an authority that this machine does not trust (BadSignature)
                   → If your network's own authority signed it, as an inspecting proxy does, name that authority's PEM file in SSL_CERT_FILE. If not, somebody answers in the place of localhost.
    "#]]).await;
}

#[tokio::test]
async fn a_database_that_is_not_trusted() {
    let house = ready(&[]).await;
    let doctor = || house.lakegate(["doctor"]);
    for (fault, cause, expected) in [
        (
            json!({ "no_tls": true }),
            "no-tls",
            expect![[r#"
                  failed   database-tls (no-tls): localhost:$PORT: the server does not do TLS
                           → Lakebase always does TLS, so what listens at localhost:$PORT is something else: check POSTGRES_HOST and POSTGRES_PORT. A Postgres of this machine without TLS is for LOCAL mode (ENV=LOCAL).
                  failed   login (no-tls): localhost:$PORT: the TLS handshake failed: server does not support TLS
                           → No password was sent. Lakebase always does TLS, so what listens at localhost:$PORT is something else: check POSTGRES_HOST and POSTGRES_PORT.
            "#]],
        ),
        (
            json!({ "no_tls": false, "certificate": "unknown_authority" }),
            "untrusted-certificate",
            expect![[r#"
                  failed   database-tls (untrusted-certificate): localhost:$PORT: the certificate is of an authority that this machine does not trust (BadSignature)
                           → If your network's own authority signed it, as an inspecting proxy does, name that authority's PEM file in SSL_CERT_FILE. If not, somebody answers in the place of localhost.
                  failed   login (untrusted-certificate): localhost:$PORT: the TLS handshake failed: invalid peer certificate: BadSignature
                           → No password was sent. Check that localhost is the server you mean; if a private authority signed its certificate, name that authority's file in SSL_CERT_FILE.
            "#]],
        ),
        (
            json!({ "certificate": "wrong_name" }),
            "wrong-certificate-name",
            expect![[r#"
                  failed   database-tls (wrong-certificate-name): localhost:$PORT: the certificate is for another name (certificate not valid for name "localhost"; certificate is only valid for DnsName("another-host.example.com"))
                           → Set POSTGRES_HOST to the name that the certificate is for, if that is the server.
                  failed   login (untrusted-certificate): localhost:$PORT: the TLS handshake failed: invalid peer certificate: certificate not valid for name "localhost"; certificate is only valid for DnsName("another-host.example.com")
                           → No password was sent. Check that localhost is the server you mean; if a private authority signed its certificate, name that authority's file in SSL_CERT_FILE.
            "#]],
        ),
        (
            json!({ "certificate": "expired" }),
            "expired-certificate",
            expect![[r#"
                  failed   database-tls (expired-certificate): localhost:$PORT: the certificate is not good at this time (certificate expired: verification time $NUMBER (UNIX), but certificate is not valid after $NUMBER ($NUMBER seconds ago))
                           → Check the clock of this machine first: `date -u`. If it is right, the certificate of localhost has to be renewed by whoever runs it.
                  failed   login (untrusted-certificate): localhost:$PORT: the TLS handshake failed: invalid peer certificate: certificate expired: verification time $NUMBER (UNIX), but certificate is not valid after $NUMBER ($NUMBER seconds ago)
                           → No password was sent. Check that localhost is the server you mean; if a private authority signed its certificate, name that authority's file in SSL_CERT_FILE.
            "#]],
        ),
    ] {
        house.fault_of_postgres(fault).await;
        check(&house, doctor, 1, ["database-tls", cause], expected).await;
    }
}

#[tokio::test]
async fn plaintext_where_tls_is_wanted() {
    let house = ready(&[]).await;
    // LOCAL mode does without TLS on this machine, and Lakebase never does.
    let doctor = || {
        house
            .lakegate(["doctor"])
            .env("ENV", "LOCAL")
            .env("POSTGRES_USER", "developer")
            .env("POSTGRES_PASSWORD", "a password of a developer")
    };
    check(&house, doctor, 1, ["login", "no-tls"], expect![[r#"
          failed   login (no-tls): localhost refused the login of "developer" to database "app_ontos": Invalid protocol version: 196608 (SQLSTATE 08P01)
                   → LOCAL mode does without TLS on this machine, and what listens at localhost wants it. If that is a Lakebase, set ENV=PROD.
    "#]]).await;
}

#[tokio::test]
async fn a_proxy_is_in_between() {
    let house = ready(&[]).await;
    let doctor = house.lakegate(["doctor", "--json"]).env("HTTPS_PROXY", "http://localhost:1");
    let run = doctor.run().await.exits(1).json();
    let found = "not tried: HTTPS_PROXY is set, so requests go through a proxy";
    assert_eq!(run["checks"][1]["found"], found);
}
