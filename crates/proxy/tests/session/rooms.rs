//! Many applications, few server connections.

use lakegate_proxy::Mode;

use crate::Stage;

#[test]
fn an_idle_client_needs_no_server() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut one, mut server) = stage.client_and_server();
    let mut two = stage.client();
    two.hears_until_ready();
    for _ in 0..3 {
        for client in [&mut one, &mut two] {
            client.says("Q select 1");
            server.hears(&["Q select 1"]);
            server.says("C SELECT 1, Z I");
            client.hears(&["C SELECT 1", "Z I"]);
        }
    }
    assert_eq!(stage.metrics.servers_opened.get(), 1);
}

#[test]
fn a_client_waits_for_the_end_of_anothers_transaction() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut one, mut server) = stage.client_and_server();
    let mut two = stage.client();
    two.hears_until_ready();
    one.says("Q begin");
    server.hears(&["Q begin"]);
    server.says("C BEGIN, Z T");
    one.hears(&["C BEGIN", "Z T"]);
    two.says("Q select 2");
    one.says("Q commit");
    server.hears(&["Q commit"]);
    server.says("C COMMIT, Z I");
    server.hears(&["Q select 2"]);
}

#[test]
fn who_leaves_waits_no_more() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut one, mut server) = stage.client_and_server();
    one.says("Q begin");
    server.hears(&["Q begin"]);
    server.says("C BEGIN, Z T");
    one.hears(&["C BEGIN", "Z T"]);
    let mut two = stage.client();
    two.hears_until_ready();
    two.says("Q select 2");
    drop(two);
    let mut three = stage.client();
    three.hears_until_ready();
    three.says("Q select 3");
    one.says("Q commit");
    server.hears(&["Q commit"]);
    server.says("C COMMIT, Z I");
    server.hears(&["Q select 3"]);
}

#[test]
fn a_client_that_does_not_read_its_answer_keeps_nobody_waiting() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut one, mut server) = stage.client_and_server();
    one.says("Q select 1");
    server.hears(&["Q select 1"]);
    server.says("D 4000, C SELECT 1, Z I");
    let mut two = stage.client();
    two.hears_until_ready();
    two.says("Q select 2");
    server.hears(&["Q select 2"]);
    one.hears(&["D 4000", "C SELECT 1", "Z I"]);
}

#[test]
fn a_client_that_sends_half_a_message_gets_no_server() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut one, mut server) = stage.client_and_server();
    one.send(b"Q\0\0\0\x0dselec");
    let mut two = stage.client();
    two.hears_until_ready();
    two.says("Q select 2");
    server.hears(&["Q select 2"]);
    server.says("C SELECT 1, Z I");
    two.hears(&["C SELECT 1", "Z I"]);
    one.send(b"t 1\0");
    server.hears(&["Q select 1"]);
}

#[test]
fn what_no_client_may_send_ends_its_connection() {
    let stage = Stage::new(Mode::Transaction, 1);
    for bytes in [b"p\0\0\0\x08aaaa", b"Q\0\0\0\x01aaaa", b"\xff\0\0\0\x08aaaa"] {
        let mut client = stage.client();
        if stage.metrics.servers_opened.get() == 0 {
            let mut server = stage.backend.accept();
            server.hears(&["Q RESET ALL"]);
            server.says("C RESET, Z I");
            std::mem::forget(server);
        }
        client.hears_until_ready();
        client.send(bytes);
        client.hears(&["E FATAL 08P01"]);
        client.is_closed();
    }
}
