//! Checks a password against the verifier that Postgres stores (`SCRAM-SHA-256$…`).
//!
//! The gate asks for every password in clear text, inside TLS, because a token cannot be proven
//! otherwise; so it checks those of native roles by itself. Passwords are taken as their bytes,
//! without the normalization of SASLprep, which changes nothing in ASCII.

use std::num::NonZeroU32;

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Whether `password` is the one behind `verifier`. A verifier in any other form accepts nothing.
pub fn accepts(verifier: &str, password: &str) -> bool {
    let Some((iterations, salt, stored_key)) = parse(verifier) else { return false };
    let mut salted = [0; digest::SHA256_OUTPUT_LEN];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, password.as_bytes(), &mut salted);
    let client_key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &salted), b"Client Key");
    let ours = digest::digest(&digest::SHA256, client_key.as_ref());
    constant_time::verify_slices_are_equal(ours.as_ref(), &stored_key).is_ok()
}

/// `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`
fn parse(verifier: &str) -> Option<(NonZeroU32, Vec<u8>, Vec<u8>)> {
    let (iterations, rest) = verifier.strip_prefix("SCRAM-SHA-256$")?.split_once(':')?;
    let (salt, keys) = rest.split_once('$')?;
    let (stored_key, _) = keys.split_once(':')?;
    Some((iterations.parse().ok()?, BASE64.decode(salt).ok()?, BASE64.decode(stored_key).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677 §3: password `pencil`, 4096 iterations; the keys follow from it.
    const PENCIL: &str = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
        WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

    #[test]
    fn only_the_right_password_is_accepted() {
        #[track_caller]
        fn check(verifier: &str, password: &str, expected: bool) {
            assert_eq!(accepts(verifier, password), expected);
        }
        check(PENCIL, "pencil", true);
        check(PENCIL, "Pencil", false);
        check(PENCIL, "", false);
        check("md5d41d8cd98f00b204e9800998ecf8427e", "pencil", false);
        check("SCRAM-SHA-256$0:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d:wfPL", "pencil", false);
        check("", "", false);
    }
}
