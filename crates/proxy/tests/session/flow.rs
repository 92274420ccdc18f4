//! How bytes flow: in order, in any pieces, and no faster than they are read.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use lakegate_proxy::Mode;

use crate::Stage;
use crate::peer::Peer;

#[test]
fn a_message_may_come_byte_by_byte() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    for byte in b"Q\0\0\0\x0dselect 1\0" {
        client.send(&[*byte]);
    }
    server.hears(&["Q select 1"]);
    for byte in b"C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I" {
        server.send(&[*byte]);
    }
    client.hears(&["C SELECT 1", "Z I"]);
}

#[test]
fn a_batch_in_one_piece_is_answered_in_its_order() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("P a select, B a, E, S, P b select, B b, E, S");
    // Whether the server has the second statement depends on the first one, which is the same.
    server.hears(&["P", "B", "E", "S"]);
    server.says("1, 2, C SELECT 1, Z I");
    server.hears(&["B", "E", "S"]);
    server.says("2, C SELECT 1, Z I");
    client.hears(&["1", "2", "C SELECT 1", "Z I", "1", "2", "C SELECT 1", "Z I"]);
}

#[test]
fn what_was_asked_before_a_good_bye_is_done() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("Q select 1, X");
    server.hears(&["Q select 1"]);
    server.says("C SELECT 1, Z I");
    client.hears(&["C SELECT 1", "Z I"]);
    client.is_closed();
    let mut next = stage.client();
    next.hears_until_ready();
    next.says("Q select 2");
    server.hears(&["Q select 2"]);
}

#[test]
fn who_does_not_listen_is_not_heard() {
    /// The length of a `Close` of `x`, in bytes.
    const CLOSE: usize = 8;
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("P a select, S");
    server.hears(&["P", "S"]);
    server.says("1, Z I");
    client.hears(&["1", "Z I"]);
    // None of these reaches the server, and each has an answer.
    let closes = b"C\0\0\0\x07Sx\0".repeat(8 * 1024);
    client.0.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut written = 0;
    while let Ok(more) = client.0.write(&closes[written % CLOSE..]) {
        written += more;
        assert!(written < BUFFERS, "{written} bytes are somewhere");
    }
    // Once it listens it is heard again.
    let asked = written.div_ceil(CLOSE);
    let mut rest = closes[written % CLOSE..][..asked * CLOSE - written].to_vec();
    rest.extend_from_slice(b"S\0\0\0\x04");
    let mut writer = Peer::new(client.0.try_clone().unwrap());
    let writer = std::thread::spawn(move || writer.send(&rest));
    let mut answers = vec![0; 5 * asked];
    client.0.read_exact(&mut answers).unwrap();
    assert!(answers.chunks(5).all(|answer| answer == b"3\0\0\0\x04"));
    writer.join().unwrap();
    server.hears(&["S"]);
    server.says("Z I");
    client.hears(&["Z I"]);
}

#[test]
fn notices_come_while_nothing_is_asked() {
    let stage = Stage::new(Mode::Session, 1);
    let (mut client, mut server) = stage.client_and_server();
    server.says("N, A, S TimeZone=Asia/Tokyo");
    client.hears(&["N", "A", "S TimeZone=Asia/Tokyo"]);
}

/// What fits into the buffers of the kernel and of the proxy, with room to spare, in bytes.
const BUFFERS: usize = 64 << 20;

#[test]
fn the_server_waits_for_a_client_that_does_not_read() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.says("Q select 1");
    server.hears(&["Q select 1"]);
    server.send(b"D\x3f\xff\xff\xff");
    fills_up(&mut server.0);
}

#[test]
fn a_client_waits_for_the_server() {
    let stage = Stage::new(Mode::Transaction, 1);
    let (mut client, mut server) = stage.client_and_server();
    client.send(b"Q\x3f\xff\xff\xff");
    client.send(&[b'x'; 8 * 1024]);
    server.0.read_exact(&mut [0]).unwrap();
    fills_up(&mut client.0);
}

/// Writing must come to a stop.
#[track_caller]
fn fills_up(stream: &mut std::net::TcpStream) {
    stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut written = 0;
    loop {
        match stream.write(&[b'x'; 64 * 1024]) {
            Ok(more) => written += more,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) => panic!("{error}"),
        }
        assert!(written < BUFFERS, "{written} bytes are somewhere");
    }
}
