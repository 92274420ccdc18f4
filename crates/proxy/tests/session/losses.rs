//! A server connection that ends in the middle of something.

use lakegate_proxy::Mode;

use crate::Stage;

#[test]
fn in_transaction_mode_a_client_survives_the_loss_of_a_lone_query() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("Q select 1");
    server.hears(&["Q select 1"]);
    drop(server);
    client.hears(&["E ERROR 08006", "Z I"]);
    client.says("Q select 2");
    let mut server = stage.backend.accept();
    server.hears(&["Q select 2"]);
    server.says("C SELECT 1, Z I");
    client.hears(&["C SELECT 1", "Z I"]);
}

#[test]
fn rows_that_came_before_the_loss_are_told() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("P - select, B -, E, S");
    server.hears(&["P", "B", "E", "S"]);
    server.says("1, 2, D 10");
    drop(server);
    client.hears(&["1", "2", "D 10", "E ERROR 08006", "Z I"]);
}

#[test]
fn the_servers_own_words_are_told() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("Q select 1");
    server.hears(&["Q select 1"]);
    server.says("E FATAL 57P01");
    client.hears(&["E ERROR 57P01", "Z I"]);
}

#[test]
fn within_a_transaction_the_client_must_go() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("Q begin");
    server.hears(&["Q begin"]);
    server.says("C BEGIN, Z T");
    client.hears(&["C BEGIN", "Z T"]);
    drop(server);
    client.hears(&["E FATAL 08006"]);
    client.is_closed();
}

#[test]
fn with_two_answers_owed_the_client_must_go() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("S, S");
    server.hears(&["S", "S"]);
    drop(server);
    client.hears(&["E FATAL 08006"]);
    client.is_closed();
}

#[test]
fn within_a_message_nothing_can_be_said() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("Q select 1");
    server.hears(&["Q select 1"]);
    server.send(b"D\0\0\0\x20half");
    drop(server);
    let mut head = [0; 9];
    std::io::Read::read_exact(&mut client.0, &mut head).unwrap();
    assert_eq!(&head, b"D\0\0\0\x20half");
    client.is_closed();
}

#[test]
fn in_session_mode_the_client_goes_with_its_server() {
    let stage = Stage::new(Mode::Session, 1);
    let (mut client, server) = stage.client_and_server();
    drop(server);
    client.hears(&["E FATAL 08006"]);
    client.is_closed();
}

#[test]
fn a_client_that_keeps_state_goes_with_it() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("Q LISTEN a");
    server.hears(&["Q LISTEN a"]);
    server.says("C LISTEN, Z I");
    client.hears(&["C LISTEN", "Z I"]);
    assert_eq!(stage.metrics.servers_pinned.get(), 1);
    drop(server);
    client.hears(&["E FATAL 08006"]);
    client.is_closed();
}
