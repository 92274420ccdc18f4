//! Applications that say good-bye in the middle of something: what they held is free again.

use lakegate_proxy::Mode;

use crate::Stage;
use crate::peer::Peer;

/// The server connection ends, and the next application gets another one.
#[track_caller]
fn check_given_up(stage: &Stage, mut server: Peer) {
    server.hears(&["X"]);
    server.is_closed();
    let mut next = stage.client();
    let mut server = match stage.mode {
        Mode::Session => stage.backend.accept(),
        Mode::Transaction => {
            next.hears_until_ready();
            next.says("Q select 2");
            return stage.backend.accept().hears(&["Q select 2"]);
        }
    };
    next.hears_until_ready();
    next.says("Q select 2");
    server.hears(&["Q select 2"]);
}

#[track_caller]
fn check_batch(mode: Mode) {
    let stage = Stage::new(mode, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("P a select, X");
    server.hears(&["P"]);
    check_given_up(&stage, server);
}

#[test]
fn a_batch_without_an_end_keeps_no_server() {
    check_batch(Mode::Session);
    check_batch(Mode::Transaction);
}

#[test]
fn a_batch_that_failed_and_has_no_end_keeps_no_server() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("P a select, H");
    server.hears(&["P", "H"]);
    server.says("E ERROR 42601");
    client.hears(&["E ERROR 42601"]);
    client.says("X");
    check_given_up(&stage, server);
}

#[test]
fn a_copy_without_an_end_keeps_no_server() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("Q copy a from stdin");
    server.hears(&["Q copy a from stdin"]);
    server.says("G");
    client.hears(&["G"]);
    client.says("d 10, X");
    server.hears(&["d 10"]);
    check_given_up(&stage, server);
}

#[test]
fn nor_does_one_that_had_not_begun() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("Q copy a from stdin, X");
    server.hears(&["Q copy a from stdin"]);
    server.says("G");
    check_given_up(&stage, server);
}

#[test]
fn what_was_asked_before_an_unended_batch_is_done() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("Q select 1, P a select, X");
    server.hears(&["Q select 1", "P"]);
    server.says("C SELECT 1, Z I");
    client.hears(&["C SELECT 1", "Z I"]);
    client.is_closed();
    check_given_up(&stage, server);
}
