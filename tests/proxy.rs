//! The proxy as an operator runs it: `lakegate proxy` on a free port, connected to by any driver,
//! stopped in order.

use rustix::process::Signal;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, Error, NoTls};

use crate::process::Running;
use crate::{House, Program, Run};

impl House {
    /// `lakegate proxy` on a free port of this machine, with further arguments.
    pub fn proxy(&self, arguments: &[&str]) -> Program {
        self.lakegate(
            ["proxy", "--listen", "127.0.0.1:0"].into_iter().chain(arguments.iter().copied()),
        )
    }
}

/// A proxy that runs. [`stop`](Self::stop) it.
pub struct Proxy {
    port: u16,
    running: Option<Running>,
}

impl Proxy {
    /// A [`proxy`](House::proxy) with these arguments, such as `--pool transaction`, as soon as it
    /// listens.
    pub async fn start(house: &House, arguments: &[&str]) -> Self {
        Self::of(house.proxy(arguments)).await
    }

    /// A [`proxy`](House::proxy) with other variables, as soon as it listens.
    pub async fn of(program: Program) -> Self {
        let mut running = program.start();
        let line = running.line().await;
        let port = line.strip_prefix("listening on 127.0.0.1:").and_then(|port| port.parse().ok());
        let Some(port) = port else { panic!("it said: {line}") };
        Self { port, running: Some(running) }
    }

    /// The address it listens on.
    pub fn host(&self) -> &str {
        "127.0.0.1"
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where an application connects: no TLS, no password, and any user name.
    pub fn server(&self) -> Config {
        let mut config = Config::new();
        config.host(self.host()).port(self.port).user("anybody").ssl_mode(SslMode::Disable);
        config
    }

    /// A session through it, in the database of its login.
    pub async fn connect(&self) -> Result<Client, Error> {
        let (client, connection) = self.server().connect(NoTls).await?;
        // It ends with the client.
        tokio::spawn(connection);
        Ok(client)
    }

    /// What runs.
    ///
    /// # Panics
    /// After its end.
    pub fn running(&mut self) -> &mut Running {
        self.running.as_mut().unwrap()
    }

    /// Asks it to stop, and goes on.
    pub fn ask_to_stop(&self) {
        self.running.as_ref().unwrap().signal(Signal::TERM);
    }

    /// Has it read its configuration anew.
    pub fn reload(&self) {
        self.running.as_ref().unwrap().signal(Signal::HUP);
    }

    /// Stops it in order, as an orchestrator does.
    pub async fn stop(self) -> Run {
        self.ask_to_stop();
        self.end().await.exits(0)
    }

    /// Kills it, as `kill -9` does.
    pub async fn kill(mut self) -> Run {
        self.running.take().unwrap().kill().await
    }

    /// Waits for its end.
    pub async fn end(mut self) -> Run {
        self.running.take().unwrap().end().await
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        assert!(
            self.running.is_none() || std::thread::panicking(),
            "the test ended without stopping the proxy"
        );
    }
}
