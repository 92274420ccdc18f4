//! What the next application finds.

use lakegate_proxy::Mode;

use crate::Stage;

#[test]
fn in_session_mode_the_server_forgets_each_client() {
    let stage = Stage::new(Mode::Session, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("X");
    server.hears(&["Q DISCARD ALL"]);
    let mut next = stage.client();
    server.says("C DISCARD ALL, Z I");
    next.hears_until_ready();
    next.says("Q select 2");
    server.hears(&["Q select 2"]);
}

#[test]
fn a_server_that_cannot_forget_is_closed() {
    let stage = Stage::new(Mode::Session, 1);
    let (client, mut server) = stage.client_and_server();
    drop(client);
    server.hears(&["Q DISCARD ALL"]);
    server.says("E ERROR 25001, Z I");
    closes(&mut server);
}

#[test]
fn a_server_in_a_transaction_is_closed() {
    for mode in [Mode::Session, Mode::Transaction] {
        let stage = Stage::new(mode, 1);
        let (mut client, mut server) = stage.client_and_server();
        client.says("Q begin");
        server.hears(&["Q begin"]);
        server.says("C BEGIN, Z T");
        client.hears(&["C BEGIN", "Z T"]);
        client.says("X");
        closes(&mut server);
    }
}

#[test]
fn a_server_that_still_works_for_a_client_that_left_is_closed() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("Q select 1");
    server.hears(&["Q select 1"]);
    drop(client);
    closes(&mut server);
}

#[test]
fn what_a_client_keeps_is_forgotten_after_it() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("Q LISTEN a");
    server.hears(&["Q LISTEN a"]);
    server.says("C LISTEN, Z I");
    client.hears(&["C LISTEN", "Z I"]);
    client.says("X");
    server.hears(&["Q DISCARD ALL"]);
    server.says("C DISCARD ALL, Z I");
    let mut next = stage.client();
    next.hears_until_ready();
    next.says("Q select 2");
    server.hears(&["Q select 2"]);
}

#[test]
fn settings_follow_their_client() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("Q set timezone = 'Asia/Tokyo'");
    server.hears(&["Q set timezone = 'Asia/Tokyo'"]);
    server.says("C SET, S TimeZone=Asia/Tokyo, Z I");
    client.hears(&["C SET", "S TimeZone=Asia/Tokyo", "Z I"]);
    let mut other = stage.client();
    other.hears_until_ready();
    other.says("Q select 1");
    server.hears(&["Q SELECT pg_catalog.set_config(E'TimeZone', E'UTC', false)", "Q select 1"]);
    server.says("T, D 10, C SELECT 1, S TimeZone=UTC, Z I, C SELECT 1, Z I");
    other.hears(&["C SELECT 1", "Z I"]);
    client.says("Q select 2");
    server.hears(&[
        "Q SELECT pg_catalog.set_config(E'TimeZone', E'Asia/Tokyo', false)",
        "Q select 2",
    ]);
}

#[test]
fn a_client_whose_settings_are_refused_must_go() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("Q set timezone = 'Asia/Tokyo'");
    server.hears(&["Q set timezone = 'Asia/Tokyo'"]);
    server.says("C SET, S TimeZone=Asia/Tokyo, Z I");
    client.hears(&["C SET", "S TimeZone=Asia/Tokyo", "Z I"]);
    let mut other = stage.client();
    other.hears_until_ready();
    other.says("Q select 1");
    server.hears(&["Q SELECT pg_catalog.set_config(E'TimeZone', E'UTC', false)", "Q select 1"]);
    server.says("E ERROR 22023, Z I");
    other.hears(&["E FATAL 22023"]);
    other.is_closed();
    closes(&mut server);
}

/// The proxy says good-bye, or just goes; what it had said before does not matter.
fn closes(server: &mut crate::Peer) {
    let mut rest = Vec::new();
    let end = std::io::Read::read_to_end(&mut server.0, &mut rest);
    assert!(
        end.is_ok() || end.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
    );
}
