//! Signed tokens: RS256 JSON Web Tokens, made and checked with one key per run.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{self, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a token of the emulator says.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Claims {
    /// The token endpoint that made it.
    pub iss: String,
    /// Whom it stands for: a client id or an e-mail address.
    pub sub: String,
    /// What it opens: [`Scope::AllApis`] or [`Scope::Postgres`].
    pub scope: Scope,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// Makes two tokens of one second differ.
    pub jti: String,
}

/// What a token opens.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Scope {
    /// The workspace's REST API.
    #[serde(rename = "all-apis")]
    AllApis,
    /// A login to Postgres.
    #[serde(rename = "postgres")]
    Postgres,
}

/// Why a token does not count.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JwtError {
    /// Not three base64url parts with JSON in them: a personal access token, say.
    #[error("the token is not a JWT")]
    Malformed,
    /// A JWT that this run's key did not sign.
    #[error("the token's signature is wrong")]
    Forged,
    /// Ours, but over.
    #[error("the token expired at {exp}")]
    Expired {
        /// Seconds since 1970.
        exp: i64,
    },
}

/// The signing key of one run.
pub struct Keys {
    pair: KeyPair,
}

const HEADER: &str = r#"{"alg":"RS256","kid":"lakebase-emulator","typ":"JWT"}"#;

impl Keys {
    /// Makes a new 2048-bit RSA key.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate() -> Result<Self, Unspecified> {
        KeyPair::generate(KeySize::Rsa2048).map(|pair| Self { pair })
    }

    /// Signs `claims`.
    pub fn sign(&self, claims: &Claims) -> String {
        let claims = serde_json::to_vec(claims).expect("claims are text and numbers");
        let signed = format!("{}.{}", BASE64URL.encode(HEADER), BASE64URL.encode(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &signature::RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .expect("the buffer has the key's length");
        format!("{signed}.{}", BASE64URL.encode(signature))
    }

    /// Reads `token` and checks form, signature and expiry, in this order.
    ///
    /// # Errors
    /// See [`JwtError`].
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, JwtError> {
        let claims: Claims = unverified(token)?;
        let (signed, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
        let signature = BASE64URL.decode(signature).map_err(|_| JwtError::Malformed)?;
        UnparsedPublicKey::new(
            &signature::RSA_PKCS1_2048_8192_SHA256,
            self.pair.public_key().as_ref(),
        )
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| JwtError::Forged)?;
        if claims.exp <= now.as_second() {
            return Err(JwtError::Expired { exp: claims.exp });
        }
        Ok(claims)
    }
}

/// The claims of a token whose signature is not checked: a federation subject is signed by an
/// identity provider that the emulator does not know.
///
/// # Errors
/// [`JwtError::Malformed`], also for a JWT that lacks a claim of `T`.
pub fn unverified<T: for<'de> Deserialize<'de>>(token: &str) -> Result<T, JwtError> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(JwtError::Malformed);
    };
    let claims = BASE64URL.decode(claims).map_err(|_| JwtError::Malformed)?;
    serde_json::from_slice(&claims).map_err(|_| JwtError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        Claims {
            iss: "https://localhost/oidc".to_owned(),
            sub: "someone".to_owned(),
            scope: Scope::Postgres,
            iat: 1_000,
            exp: 4_600,
            jti: "1".to_owned(),
        }
    }

    #[test]
    fn a_token_counts_until_it_expires_and_only_if_ours() {
        let keys = Keys::generate().unwrap();
        let ours = keys.sign(&claims());
        let theirs = Keys::generate().unwrap().sign(&claims());
        let (head, _) = ours.rsplit_once('.').unwrap();
        let (_, other_signature) = theirs.rsplit_once('.').unwrap();

        #[track_caller]
        fn check(keys: &Keys, token: &str, now: i64, expected: Result<Claims, JwtError>) {
            assert_eq!(keys.verify(token, Timestamp::from_second(now).unwrap()), expected);
        }
        check(&keys, &ours, 1_000, Ok(claims()));
        check(&keys, &ours, 4_599, Ok(claims()));
        check(&keys, &ours, 4_600, Err(JwtError::Expired { exp: 4_600 }));
        check(&keys, &theirs, 1_000, Err(JwtError::Forged));
        // An old token with a foreign signature is forged, whatever its dates.
        check(&keys, &format!("{head}.{other_signature}"), 9_999, Err(JwtError::Forged));
        check(&keys, head, 1_000, Err(JwtError::Malformed));
        check(&keys, "dapi0123456789", 1_000, Err(JwtError::Malformed));
        check(&keys, "a.b.c", 1_000, Err(JwtError::Malformed));
        check(&keys, "", 1_000, Err(JwtError::Malformed));
    }

    #[test]
    fn foreign_claims_are_read_without_a_key() {
        #[derive(Debug, Deserialize, PartialEq)]
        struct Subject {
            sub: String,
        }
        let token = format!("{}.{}.x", BASE64URL.encode("{}"), BASE64URL.encode(r#"{"sub":"s"}"#));
        assert_eq!(unverified(&token), Ok(Subject { sub: "s".to_owned() }));
    }
}
