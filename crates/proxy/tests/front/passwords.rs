//! The proxy's own password.

use std::io::{Read, Write};

use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};

use super::encryption::Tls;
use super::knock::{Knock, message, startup};
use super::{IN, options, password, start};

const RIGHT: &str = "open sesame";

/// Logs in as drivers do, and returns the SQLSTATE of what comes then.
fn log_in<S: Read + Write>(
    knock: &mut Knock<S>,
    mechanism: &str,
    password: &str,
    binding: ChannelBinding,
) -> String {
    let asked = knock.say(&startup()).hear();
    assert_eq!((asked.tag, &asked.body[..4]), (b'R', &[0, 0, 0, 10][..]));
    let mut scram = ScramSha256::new(password.as_bytes(), binding);
    knock.say(&message(b'p', &initial(mechanism, scram.message())));
    let challenge = knock.hear();
    if challenge.tag == b'E' {
        return code_of(&challenge.body);
    }
    scram.update(&challenge.body[4..]).unwrap();
    knock.say(&message(b'p', scram.message()));
    let outcome = knock.hear();
    if outcome.tag == b'E' {
        return code_of(&outcome.body);
    }
    scram.finish(&outcome.body[4..]).unwrap();
    knock.code()
}

fn initial(mechanism: &str, first: &[u8]) -> Vec<u8> {
    let length = u32::try_from(first.len()).unwrap();
    [mechanism.as_bytes(), &[0], &length.to_be_bytes(), first].concat()
}

fn code_of(body: &[u8]) -> String {
    let code = body.split(|byte| *byte == 0).find_map(|field| field.strip_prefix(b"C"));
    String::from_utf8(code.unwrap().to_vec()).unwrap()
}

#[test]
fn who_knows_the_password_is_let_in() {
    let proxy = start(|options| options.tuning.password = password(RIGHT));
    let unsupported = ChannelBinding::unsupported;
    let log_in = |it| log_in(&mut Knock::at(&proxy), "SCRAM-SHA-256", it, unsupported());
    assert_eq!(log_in(RIGHT), IN);
    assert_eq!(log_in("wrong"), "28P01");
    assert_eq!(log_in(""), "28P01");
}

#[test]
fn over_tls_the_password_is_bound_to_the_connection() {
    let tls = Tls::new();
    let proxy = start(|options| {
        options.tuning.password = password(RIGHT);
        options.tuning.app_tls = tls.server();
    });
    let log_in = |mechanism, binding| log_in(&mut tls.asked(&proxy), mechanism, RIGHT, binding);
    let bound = |certificate: &[u8]| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate);
        ChannelBinding::tls_server_end_point(digest.as_ref().to_vec())
    };
    const PLUS: &str = "SCRAM-SHA-256-PLUS";
    assert_eq!(log_in(PLUS, bound(&tls.certificate)), IN);
    assert_eq!(log_in(PLUS, bound(b"of somebody in between")), "28000");
    assert_eq!(log_in("SCRAM-SHA-256", ChannelBinding::unsupported()), IN);
    // It could have bound it, and somebody told it that we cannot.
    assert_eq!(log_in("SCRAM-SHA-256", ChannelBinding::unrequested()), "28000");
}

#[test]
fn the_binding_is_offered_where_it_is_possible() {
    let tls = Tls::new();
    let proxy = start(|options| {
        options.tuning.password = password(RIGHT);
        options.tuning.app_tls = tls.server();
    });
    let plain = Knock::at(&proxy).say(&startup()).hear();
    assert_eq!(plain.body, b"\0\0\0\x0aSCRAM-SHA-256\0\0");
    let secured = tls.asked(&proxy).say(&startup()).hear();
    assert_eq!(secured.body, b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0");
}

#[test]
fn what_is_no_answer_to_the_password_request_is_told_so() {
    let proxy = start(|options| options.tuning.password = password(RIGHT));
    #[track_caller]
    fn check(proxy: &lakegate_proxy::Proxy, said: &[u8]) {
        let mut knock = Knock::at(proxy);
        knock.say(&startup()).hear();
        assert_eq!(knock.say(said).code(), "08P01");
        knock.ends();
    }
    let first = b"n,,n=,r=theirs";
    check(&proxy, &message(b'Q', b"select 1\0"));
    check(&proxy, &message(b'p', b"in the clear\0"));
    check(&proxy, &message(b'p', b"SCRAM-SHA-256\0\xff\xff\xff\xff"));
    check(&proxy, &message(b'p', &[&initial("SCRAM-SHA-256", first)[..], b"more"].concat()));
    check(&proxy, &message(b'p', &initial("SCRAM-SHA-256", b"n,,n=,r=\xff")));
    check(&proxy, &message(b'p', &initial("PLAIN", first)));
    check(&proxy, b"p\0\0\0\x03");
    check(&proxy, b"p\xff\xff\xff\xff");
    check(&proxy, b"p\0\0\x10\0");
}

#[test]
fn a_new_password_is_for_the_next_login() {
    let proxy = start(|options| options.tuning.password = password("old"));
    let unsupported = ChannelBinding::unsupported;
    let log_in = |it| log_in(&mut Knock::at(&proxy), "SCRAM-SHA-256", it, unsupported());
    assert_eq!(log_in("old"), IN);
    let mut tuning = options().tuning;
    tuning.password = password("new");
    proxy.retune(&tuning).unwrap();
    assert_eq!(log_in("old"), "28P01");
    assert_eq!(log_in("new"), IN);
}
