//! The canary: every secret of a house, and the search for it in what programs wrote.

use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How much of a secret may not be seen. Fewer characters would be found by chance.
const PREFIX: usize = 12;

/// How every JSON web token begins, because its header does: `{"`.
const TOKEN: &str = "eyJ";

/// Secrets that no program may write anywhere but where it was asked for one.
#[derive(Default)]
pub(crate) struct Secrets(Mutex<Vec<String>>);

impl Secrets {
    /// Makes a secret known.
    pub(crate) fn learn(&self, secret: &str) {
        assert!(PREFIX <= secret.len(), "a secret of this house must be long enough to be found");
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.iter().any(|own| own == secret) {
            known.push(secret.to_owned());
        }
    }

    /// Makes every token known that `output` was meant to hold.
    pub(crate) fn learn_tokens(&self, output: &str) {
        for token in tokens(output) {
            self.learn(token);
            // The signature is a secret by itself: the rest of a token can be guessed.
            if let Some((_, signature)) = token.rsplit_once('.') {
                self.learn(signature);
            }
        }
    }

    /// Fails the test if a secret, or the beginning of one, stands in `text`.
    #[track_caller]
    pub(crate) fn must_not_be_in(&self, text: &str, whose: &str) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for secret in known.iter() {
            let prefix = secret.get(..PREFIX).unwrap_or(secret);
            // What all tokens share tells nothing; those are found by their shape.
            let seen = !prefix.starts_with(TOKEN) && text.contains(prefix);
            assert!(!seen, "{whose} shows a secret that begins with `{prefix}`:\n{text}");
        }
        let token = tokens(text).next();
        assert!(token.is_none(), "{whose} shows a token:\n{text}");
    }
}

/// What looks like a token, or like the first letters of one.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.split(move |c| !is_letter(c))
        .filter_map(|word| word.match_indices(TOKEN).find_map(|(start, _)| token(&word[start..])))
}

/// A text that begins as a token does. In a certificate that is written out, and whatever else is
/// random, three letters are found by chance: a token's go on as JSON.
fn token(text: &str) -> Option<&str> {
    let header = URL_SAFE_NO_PAD.decode(text.get(..PREFIX)?).ok()?;
    header.iter().all(|byte| matches!(byte, b' '..=b'~')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, found: bool) {
        let secrets = Secrets::default();
        secrets.learn("dose0123456789abcdef");
        secrets.learn_tokens(
            r#"{"token":"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLW9mLTE"}"#,
        );
        let search = || secrets.must_not_be_in(text, "the test");
        assert_eq!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(search)).is_err(), found);
    }

    #[test]
    fn finds_a_secret_by_its_beginning_and_a_token_by_its_shape_or_signature() {
        check("nothing to see, nor dose alone", false);
        check("secret=dose0123456789abcdef", true);
        check("secret=dose01234567...", true);
        check("Bearer eyJhbGciOiJS...", true);
        check("a token of another run: eyJhbGciOiJIUzI1NiJ9.e30.x", true);
        check("signature c2lnbmF0dXJl", true);
        check("eyJust", false);
        check("MIIBeyJust0by0chance1000", false);
        check("MIIBeyJust0by0chanceyJhbGciOiJS", true);
    }
}
