//! Who is let in, and how it is found out.

use std::cell::Cell;

use super::*;

// The SHA-256 digests of "admin", "token" and "other".
const ADMIN: &str = "8c6976e5b5410415bde908bd4dee15dfb167a9c873fc4bb8a81f6f2ab448a918";
const TOKEN: &str = "3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0";
const OTHER: &str = "D9298A10D1B0735837DC4BD85DAC641B0F3CEF27A47E5D53A54F2F3F5B2FCFFA";

#[track_caller]
fn check(admin: &str, token: &str, scope: Scope, headers: &[&str], expected: Option<Type>) {
    let keys = Keys::read(&Settings::of(&[(ADMIN_KEYS, admin), (TOKEN_KEYS, token)]));
    let headers: Vec<_> = headers.iter().map(|header| header.as_bytes()).collect();
    let refused = keys.admit(scope, &headers).err().map(|fault| fault.kind());
    assert_eq!(refused, expected, "{scope:?} {headers:?}");
}

#[test]
fn a_key_opens_its_scope_and_no_other() {
    use Type::*;
    for (scope, header, expected) in [
        (Scope::Open, "", None),
        (Scope::Admin, "Bearer admin", None),
        (Scope::Token, "Bearer token", None),
        (Scope::Admin, "bearer admin", None),
        (Scope::Admin, "Bearer  admin ", None),
        (Scope::Token, "Bearer admin", Some(Forbidden)),
        (Scope::Admin, "Bearer token", Some(Forbidden)),
        (Scope::Admin, "Bearer nobody", Some(Unauthorized)),
        (Scope::Admin, "Bearer Admin", Some(Unauthorized)),
        (Scope::Admin, "Bearer ", Some(Unauthorized)),
        (Scope::Admin, "Bearer", Some(Unauthorized)),
        (Scope::Admin, "admin", Some(Unauthorized)),
        (Scope::Admin, "Basic admin", Some(Unauthorized)),
        // The digest is no key.
        (Scope::Admin, &format!("Bearer {ADMIN}"), Some(Unauthorized)),
    ] {
        check(ADMIN, TOKEN, scope, &[header], expected);
    }
}

#[test]
fn one_header_counts_and_two_are_none() {
    check(ADMIN, TOKEN, Scope::Admin, &[], Some(Type::Unauthorized));
    let twice = ["Bearer admin", "Bearer admin"];
    check(ADMIN, TOKEN, Scope::Admin, &twice, Some(Type::Unauthorized));
}

#[test]
fn several_keys_are_known_at_once() {
    for between in [" ", ",", ", ", "\n", " , \t"] {
        let both = format!("{ADMIN}{between}{OTHER}");
        check(&both, "", Scope::Admin, &["Bearer admin"], None);
        check(&both, "", Scope::Admin, &["Bearer other"], None);
    }
}

#[test]
fn a_scope_without_a_key_is_closed_to_everybody() {
    for headers in [&[][..], &["Bearer admin"], &["Bearer token"]] {
        check("", TOKEN, Scope::Admin, headers, Some(Type::Closed));
        check(ADMIN, "", Scope::Token, headers, Some(Type::Closed));
    }
    check("", TOKEN, Scope::Token, &["Bearer token"], None);
}

#[test]
fn a_malformed_digest_closes_its_scope_and_is_told_by_name() {
    for bad in ["x", &ADMIN[1..], &format!("{ADMIN}0"), &format!("{ADMIN} x"), &"é".repeat(32)] {
        check(bad, TOKEN, Scope::Admin, &["Bearer admin"], Some(Type::Configuration));
        check(bad, TOKEN, Scope::Token, &["Bearer token"], None);
    }
    let keys = Keys::read(&Settings::of(&[(ADMIN_KEYS, "s3cret")]));
    let fault = keys.admit(Scope::Admin, &[]).unwrap_err();
    let text = format!("{fault:?}");
    assert!(text.contains(ADMIN_KEYS) && !text.contains("s3cret"), "{text}");
}

#[test]
fn every_digest_is_compared_even_after_one_is_equal() {
    thread_local!(static COMPARED: Cell<usize> = const { Cell::new(0) });

    struct Counting(u8);
    impl ConstantTimeEq for Counting {
        fn ct_eq(&self, other: &Self) -> Choice {
            COMPARED.set(COMPARED.get() + 1);
            self.0.ct_eq(&other.0)
        }
    }

    let known: Vec<_> = (0..5).map(Counting).collect();
    for (given, expected) in [(0, true), (4, true), (9, false)] {
        COMPARED.set(0);
        assert_eq!(bool::from(any_equal(&known, &Counting(given))), expected);
        assert_eq!(COMPARED.get(), known.len(), "{given}");
    }
}
