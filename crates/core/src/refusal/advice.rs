//! What a person is told of a refused login, and what to do about it.

use alloc::format;
use alloc::string::String;

use super::LoginRefusal;
use crate::edge::ServerError;
use crate::problem::{Kind, Problem};
use crate::sql::{Literal, Name};

/// The login that was refused.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The server.
    pub host: &'a str,
    /// The role.
    pub user: &'a str,
    /// The database.
    pub database: &'a str,
    /// What was sent as password.
    pub password: Password,
}

/// What a password is: it decides what may be wrong with it, and who can mend it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Password {
    /// A credential that had just been minted: it is not expired.
    Fresh,
    /// A credential that a person brought.
    Pasted,
    /// The password of LOCAL mode.
    Configured,
}

impl Attempt<'_> {
    /// That it was refused, in the server's words.
    pub(crate) fn refused(&self, error: &ServerError) -> String {
        let Self { host, user, database, .. } = self;
        format!("{host} refused the login of \"{user}\" to database \"{database}\": {error}")
    }
}

impl LoginRefusal {
    /// Tells a person what was refused, what it looks like, and what to do next.
    pub fn problem(self, error: &ServerError, attempt: &Attempt<'_>) -> Problem {
        let looks = self.looks_like(attempt.password);
        Problem {
            kind: self.kind(),
            message: attempt.refused(error) + looks,
            advice: self.advice(attempt),
            sqlstate: (!error.code.is_empty()).then(|| error.code.clone()),
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Waking | Self::TooManyConnections => Kind::Unavailable,
            _ => Kind::Login,
        }
    }

    /// The end of the message: which of several causes it looks like.
    const fn looks_like(self, password: Password) -> &'static str {
        match (self, password) {
            (Self::DeadToken, Password::Fresh) => {
                "; with a fresh token, so it looks like a wrong identity"
            }
            (Self::DeadToken, Password::Pasted) => {
                "; it looks like an expired token or a wrong identity"
            }
            (Self::DeadToken, Password::Configured) => "; it looks like a wrong password",
            (Self::ExpiredToken, Password::Fresh) => {
                "; with a fresh token, so it looks like a server whose clock is wrong"
            }
            (Self::NoRole, _) => "; it looks like there is no role of that name",
            (Self::NotAToken, Password::Fresh | Password::Pasted) => {
                "; it looks like the password is no database credential"
            }
            _ => "",
        }
    }

    fn advice(self, attempt: &Attempt<'_>) -> String {
        let Attempt { host, user, database, password } = attempt;
        match self {
            Self::DeadToken | Self::ExpiredToken | Self::NotAToken | Self::NoRole
                if *password == Password::Configured =>
            {
                format!(
                    "Check POSTGRES_USER and POSTGRES_PASSWORD, and that {host} is the server you \
                     mean. A database of Databricks takes tokens: set ENV=PROD for those."
                )
            }
            Self::DeadToken | Self::ExpiredToken | Self::NotAToken
                if *password == Password::Pasted =>
            {
                format!(
                    "Bring a new database credential; it lives an hour, and logs in only \"{user}\" \
                     if \"{user}\" asked for it."
                )
            }
            Self::DeadToken => format!(
                "A token logs in only as the identity that asked for it. Check that \"{user}\" is \
                 the client id (for a person, the e-mail address) behind the workspace token, that \
                 DATABRICKS_HOST is the workspace of {host}, and that its role was created for \
                 OAuth. As an admin of the database:\n{}",
                create_role(user)
            ),
            Self::ExpiredToken => format!(
                "The token was minted a moment ago. Check the clock of {host}, and report it to \
                 whoever runs it."
            ),
            Self::NoRole => no_role(user),
            Self::NotAToken => String::from(
                "A personal access token or a workspace token is no database password. Check that \
                 LAKEBASE_INSTANCE_NAME or LAKEBASE_ENDPOINT names the instance of this host, so \
                 that a credential is minted for it.",
            ),
            Self::NoTls if *password == Password::Configured => format!(
                "LOCAL mode does without TLS on this machine, and what listens at {host} wants it. If \
                 that is a Lakebase, set ENV=PROD."
            ),
            Self::NoTls => format!(
                "{host} takes no plaintext. Connect with TLS: plaintext is for LOCAL mode alone."
            ),
            Self::NativeLoginOff => String::from(
                "The gateway closes the connection when native Postgres login is switched off. \
                 Switch it on in the settings of the instance.",
            ),
            Self::EndpointDisabled => {
                String::from("Enable the endpoint, or start the instance, in the workspace.")
            }
            Self::EndpointNotFound => {
                format!("Check POSTGRES_HOST: no endpoint answers to {host}.")
            }
            Self::Waking => {
                String::from("The server is starting or waking up. Try again in a few seconds.")
            }
            Self::TooManyConnections => String::from(
                "All connections are taken. Close some, lower the size of the pools, or give the \
                 instance more capacity.",
            ),
            Self::MissingDatabase => format!(
                "Run `lakegate setup` as an admin, or:\nCREATE DATABASE {};",
                Name(database)
            ),
            Self::NoConnectPrivilege => format!(
                "As an admin of the database:\nGRANT CONNECT ON DATABASE {} TO {};",
                Name(database),
                Name(user)
            ),
            Self::Other => format!(
                "The text is not one we know. `lakegate doctor` checks each step to {host} by \
                 itself."
            ),
        }
    }
}

/// The lines that make a role for an identity. Lakebase makes an OAuth role only this way.
pub(crate) fn create_role(user: &str) -> String {
    format!(
        "CREATE EXTENSION IF NOT EXISTS databricks_auth;\n\
         SELECT databricks_create_role({}, '{}');",
        Literal(user),
        kind_of(user)
    )
}

/// What to do when there is no role for an identity.
pub(crate) fn no_role(user: &str) -> String {
    format!(
        "Roles are kept per branch, so one made on another branch does not count. As an admin of \
         the database:\n{}",
        create_role(user)
    )
}

/// The type of identity that a role's name tells, as the workspace spells it.
pub(crate) fn kind_of(user: &str) -> &'static str {
    if user.contains('@') { "USER" } else { "SERVICE_PRINCIPAL" }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check(refusal: LoginRefusal, user: &str, password: Password, text: &str, expected: Expect) {
        let error = ServerError { message: text.into(), ..ServerError::default() };
        let attempt = Attempt { host: "db.example.com", user, database: "app", password };
        let problem = refusal.problem(&error, &attempt);
        expected.assert_eq(&format!("{}\n{}\n", problem.message, problem.advice));
    }

    #[test]
    fn a_missing_role_gets_the_lines_that_make_it() {
        check(
            LoginRefusal::NoRole,
            "o'neil@example.com",
            Password::Fresh,
            "password authentication failed for user 'o'neil@example.com'",
            expect![[r#"
                db.example.com refused the login of "o'neil@example.com" to database "app": password authentication failed for user 'o'neil@example.com'; it looks like there is no role of that name
                Roles are kept per branch, so one made on another branch does not count. As an admin of the database:
                CREATE EXTENSION IF NOT EXISTS databricks_auth;
                SELECT databricks_create_role('o''neil@example.com', 'USER');
            "#]],
        );
    }

    #[test]
    fn the_same_words_mean_other_things_for_other_passwords() {
        let text = "OAuth: User is not authorized";
        check(
            LoginRefusal::DeadToken,
            "3f2a",
            Password::Fresh,
            text,
            expect![[r#"
            db.example.com refused the login of "3f2a" to database "app": OAuth: User is not authorized; with a fresh token, so it looks like a wrong identity
            A token logs in only as the identity that asked for it. Check that "3f2a" is the client id (for a person, the e-mail address) behind the workspace token, that DATABRICKS_HOST is the workspace of db.example.com, and that its role was created for OAuth. As an admin of the database:
            CREATE EXTENSION IF NOT EXISTS databricks_auth;
            SELECT databricks_create_role('3f2a', 'SERVICE_PRINCIPAL');
        "#]],
        );
        check(
            LoginRefusal::DeadToken,
            "a@b.example",
            Password::Pasted,
            text,
            expect![[r#"
            db.example.com refused the login of "a@b.example" to database "app": OAuth: User is not authorized; it looks like an expired token or a wrong identity
            Bring a new database credential; it lives an hour, and logs in only "a@b.example" if "a@b.example" asked for it.
        "#]],
        );
        let text = "password authentication failed for user \"app\"";
        check(
            LoginRefusal::DeadToken,
            "app",
            Password::Configured,
            text,
            expect![[r#"
            db.example.com refused the login of "app" to database "app": password authentication failed for user "app"; it looks like a wrong password
            Check POSTGRES_USER and POSTGRES_PASSWORD, and that db.example.com is the server you mean. A database of Databricks takes tokens: set ENV=PROD for those.
        "#]],
        );
        let text = "role \"app\" does not exist";
        check(
            LoginRefusal::NoRole,
            "app",
            Password::Configured,
            text,
            expect![[r#"
            db.example.com refused the login of "app" to database "app": role "app" does not exist; it looks like there is no role of that name
            Check POSTGRES_USER and POSTGRES_PASSWORD, and that db.example.com is the server you mean. A database of Databricks takes tokens: set ENV=PROD for those.
        "#]],
        );
    }

    #[test]
    fn names_are_quoted() {
        let text = "permission denied for database \"app\"";
        check(
            LoginRefusal::NoConnectPrivilege,
            "a\"b",
            Password::Fresh,
            text,
            expect![[r#"
            db.example.com refused the login of "a"b" to database "app": permission denied for database "app"
            As an admin of the database:
            GRANT CONNECT ON DATABASE "app" TO "a""b";
        "#]],
        );
    }
}
