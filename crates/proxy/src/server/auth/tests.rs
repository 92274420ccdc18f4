//! What is proved to whom, message by message; SCRAM against the side that applications log in to.

use zeroize::Zeroizing;

use super::*;
use crate::front::scram::{ScramError, Verifier};
use crate::wire::answer;

const CLEARTEXT: &[u8] = b"R\0\0\0\x08\0\0\0\x03";
const MD5: &[u8] = b"R\0\0\0\x0c\0\0\0\x05salt";
const OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";

fn login(password: &str) -> Login {
    Login {
        host: "localhost".into(),
        port: 5432,
        plaintext: false,
        user: "me".into(),
        database: "app".into(),
        password: Zeroizing::new(password.into()),
        generation: 1,
    }
}

fn message(bytes: &[u8]) -> Message {
    Message::parse(&mut BytesMut::from(bytes)).unwrap().unwrap()
}

fn bound() -> Channel {
    Channel::Tls { end_point: Some(b"certificate".to_vec()) }
}

/// The answer, `in` when there is none to give, or why there is none.
fn step(channel: &Channel, asked: &[u8]) -> String {
    let login = login("token");
    let mut out = BytesMut::new();
    match Auth::new(&login, channel).step(&message(asked), &mut out) {
        Ok(true) => "in".into(),
        Ok(false) => String::from_utf8_lossy(&out[5..]).into_owned(),
        Err(AuthError::Method(method)) => method.to_owned(),
        Err(AuthError::Broken(error)) => error.to_string(),
    }
}

#[track_caller]
fn check(channel: &Channel, asked: &[u8], expected: &str) {
    assert_eq!(step(channel, asked), expected);
}

#[test]
fn each_channel_has_its_proofs() {
    check(&bound(), OK, "in");
    check(&bound(), CLEARTEXT, "token\0");
    check(&bound(), MD5, "MD5");
    check(&Channel::Loopback, OK, "in");
    check(&Channel::Loopback, CLEARTEXT, "token\0");
    // md5(md5("token" + "me") + "salt")
    check(&Channel::Loopback, MD5, "md5b5a4a5b67e51fb35e683ba493979d924\0");
    check(&bound(), b"R\0\0\0\x08\0\0\0\x07", "GSSAPI");
    check(&bound(), b"R\0\0\0\x0c\0\0\0\x0bdata", "SASL out of turn");
    check(&bound(), b"R\0\0\0\x0c\0\0\0\x0cdata", "SASL out of turn");
    check(&bound(), b"Z\0\0\0\x05I", "no proof was asked for");
}

#[track_caller]
fn check_offer(channel: &Channel, offered: &[&str], expected: &str) {
    let mut asked = BytesMut::new();
    answer::authentication_sasl(&mut asked, offered);
    let answered = step(channel, &asked);
    // Behind it comes a nonce that nobody knows beforehand.
    let known = answered.split_once("n=,").map_or(&*answered, |(known, _)| known);
    assert_eq!(known.replace('\0', "|").split("||").next(), Some(expected), "{answered:?}");
}

#[test]
fn channel_binding_is_used_where_it_is_offered() {
    let (plain, plus) = (SCRAM_SHA_256, SCRAM_SHA_256_PLUS);
    check_offer(&bound(), &[plus, plain], "SCRAM-SHA-256-PLUS");
    check_offer(&bound(), &[plain], "SCRAM-SHA-256");
    check_offer(&Channel::Tls { end_point: None }, &[plus, plain], "SCRAM-SHA-256");
    check_offer(&Channel::Loopback, &[plain], "SCRAM-SHA-256");
    check_offer(&Channel::Loopback, &[plus], "SASL without SCRAM-SHA-256");
    check_offer(&bound(), &["OAUTHBEARER"], "SASL without SCRAM-SHA-256");
}

/// Plays the server up to its last word; `None`: it takes us in without one.
fn exchange(
    channel: &Channel,
    mechanisms: &[&str],
    known: &str,
    last: impl FnOnce(String) -> Option<String>,
) -> Result<bool, String> {
    let login = login("token");
    let mut auth = Auth::new(&login, channel);
    let (mut asked, mut out) = (BytesMut::new(), BytesMut::new());
    let told = |error: AuthError| format!("{error:?}");
    answer::authentication_sasl(&mut asked, mechanisms);
    auth.step(&message(&asked), &mut out).map_err(told)?;
    let body = out.split_off(5);
    let named = body.iter().position(|byte| *byte == 0).unwrap();
    let mechanism = str::from_utf8(&body[..named]).unwrap();
    let first = str::from_utf8(&body[named + 5..]).unwrap();

    let verifier = Verifier::new(known);
    let end_point = Some(&b"certificate"[..]);
    let end_point = end_point.filter(|_| mechanisms.contains(&SCRAM_SHA_256_PLUS));
    let refused = |error: ScramError| error.to_string();
    let (exchange, second) =
        verifier.begin(mechanism, end_point, "ours", first).map_err(refused)?;
    asked.clear();
    answer::authentication_sasl_continue(&mut asked, &second);
    out.clear();
    auth.step(&message(&asked), &mut out).map_err(told)?;
    let proof = exchange.finish(str::from_utf8(&out[5..]).unwrap()).map_err(refused)?;
    if let Some(last) = last(proof) {
        asked.clear();
        answer::authentication_sasl_final(&mut asked, &last);
        auth.step(&message(&asked), &mut out).map_err(told)?;
    }
    auth.step(&message(OK), &mut out).map_err(told)
}

#[test]
fn both_sides_prove_that_they_know_the_password() {
    let both = [SCRAM_SHA_256_PLUS, SCRAM_SHA_256];
    assert_eq!(exchange(&bound(), &both, "token", Some), Ok(true));
    assert_eq!(exchange(&Channel::Loopback, &both[1..], "token", Some), Ok(true));
    assert_eq!(exchange(&bound(), &both[1..], "token", Some), Ok(true));
    assert_eq!(exchange(&bound(), &both, "other", Some), Err("wrong password".into()));
}

#[test]
fn a_server_in_between_is_found_out() {
    let both = [SCRAM_SHA_256_PLUS, SCRAM_SHA_256];
    let elsewhere = Channel::Tls { end_point: Some(b"another".to_vec()) };
    let binding = Err("SCRAM channel binding does not match".into());
    assert_eq!(exchange(&elsewhere, &both, "token", Some), binding);
    let no_proof = exchange(&bound(), &both, "token", |_| None).unwrap_err();
    assert!(no_proof.contains("did not prove"), "{no_proof}");
    let wrong = |_| Some("v=AAAA".to_owned());
    let wrong_proof = exchange(&bound(), &both, "token", wrong).unwrap_err();
    assert!(wrong_proof.contains("SCRAM verification error"), "{wrong_proof}");
}
