//! A proxy for one program alone, which ends with it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use lakegate_edges::clock::Clock;
use lakegate_edges::tls;
use lakegate_proxy::{Metrics, Mode, Options, Proxy, ServerError, Tuning};
use rustls::crypto::aws_lc_rs;
use zeroize::Zeroizing;

use crate::child::environment::Door;
use crate::component::{Credential, Gate};
use crate::failure::Failure;
use crate::logins::{Tokens, as_reported};

/// After so long without an answer somebody who waits is told for what.
const PATIENCE: Duration = Duration::from_secs(2);

/// How Postgres refuses a login for which somebody has to prepare the database: there is none of
/// that name, or the role may not connect to it. The token has nothing to do with these.
const NOT_SET_UP: [&str; 2] = ["3D000", "42501"];

/// A proxy on a free port of this machine. Every driver can do TCP, but everybody on this machine
/// can reach it: so it has a password that is made up for this one run.
pub(crate) struct Private {
    pub(crate) proxy: Proxy,
    pub(crate) door: Door,
    /// Where its server connections log in, without the secret.
    pub(crate) credential: Credential,
    gate: Gate,
}

impl Private {
    /// Starts it when there is a token; nobody has logged in to the database yet.
    ///
    /// # Errors
    ///
    /// There is no token, no free port, or no trusted certificate on this machine.
    pub(crate) async fn start(
        gate: &Gate,
        clock: &Clock,
        mode: Mode,
        threads: usize,
        pool: Tuning,
    ) -> Result<Self, Failure> {
        let credential = gate.current().await?;
        let password = made_up()?;
        let options = Options {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
            unix_socket: None,
            mode,
            threads,
            tls: tls::client_config()?,
            tuning: Tuning { password: Some(password.clone()), app_tls: None, ..pool },
        };
        let tokens = Arc::new(Tokens::keep(gate.clone(), clock.clone()));
        let proxy = Proxy::start(options, tokens, Metrics::default())?;
        let address = *proxy.addresses().first().context("the proxy has no address")?;
        Ok(Self { proxy, door: Door { address, password }, credential, gate: gate.clone() })
    }

    /// Waits until a login to the database has worked. With `progress` somebody who waits is told
    /// for what.
    ///
    /// # Errors
    ///
    /// The database cannot be logged in to.
    pub(crate) async fn ready(&self, progress: bool) -> Result<(), Failure> {
        let mut probe = std::pin::pin!(self.proxy.probe());
        let answer = tokio::select! {
            biased;
            answer = &mut probe => answer,
            () = tokio::time::sleep(PATIENCE) => {
                if progress {
                    let Credential { host, database, .. } = &self.credential;
                    eprintln!("lakegate: waiting for database {database} at {host}");
                }
                probe.await
            }
        };
        match answer {
            Ok(()) => Ok(()),
            Err(failure) if NOT_SET_UP.contains(&&*failure.code) => {
                Err(self.explain(failure).await)
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// The same failure with what mends it, which the component knows.
    async fn explain(&self, failure: lakegate_proxy::Failure) -> Failure {
        let lakegate_proxy::Failure { code, message, hint, .. } = failure.clone();
        let refusal = as_reported(&ServerError { code, message, detail: None, hint });
        match self.gate.refused(self.credential.generation, refusal).await {
            Ok(_) => failure.into(),
            Err(explained) => explained.into(),
        }
    }
}

/// 128 bits that nobody guesses, in characters that need no quoting anywhere.
fn made_up() -> anyhow::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; 16]);
    let random = aws_lc_rs::default_provider().secure_random;
    random.fill(&mut *bytes).ok().context("the system gives no random numbers")?;
    let mut password = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    for byte in &*bytes {
        use std::fmt::Write;
        write!(password, "{byte:02x}").expect("a String takes everything");
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_made_up_each_time() {
        let (one, other) = (made_up().unwrap(), made_up().unwrap());
        assert_eq!((one.len(), other.len()), (32, 32));
        assert_ne!(one, other);
    }
}
