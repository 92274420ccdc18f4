//! The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without a socket.
//!
//! The password itself is not kept: the verifier proves that somebody knows it, and cannot be
//! used to log in.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// The mechanism.
pub(crate) const SCRAM: &str = "SCRAM-SHA-256";
/// The mechanism, bound to the TLS connection around it.
pub(crate) const SCRAM_PLUS: &str = "SCRAM-SHA-256-PLUS";
/// The one kind of channel binding that Postgres has.
const END_POINT: &str = "p=tls-server-end-point";

/// What a password is checked with.
pub(crate) struct Verifier {
    iterations: String,
    salt: String,
    stored_key: Vec<u8>,
    server_key: hmac::Key,
}

/// Why an exchange failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum ScramError {
    /// The application does not speak SCRAM as we do.
    #[error("malformed SCRAM message")]
    Malformed,
    /// It could have bound the exchange to TLS and was told that we cannot, or it is bound to
    /// another TLS connection: somebody is in between.
    #[error("SCRAM channel binding does not match")]
    Binding,
    /// It does not know the password.
    #[error("wrong password")]
    Wrong,
}

/// An exchange whose first half is done.
pub(crate) struct Exchange<'a> {
    verifier: &'a Verifier,
    /// What the application must say in `c=`, in base64.
    binding: String,
    nonce: String,
    /// What both have said, as far as it counts for the proof.
    said: String,
}

impl Verifier {
    /// Prepares a password, with a salt of its own.
    pub(crate) fn new(password: &str) -> Self {
        let text = postgres_protocol::password::scram_sha_256(password.as_bytes());
        Self::parse(&text).expect("the library writes what Postgres stores")
    }

    /// Reads what Postgres stores in `pg_authid`.
    fn parse(text: &str) -> Option<Self> {
        let (salted, keys) = text.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
        let (iterations, salt) = salted.split_once(':')?;
        let (stored, server) = keys.split_once(':')?;
        Some(Self {
            iterations: iterations.to_owned(),
            salt: salt.to_owned(),
            stored_key: BASE64_STANDARD.decode(stored).ok()?,
            server_key: hmac::Key::new(hmac::HMAC_SHA256, &BASE64_STANDARD.decode(server).ok()?),
        })
    }

    /// Takes the application's first message. `end_point` is what this TLS connection can be
    /// bound to, `nonce` our part of the nonce. The `String` is our answer.
    pub(crate) fn begin(
        &self,
        mechanism: &str,
        end_point: Option<&[u8]>,
        nonce: &str,
        message: &str,
    ) -> Result<(Exchange<'_>, String), ScramError> {
        let (bound, rest) = message.split_once(',').ok_or(ScramError::Malformed)?;
        // An identity to act for would come here; Postgres knows none either.
        let bare = rest.strip_prefix(',').ok_or(ScramError::Malformed)?;
        let header = format!("{bound},,");
        let binding = match (mechanism, bound, end_point) {
            (SCRAM, "n", _) | (SCRAM, "y", None) => header.into_bytes(),
            (SCRAM, "y", Some(_)) => return Err(ScramError::Binding),
            (SCRAM_PLUS, END_POINT, Some(end_point)) => [header.as_bytes(), end_point].concat(),
            _ => return Err(ScramError::Malformed),
        };
        let theirs = client_nonce(bare).ok_or(ScramError::Malformed)?;
        let nonce = format!("{theirs}{nonce}");
        let answer = format!("r={nonce},s={},i={}", self.salt, self.iterations);
        let said = format!("{bare},{answer}");
        let binding = BASE64_STANDARD.encode(binding);
        Ok((Exchange { verifier: self, binding, nonce, said }, answer))
    }
}

impl Exchange<'_> {
    /// Takes the application's last message. The `String` is our answer, which proves that we
    /// know the password too.
    pub(crate) fn finish(self, message: &str) -> Result<String, ScramError> {
        let (unproved, proof) = message.rsplit_once(",p=").ok_or(ScramError::Malformed)?;
        let mut fields = unproved.split(',');
        let mut field = |name| fields.next()?.strip_prefix(name);
        let binding = field("c=").ok_or(ScramError::Malformed)?;
        let nonce = field("r=").ok_or(ScramError::Malformed)?;
        if nonce != self.nonce {
            return Err(ScramError::Malformed);
        }
        if binding != self.binding {
            return Err(ScramError::Binding);
        }
        let proof = BASE64_STANDARD.decode(proof).map_err(|_| ScramError::Malformed)?;
        self.verifier.check(&format!("{},{unproved}", self.said), &proof)
    }
}

impl Verifier {
    fn check(&self, said: &str, proof: &[u8]) -> Result<String, ScramError> {
        let stored_key = hmac::Key::new(hmac::HMAC_SHA256, &self.stored_key);
        let signature = hmac::sign(&stored_key, said.as_bytes());
        if proof.len() != signature.as_ref().len() {
            return Err(ScramError::Malformed);
        }
        let client_key: Vec<u8> =
            proof.iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        let found = digest::digest(&digest::SHA256, &client_key);
        verify_slices_are_equal(found.as_ref(), &self.stored_key).map_err(|_| ScramError::Wrong)?;
        let ours = hmac::sign(&self.server_key, said.as_bytes());
        Ok(format!("v={}", BASE64_STANDARD.encode(ours)))
    }
}

/// The application's part of the nonce, out of `n=user,r=nonce` with extensions after it. The
/// user was named before, in the startup packet.
fn client_nonce(bare: &str) -> Option<&str> {
    let mut fields = bare.split(',');
    fields.next()?.strip_prefix("n=")?;
    let nonce = fields.next()?.strip_prefix("r=")?;
    let printable = |byte: u8| byte.is_ascii_graphic();
    (!nonce.is_empty() && nonce.bytes().all(printable)).then_some(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677: user `user`, password `pencil`.
    mod rfc {
        pub(super) const VERIFIER: &str = concat!(
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$",
            "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:",
            "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
        pub(super) const FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
        pub(super) const NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        pub(super) const ANSWER: &str = concat!(
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,",
            "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        pub(super) const LAST: &str = concat!(
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,",
            "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        pub(super) const SIGNATURE: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    }

    #[test]
    fn does_as_the_rfc_shows() {
        let verifier = Verifier::parse(rfc::VERIFIER).unwrap();
        let (exchange, answer) = verifier.begin(SCRAM, None, rfc::NONCE, rfc::FIRST).unwrap();
        assert_eq!(answer, rfc::ANSWER);
        assert_eq!(exchange.finish(rfc::LAST).as_deref(), Ok(rfc::SIGNATURE));
    }

    #[track_caller]
    fn check_first(
        mechanism: &str,
        end_point: Option<&[u8]>,
        first: &str,
        expected: Option<ScramError>,
    ) {
        let verifier = Verifier::parse(rfc::VERIFIER).unwrap();
        assert_eq!(verifier.begin(mechanism, end_point, "ours", first).err(), expected, "{first}");
    }

    #[test]
    fn nobody_in_between_can_take_the_binding_away() {
        let tls = Some(&b"certificate"[..]);
        let end_point = "p=tls-server-end-point,,n=,r=theirs";
        check_first(SCRAM_PLUS, tls, end_point, None);
        check_first(SCRAM, tls, "n,,n=,r=theirs", None); // It cannot do it: an older driver.
        check_first(SCRAM, None, "y,,n=,r=theirs", None); // It could, and we cannot.
        check_first(SCRAM, tls, "y,,n=,r=theirs", Some(ScramError::Binding));
        check_first(SCRAM, tls, end_point, Some(ScramError::Malformed));
        check_first(SCRAM_PLUS, tls, "n,,n=,r=theirs", Some(ScramError::Malformed));
        check_first(SCRAM_PLUS, tls, "p=tls-unique,,n=,r=theirs", Some(ScramError::Malformed));
        check_first(SCRAM_PLUS, None, end_point, Some(ScramError::Malformed));
        check_first("PLAIN", None, "n,,n=,r=theirs", Some(ScramError::Malformed));
    }

    #[test]
    fn the_first_message_is_read_to_the_letter() {
        let malformed = Some(ScramError::Malformed);
        check_first(SCRAM, None, "n,,n=user,r=theirs,x=extension", None);
        check_first(SCRAM, None, "", malformed);
        check_first(SCRAM, None, "n", malformed);
        check_first(SCRAM, None, "n,,", malformed);
        check_first(SCRAM, None, "n,a=another,n=,r=theirs", malformed);
        check_first(SCRAM, None, "n,,m=must,n=,r=theirs", malformed);
        check_first(SCRAM, None, "n,,n=", malformed);
        check_first(SCRAM, None, "n,,n=,r=", malformed);
        check_first(SCRAM, None, "n,,n=,r=with blank", malformed);
    }

    #[track_caller]
    fn check_last(change: (&str, &str), expected: ScramError) {
        let verifier = Verifier::parse(rfc::VERIFIER).unwrap();
        let (exchange, _) = verifier.begin(SCRAM, None, rfc::NONCE, rfc::FIRST).unwrap();
        let last = rfc::LAST.replacen(change.0, change.1, 1);
        assert_ne!(last, rfc::LAST);
        assert_eq!(exchange.finish(&last), Err(expected), "{last}");
    }

    #[test]
    fn a_proof_counts_for_its_own_exchange_alone() {
        check_last(("p=d", "p=e"), ScramError::Wrong);
        check_last((",r=", ",x=extension,r="), ScramError::Malformed);
        check_last((",p=", ",x=extension,p="), ScramError::Wrong); // Said, and not proved.
        check_last(("k0,", "k1,"), ScramError::Malformed);
        check_last(("c=biws", "c=eSws"), ScramError::Binding); // It said `n` before, now `y`.
        check_last(("c=biws,", ""), ScramError::Malformed);
        check_last((",p=", ",q="), ScramError::Malformed);
        check_last(("p=d", "p="), ScramError::Malformed);
        check_last(("p=dHzb", "p="), ScramError::Malformed); // Too short.
    }

    #[test]
    fn a_password_is_proved_by_itself_alone() {
        use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};
        let verifier = Verifier::new("p\u{e4}ss");
        for (password, expected) in [("p\u{e4}ss", None), ("pass", Some(ScramError::Wrong))] {
            let mut client = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
            let first = str::from_utf8(client.message()).unwrap().to_owned();
            let (exchange, answer) = verifier.begin(SCRAM, None, "ours", &first).unwrap();
            client.update(answer.as_bytes()).unwrap();
            let signature = exchange.finish(str::from_utf8(client.message()).unwrap());
            assert_eq!(signature.as_ref().err(), expected.as_ref());
            if let Ok(signature) = signature {
                client.finish(signature.as_bytes()).unwrap();
            }
        }
    }
}
