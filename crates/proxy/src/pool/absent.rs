//! Databases that are not there, for a moment: an application that asks for one again and again
//! costs the server no login each time.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::Origin;
use crate::logins::Failure;

/// How long a server's word is repeated. What the pool's own applications create is there at once;
/// what others create is seen after this time.
const HOLDS: Duration = Duration::from_secs(2);
/// How many names are remembered: those that nobody has are many.
const REMEMBERED: usize = 100;
/// What a server says of a database that it has not.
const NOT_THERE: &str = "3D000";

/// Names of databases that are not there, and the server's words.
#[derive(Debug, Default)]
pub(super) struct Absent(HashMap<String, (Failure, Instant)>);

impl Absent {
    /// Notes why a login failed, if it is for the name of the database.
    pub(super) fn note(&mut self, origin: &Origin, failure: &Failure, now: Instant) {
        // Whoever sets up the login's own database does so beside the pool, and then starts at once.
        let Some(name) = origin.database().filter(|_| failure.code == NOT_THERE) else { return };
        self.0.retain(|_, (_, until)| now < *until);
        if self.0.len() < REMEMBERED {
            self.0.insert(name.to_owned(), (failure.clone(), now + HOLDS));
        }
    }

    /// What the server said a moment ago.
    pub(super) fn recall(&self, origin: &Origin, now: Instant) -> Option<Failure> {
        if self.0.is_empty() {
            return None;
        }
        let (failure, until) = self.0.get(origin.database()?)?;
        (now < *until).then(|| failure.clone())
    }

    /// There may be databases now that were not there.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}
