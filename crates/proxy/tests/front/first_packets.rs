//! Each kind of first packet.

use super::knock::{Knock, packet, ssl, startup};
use super::{IN, start};

/// What is said, and the SQLSTATE of the answer, in one piece and byte by byte. Then the connection ends.
#[track_caller]
fn check(said: &[u8], expected: &str) {
    check_at_once(said, expected);
    let proxy = start(|_| ());
    let mut slow = Knock::at(&proxy);
    for byte in said {
        slow.say(&[*byte]);
    }
    assert_eq!(slow.code(), expected, "byte by byte");
    slow.ends();
}

#[track_caller]
fn check_at_once(said: &[u8], expected: &str) {
    let proxy = start(|_| ());
    let mut whole = Knock::at(&proxy);
    assert_eq!(whole.say(said).code(), expected);
    whole.ends();
}

#[test]
fn a_startup_packet_is_enough() {
    check(&startup(), IN);
    check(&packet(3, 0, b"user\0app\0database\0other\0options\0-c x=1\0\0"), IN);
}

#[test]
fn what_is_no_packet_is_told_so() {
    check(&packet(3, 0, b"user\0app\0"), "08P01");
    check(&packet(3, 0, b"\0"), "28000");
    check(&packet(4, 0, b"user\0app\0\0"), "0A000");
    check(&packet(1234, 5681, b""), "0A000");
    check(&0_u32.to_be_bytes(), "08P01");
    check(&7_u32.to_be_bytes(), "08P01");
    check(&10_005_u32.to_be_bytes(), "08P01");
    check(&u32::MAX.to_be_bytes(), "08P01");
    check(b"GET ", "08P01"); // As a length, that is much.
}

#[test]
fn the_protocol_of_2003_has_errors_of_its_own() {
    let proxy = start(|_| ());
    let mut knock = Knock::at(&proxy);
    knock.say(&packet(2, 0, &[0; 288]));
    let expected = b"EFATAL:  unsupported frontend protocol 2.0: this proxy speaks 3.0\n\0";
    for byte in expected {
        assert_eq!(knock.byte(), *byte);
    }
    knock.ends();
}

#[test]
fn encryption_that_we_do_not_have_is_declined_once_each() {
    let proxy = start(|_| ());
    let gss = packet(1234, 5680, b"");
    let mut knock = Knock::at(&proxy);
    assert_eq!(knock.say(&gss).byte(), b'N');
    assert_eq!(knock.say(&ssl()).byte(), b'N');
    assert_eq!(knock.say(&startup()).code(), IN);

    for request in [&gss, &ssl()] {
        let mut knock = Knock::at(&proxy);
        assert_eq!(knock.say(request).byte(), b'N');
        assert_eq!(knock.say(request).code(), "08P01");
        knock.ends();
    }
}

#[test]
fn what_comes_with_a_request_for_encryption_is_not_believed() {
    // In one piece alone: what comes after our answer is no longer behind the request.
    check_at_once(&[ssl(), startup()].concat(), "08P01");
}

#[test]
fn a_newer_protocol_is_talked_down_to_ours() {
    let proxy = start(|_| ());
    let mut knock = Knock::at(&proxy);
    let said = knock.say(&packet(3, 2, b"user\0app\0_pq_.more\x001\0\0")).hear();
    assert_eq!((said.tag, &said.body[..]), (b'v', &b"\0\x03\0\0\0\0\0\x01_pq_.more\0"[..]));
    assert_eq!(knock.code(), IN);
}

#[test]
fn to_cancel_what_nobody_knows_says_nothing() {
    let proxy = start(|_| ());
    for secret in [&[7; 4][..], &[7; 256]] {
        let mut knock = Knock::at(&proxy);
        knock.say(&packet(1234, 5678, &[&[0, 0, 0, 7], secret].concat())).ends();
    }
}

#[test]
fn who_only_looks_whether_we_are_there_disturbs_nobody() {
    let proxy = start(|_| ());
    drop(Knock::at(&proxy));
    let mut knock = Knock::at(&proxy);
    knock.say(b"\0\0").0.shutdown(std::net::Shutdown::Write).unwrap();
    knock.ends();
    assert_eq!(Knock::at(&proxy).say(&startup()).code(), IN);
}
