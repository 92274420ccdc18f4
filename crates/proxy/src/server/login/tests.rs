//! A login word by word, over a stream without a system below it.

use tokio::io::DuplexStream;
use zeroize::Zeroizing;

use super::*;

const STARTUP: &str = "\0\0\x004\0\u{3}\0\0user\0me\0database\0app\0application_name\0psql\0\0";

fn login() -> Login {
    Login {
        host: "db.example".into(),
        port: 5432,
        plaintext: false,
        user: "me".into(),
        database: "app".into(),
        password: Zeroizing::new("hush!".into()),
        generation: 1,
    }
}

/// Sends `said` in pieces of `size`, and reads what comes meanwhile.
async fn server(mut stream: DuplexStream, said: &[u8], size: usize) -> Vec<u8> {
    for piece in said.chunks(size) {
        // Who was sent away does not listen any more.
        if stream.write_all(piece).await.is_err() {
            break;
        }
    }
    let _closed = stream.shutdown().await;
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    heard
}

async fn talk(said: &[u8], size: usize) -> (Result<Greeting, OpenError>, Vec<u8>) {
    let (mut near, far) = tokio::io::duplex(1024);
    let given = vec![("application_name".to_owned(), "psql".to_owned())];
    let origin = Origin::new(None, given);
    let login = login();
    let client = async move {
        let channel = Channel::Tls { end_point: None };
        log_in(&mut near, &login, &origin, &channel).await
    };
    tokio::join!(client, server(far, said, size))
}

const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\x03\
    R\0\0\0\x08\0\0\0\0\
    N\0\0\0\x05\0\
    v\0\0\0\x0c\0\x03\0\0\0\0\0\0\
    S\0\0\0\x11TimeZone\0UTC\0\
    K\0\0\0\x0c\0\0\0\x07abcd\
    Z\0\0\0\x05IN\0\0\0\x05\0";

#[tokio::test]
async fn a_login_is_the_same_however_it_arrives() {
    for size in [1, 2, 7, 1000] {
        let (greeting, heard) = talk(WELCOME, size).await;
        let greeting = greeting.unwrap();
        assert_eq!(greeting.parameters.get("TimeZone"), Some(&b"UTC"[..]));
        let secret = Bytes::from_static(b"abcd");
        assert_eq!(greeting.key, Some(BackendKey { pid: 7, secret }));
        // What comes after the login is kept for whoever comes next.
        assert!(b"N\0\0\0\x05\0".starts_with(&greeting.inbox));
        assert_eq!(String::from_utf8(heard).unwrap(), format!("{STARTUP}p\0\0\0\nhush!\0"));
    }
}

#[track_caller]
fn check(outcome: (Result<Greeting, OpenError>, Vec<u8>), expected: &str) {
    let error = outcome.0.unwrap_err().to_string();
    assert_eq!(error, expected);
    assert!(!error.contains("hush"));
}

#[tokio::test]
async fn a_report_is_the_end() {
    let said =
        b"E\0\0\0\x43SFATAL\0VFATAL\0C3D000\0Mdatabase \"app\" does not exist\0Hno\0Dwhy\0\0";
    let mut said = said.to_vec();
    let length = u32::try_from(said.len() - 1).unwrap();
    said[1..5].copy_from_slice(&length.to_be_bytes());
    for size in [1, 1000] {
        let (outcome, _) = talk(&said, size).await;
        let Err(OpenError::Server(report)) = outcome else { panic!("no report") };
        assert_eq!(report.code, "3D000");
        assert_eq!(report.message, "database \"app\" does not exist");
        assert_eq!((report.hint.as_deref(), report.detail.as_deref()), (Some("no"), Some("why")));
    }
}

#[tokio::test]
async fn an_end_in_the_middle_is_told() {
    let lost = "db.example:5432 ended the connection during the login: it closed it";
    check(talk(b"", 1).await, lost);
    check(talk(&WELCOME[..30], 7).await, lost);
}

#[tokio::test]
async fn what_postgres_would_not_say_is_told() {
    let strange = |what: &str| format!("db.example:5432 does not speak as Postgres does: {what}");
    check(
        talk(b"HTTP/1.1 400 Bad Request\r\n", 99).await,
        &strange("a message of a login is too long"),
    );
    check(
        talk(b"R\xff\xff\xff\xff\0", 99).await,
        &strange("invalid message length: header length < 4"),
    );
    check(talk(b"Z\0\0\0\x05I", 99).await, &strange("no proof was asked for"));
    check(
        talk(b"R\0\0\0\x08\0\0\0\0D\0\0\0\x06\0\0", 99).await,
        &strange("an answer to no question"),
    );
    check(
        talk(b"R\0\0\0\x08\0\0\0\0K\0\0\0\x08\0\0\0\0", 99).await,
        &strange("the key for cancelling has an impossible length"),
    );
    check(
        talk(b"R\0\0\0\x08\0\0\0\x07", 99).await,
        "db.example:5432 asks for GSSAPI, and Lakegate has a token or a password only",
    );
}
