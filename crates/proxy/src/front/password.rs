//! Asks an application for the password, by SCRAM: neither side shows it to the other.

use bytes::{Buf, BytesMut};

use super::guest::Guest;
use super::refusal::Refusal;
use super::scram::{SCRAM, SCRAM_PLUS, Verifier};
use crate::wire::answer;

/// Longer than any message of SCRAM, as in Postgres.
const LONGEST: usize = 1024;
/// Bytes of our part of the nonce, as in Postgres.
const NONCE: usize = 18;

/// Returns when the application has proved that it knows the password.
pub(super) async fn ask(guest: &mut Guest, verifier: &Verifier) -> Result<(), Refusal> {
    let end_point = guest.end_point.clone();
    let mut out = BytesMut::new();
    let mechanisms: &[_] = if end_point.is_some() { &[SCRAM_PLUS, SCRAM] } else { &[SCRAM] };
    answer::authentication_sasl(&mut out, mechanisms);
    guest.send(&out.split()).await?;

    let initial = guest.message(b'p', LONGEST).await?;
    let (mechanism, first) = initial_response(&initial)?;
    let (exchange, challenge) = verifier.begin(mechanism, end_point.as_deref(), &nonce(), first)?;
    answer::authentication_sasl_continue(&mut out, &challenge);
    guest.send(&out.split()).await?;

    let last = guest.message(b'p', LONGEST).await?;
    let signature = exchange.finish(text(&last)?)?;
    answer::authentication_sasl_final(&mut out, &signature);
    guest.send(&out).await
}

/// The mechanism that was chosen, and its first message.
fn initial_response(body: &[u8]) -> Result<(&str, &str), Refusal> {
    let malformed = || Refusal::violation("malformed SASL response");
    let end = body.iter().position(|byte| *byte == 0).ok_or_else(malformed)?;
    let (mechanism, mut rest) = (text(&body[..end])?, &body[end + 1..]);
    let length = rest.try_get_u32().map_err(|_| malformed())?;
    if length as usize != rest.len() {
        return Err(malformed());
    }
    Ok((mechanism, text(rest)?))
}

fn text(bytes: &[u8]) -> Result<&str, Refusal> {
    str::from_utf8(bytes).map_err(|_| Refusal::violation("malformed SCRAM message"))
}

fn nonce() -> String {
    use base64::Engine;
    let mut bytes = [0; NONCE];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system has random numbers");
    base64::prelude::BASE64_STANDARD.encode(bytes)
}
