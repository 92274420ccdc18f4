//! Who may log in, and with which words the others are refused.

use crate::gate::scram;
use crate::jwt::{JwtError, Keys, Scope};
use crate::postgres::catalog::Proof;
use crate::world::{Flavour, World};
use jiff::Timestamp;

/// Why a login was refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// There is no such role, or not with that password.
    Password,
    /// The role wants a token, and this is none. A personal access token is none either.
    NotAJwt,
    /// The token is over, or forged, or another's, or not for this.
    NotAuthorized,
}

impl Refusal {
    /// Lakebase's own words.
    pub fn message(self, flavour: Flavour, role: &str) -> String {
        match (self, flavour) {
            (Self::Password, _) => format!("password authentication failed for user '{role}'"),
            (Self::NotAJwt, _) => {
                "Provided authentication token is not a valid JWT encoding".to_owned()
            }
            (Self::NotAuthorized, Flavour::Provisioned) => {
                "Invalid authorization for databricks identity login".to_owned()
            }
            (Self::NotAuthorized, Flavour::Autoscaling) => {
                "OAuth: User is not authorized".to_owned()
            }
        }
    }
}

/// Judges `password` for `role`, whose `proof` the catalog told.
///
/// # Errors
/// The refusal.
pub fn judge(
    world: &World,
    keys: &Keys,
    now: Timestamp,
    role: &str,
    proof: Option<&Proof>,
    password: &str,
) -> Result<(), Refusal> {
    let kind = match proof {
        None => return Err(Refusal::Password),
        Some(Proof::Password(verifier)) if scram::accepts(verifier, password) => return Ok(()),
        Some(Proof::Password(_)) => return Err(Refusal::Password),
        Some(Proof::Token(kind)) => kind,
    };
    let claims = keys.verify(password, now).map_err(|error| match error {
        JwtError::Malformed => Refusal::NotAJwt,
        JwtError::Forged | JwtError::Expired { .. } => Refusal::NotAuthorized,
    })?;
    // Provisioned instances are reported to take the workspace's own token too.
    let opens = claims.scope == Scope::Postgres || world.flavour == Flavour::Provisioned;
    // A role made with the wrong type does not let its principal in.
    let is_of_kind = world.principals.get(role).is_some_and(|p| p.kind.as_str() == kind);
    if claims.sub == role && opens && is_of_kind { Ok(()) } else { Err(Refusal::NotAuthorized) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwt::Claims;
    use crate::world::Kind;

    const SP: &str = "12345678-1234-4abc-8def-1234567890ab";

    struct Case {
        flavour: Flavour,
        proof: Option<Proof>,
        subject: &'static str,
        scope: Scope,
        now: i64,
    }

    fn usual() -> Case {
        let proof = Some(Proof::Token("SERVICE_PRINCIPAL".to_owned()));
        Case { flavour: Flavour::Provisioned, proof, subject: SP, scope: Scope::Postgres, now: 100 }
    }

    fn world(flavour: Flavour) -> World {
        let mut world = World::new(flavour, "demo");
        world.add(Kind::ServicePrincipal, SP, "An app", false);
        world
    }

    #[track_caller]
    fn check(case: Case, expected: Result<(), Refusal>) {
        let keys = Keys::generate().unwrap();
        let token = keys.sign(&Claims {
            iss: String::new(),
            sub: case.subject.to_owned(),
            scope: case.scope,
            iat: 0,
            exp: 3_600,
            jti: String::new(),
        });
        let now = Timestamp::from_second(case.now).unwrap();
        let world = world(case.flavour);
        assert_eq!(judge(&world, &keys, now, SP, case.proof.as_ref(), &token), expected);
    }

    #[test]
    fn a_token_opens_its_own_role_until_it_expires() {
        let refused = Err(Refusal::NotAuthorized);
        let autoscaling = || Case { flavour: Flavour::Autoscaling, ..usual() };
        check(usual(), Ok(()));
        check(autoscaling(), Ok(()));
        check(Case { now: 3_599, ..usual() }, Ok(()));
        check(Case { now: 3_600, ..usual() }, refused);
        check(Case { subject: "somebody@example.com", ..usual() }, refused);
        check(Case { scope: Scope::AllApis, ..usual() }, Ok(()));
        check(Case { scope: Scope::AllApis, ..autoscaling() }, refused);
        check(Case { proof: Some(Proof::Token("USER".to_owned())), ..usual() }, refused);
        check(Case { proof: None, ..usual() }, Err(Refusal::Password));
        let native = Some(Proof::Password("SCRAM-SHA-256$no".to_owned()));
        check(Case { proof: native, ..usual() }, Err(Refusal::Password));
    }

    #[test]
    fn what_is_no_jwt_is_told_so() {
        let keys = Keys::generate().unwrap();
        let proof = Proof::Token("SERVICE_PRINCIPAL".to_owned());
        let world = world(Flavour::Provisioned);
        for password in ["dapi0123", "", "a.b.c"] {
            let judged = judge(&world, &keys, Timestamp::now(), SP, Some(&proof), password);
            assert_eq!(judged, Err(Refusal::NotAJwt));
        }
    }

    #[test]
    fn refusals_have_the_words_of_lakebase() {
        #[track_caller]
        fn check(refusal: Refusal, flavour: Flavour, expected: &str) {
            assert_eq!(refusal.message(flavour, "me"), expected);
        }
        let (old, new) = (Flavour::Provisioned, Flavour::Autoscaling);
        check(Refusal::Password, old, "password authentication failed for user 'me'");
        check(Refusal::Password, new, "password authentication failed for user 'me'");
        check(Refusal::NotAJwt, old, "Provided authentication token is not a valid JWT encoding");
        let refusal = Refusal::NotAuthorized;
        check(refusal, old, "Invalid authorization for databricks identity login");
        check(refusal, new, "OAuth: User is not authorized");
    }
}
