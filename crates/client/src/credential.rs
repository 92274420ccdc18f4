//! What logs in.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lakegate_core::flow::connector::Ticket;
use lakegate_core::refusal::Attempt;
use lakegate_core::secret::Secret;

/// What logs in to the database, and where. Clones share it; its `Debug` does not show the password.
///
/// It is for what connects by itself: a driver that is not supported here, a program that is
/// started. Ask for it at each connection, and keep it no longer than that.
#[derive(Clone)]
pub struct Credential(Arc<Parts>);

struct Parts {
    ticket: Ticket,
    password: Secret,
}

impl Credential {
    pub(crate) fn new(ticket: Ticket, password: Secret) -> Self {
        Self(Arc::new(Parts { ticket, password }))
    }

    /// The server: a DNS name or an IP address, and the name that its certificate carries.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.ticket.server.host
    }

    /// Its TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.ticket.server.port
    }

    /// The role: of a service principal its client id.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.0.ticket.user
    }

    /// The password. Every call is a place where it could leak: keep them few.
    #[must_use]
    pub fn password(&self) -> &str {
        self.0.password.expose()
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.0.ticket.database
    }

    /// The schema of the application.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.0.ticket.schema
    }

    /// Which token it is, from 1: a greater one is newer.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.0.ticket.generation
    }

    /// Until when it may be used for logins; `None` for the password of LOCAL mode, which never
    /// ends. Connections that are open then live on.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        let validity = self.0.ticket.validity?;
        Some(SystemTime::UNIX_EPOCH + Duration::from_millis(validity.until))
    }

    pub(crate) fn ticket(&self) -> &Ticket {
        &self.0.ticket
    }

    /// A login with it, as the reports of refused logins name it.
    pub(crate) fn attempt(&self) -> Attempt<'_> {
        self.0.ticket.attempt()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Credential").field(&self.0.ticket).finish()
    }
}

#[cfg(test)]
mod tests {
    use lakegate_core::edge::Server;
    use lakegate_core::flow::connector::Validity;

    use super::*;

    #[test]
    fn it_is_shown_without_its_password() {
        let server = Server { host: "db.example".into(), port: 5432, plaintext: false };
        let validity =
            Some(Validity { left: Duration::from_secs(3_560), until: 1_795_349_839_000 });
        let text = |text: &str| text.to_owned();
        let ticket = Ticket {
            generation: 1,
            server,
            user: text("sp"),
            database: text("app"),
            schema: text("public"),
            validity,
        };
        let credential = Credential::new(ticket, Secret::new("s3cret"));
        assert_eq!(credential.password(), "s3cret");
        assert!(!format!("{credential:?}").contains("s3cret"));
        let until =
            credential.expires_at().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(until.as_secs(), 1_795_349_839);
    }
}
