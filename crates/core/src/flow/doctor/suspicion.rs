//! Why a login with a new token was refused: several causes share Lakebase's few words, and what
//! is known of the token and of the roles tells them apart.

use alloc::format;
use alloc::string::String;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Cause;
use crate::api::roles::Role;
use crate::json::{self, FromJson, Object};
use crate::refusal::{LoginRefusal, create_role, kind_of, no_role};
use crate::secret::Secret;

/// All that is known.
pub(super) struct Clue<'a> {
    /// What the server's words usually mean.
    pub(super) refused: LoginRefusal,
    /// Who wanted in.
    pub(super) role: &'a str,
    /// What the token says of itself; `None` when it is no JSON web token.
    pub(super) claims: Option<Claims>,
    /// The workspace's clock, in milliseconds since 1970.
    pub(super) now: i64,
    /// The roles, when the workspace lists them to us.
    pub(super) roles: Option<&'a [Role]>,
}

/// What a token says of itself. Nothing is verified: it is the server's to believe it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Claims {
    /// `sub`, when it looks like the name of a role.
    owner: Option<String>,
    /// `exp`, in seconds since 1970.
    expires: Option<i64>,
}

impl Claims {
    /// Reads the middle part of a JSON web token.
    pub(super) fn read(token: &Secret) -> Option<Self> {
        let payload = token.expose().split('.').nth(1)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let mut claims = Object::from_json(json::parse(&payload)?).ok()?;
        let owner = claims.take("sub").ok().filter(|sub: &String| is_role_name(sub));
        Some(Self { owner, expires: claims.take("exp").ok() })
    }
}

/// A person's address or an application id: anything else says nothing of a role.
fn is_role_name(sub: &str) -> bool {
    sub.contains('@') || (sub.len() == 36 && sub.matches('-').count() == 4)
}

/// What it looks like.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Suspicion<'a> {
    /// The token is somebody else's.
    WrongIdentity { owner: String },
    /// There is no such role.
    NoRole,
    /// The role was made for another type of identity.
    WrongRoleType { kind: &'a str },
    /// The token is over.
    DeadToken { seconds: i64 },
}

/// What it looks like; `None` when the server's words are all there is to go by.
pub(super) fn suspect<'a>(clue: &Clue<'a>) -> Option<Suspicion<'a>> {
    // Where a password is no token at all, its words are clear enough.
    let claims = clue.claims.as_ref().filter(|_| clue.refused != LoginRefusal::NotAToken)?;
    if let Some(owner) = &claims.owner
        && !owner.eq_ignore_ascii_case(clue.role)
    {
        return Some(Suspicion::WrongIdentity { owner: owner.clone() });
    }
    if let Some(roles) = clue.roles {
        let Some(role) = roles.iter().find(|role| role.name == clue.role) else {
            return Some(Suspicion::NoRole);
        };
        // Whoever is in a group logs in as that group.
        if role.kind != kind_of(clue.role) && role.kind != "GROUP" {
            return Some(Suspicion::WrongRoleType { kind: &role.kind });
        }
    }
    let seconds = clue.now / 1000 - claims.expires?;
    (0 <= seconds).then_some(Suspicion::DeadToken { seconds })
}

impl Suspicion<'_> {
    /// The cause, the end of a sentence about the refusal, and what to do.
    pub(super) fn told(&self, role: &str) -> (Cause, String, String) {
        match self {
            Self::WrongIdentity { owner } => (
                Cause::WrongIdentity,
                format!("the token is of `{owner}`"),
                format!(
                    "A token logs in only as its owner. Configure the identity of \"{role}\", or \
                     let an admin of the database give `{owner}` a role:\n{}",
                    create_role(owner)
                ),
            ),
            Self::NoRole => {
                (Cause::NoRole, String::from("the workspace lists no such role"), no_role(role))
            }
            Self::WrongRoleType { kind } => (
                Cause::WrongRoleType,
                format!("the role is of type {kind}, which lets no {} in", kind_of(role)),
                format!(
                    "A role keeps its type. Delete it in the workspace, which hands over what it \
                     owns, and create it anew. As an admin of the database:\n{}",
                    create_role(role)
                ),
            ),
            Self::DeadToken { seconds } => (
                Cause::DeadToken,
                format!("the token ended {seconds} s ago, by the workspace's clock"),
                String::from(
                    "It was bought a moment ago, so the workspace gives tokens that are over. Try \
                     again, and if it stays so report it to Databricks.",
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SP: &str = "12345678-1234-4abc-8def-1234567890ab";

    fn role(name: &str, kind: &str) -> Role {
        Role { name: name.into(), kind: kind.into() }
    }

    fn token(payload: &str) -> Secret {
        Secret::new(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload)))
    }

    #[track_caller]
    fn check(payload: &str, roles: Option<&[Role]>, expected: Option<Suspicion<'_>>) {
        let claims = Claims::read(&token(payload));
        let refused = LoginRefusal::DeadToken;
        let clue = Clue { refused, role: SP, claims, now: 1_000_000, roles };
        assert_eq!(suspect(&clue), expected, "{payload}");
    }

    #[test]
    fn the_token_and_the_roles_tell_causes_apart() {
        let own = format!(r#"{{"sub":"{SP}","exp":1001}}"#);
        let known = [role("other", "USER"), role(SP, "SERVICE_PRINCIPAL")];
        check(&own, Some(&known), None);
        check(&own, None, None);
        check(&own, Some(&known[..1]), Some(Suspicion::NoRole));
        let kind = "USER";
        check(&own, Some(&[role(SP, kind)]), Some(Suspicion::WrongRoleType { kind }));
        check(&own, Some(&[role(SP, "GROUP")]), None);
        let over = format!(r#"{{"sub":"{SP}","exp":900}}"#);
        check(&over, Some(&known), Some(Suspicion::DeadToken { seconds: 100 }));
        check(&over, None, Some(Suspicion::DeadToken { seconds: 100 }));
        let owner = || String::from("a@b.example");
        check(r#"{"sub":"a@b.example"}"#, None, Some(Suspicion::WrongIdentity { owner: owner() }));
        check(r#"{"sub":"an opaque number"}"#, None, None);
        check("{}", None, None);
    }

    #[test]
    fn what_is_no_token_is_not_interpreted() {
        for text in ["dapi0123", "a.b.c", "e30.e30", ""] {
            let claims = Claims::read(&Secret::new(text));
            assert_eq!(claims, (text == "e30.e30").then(Claims::default), "{text}");
        }
    }
}
