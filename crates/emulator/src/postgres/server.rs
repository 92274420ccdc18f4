//! One running Postgres: started, ready, restarted, stopped. It never outlives the emulator.
//!
//! A small shell script (`lifeline.sh`) stands between. It holds the reading end of a pipe, so it
//! notices the emulator's end even after `kill -9`, on every Unix and without unsafe code.

use std::fs::File;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin};
use tokio::time::Instant;

use super::account::Account;
use super::binaries::Binaries;
use super::template::{self, TemplateError};

/// Far beyond what a loaded machine needs.
const READY_WITHIN: Duration = Duration::from_secs(60);
const LIFELINE: &str = include_str!("lifeline.sh");

/// Postgres does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// There is no data to run on.
    #[error("postgres has no data folder")]
    Data(#[source] TemplateError),
    /// A folder or file of the run could not be made.
    #[error("could not prepare `{}`", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The process could not be started or watched.
    #[error("could not run postgres")]
    Process(#[source] io::Error),
    /// It ended before it was ready.
    #[error("postgres ended with {status}: {said}")]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// The last line of its log.
        said: String,
    },
    /// It was not ready in time.
    #[error("postgres was not ready within {} s", READY_WITHIN.as_secs())]
    Late,
}

/// A Postgres and its folder.
pub struct Server {
    binaries: Binaries,
    account: Account,
    folder: PathBuf,
    keep: bool,
    major: String,
    process: Child,
    lifeline: ChildStdin,
}

impl Server {
    /// Makes `pg/` in `folder` and starts Postgres in it. When it stops, `folder` goes, unless
    /// `keep`.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub async fn start(
        binaries: Binaries,
        account: Account,
        folder: PathBuf,
        keep: bool,
    ) -> Result<Self, ServerError> {
        let pg = folder.join("pg");
        for folder in [pg.clone(), pg.join("socket")] {
            std::fs::DirBuilder::new().mode(0o700).create(&folder).map_err(at(&folder))?;
            account.own(&folder).map_err(at(&folder))?;
        }
        let data = pg.join("data");
        let version_file = data.join("PG_VERSION");
        let for_template = binaries.clone();
        tokio::task::spawn_blocking(move || template::materialize(&for_template, account, &data))
            .await
            .map_err(|end| ServerError::Process(end.into()))?
            .map_err(ServerError::Data)?;
        let major = std::fs::read_to_string(&version_file).map_err(at(&version_file))?;
        let major = major.trim().to_owned();
        let (process, lifeline) = spawn(&binaries, account, &folder, keep)?;
        let mut server = Self { binaries, account, folder, keep, major, process, lifeline };
        server.ready().await?;
        Ok(server)
    }

    /// The folder of the Unix socket.
    pub fn socket_folder(&self) -> PathBuf {
        self.folder.join("pg/socket")
    }

    /// The folder of the data.
    pub fn data_folder(&self) -> PathBuf {
        self.folder.join("pg/data")
    }

    /// The major version, as people name it: `17`.
    pub fn major(&self) -> &str {
        &self.major
    }

    /// Stops it, which ends every session, and starts it again on the same data.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub async fn restart(&mut self) -> Result<(), ServerError> {
        self.lifeline.write_all(b"restart\n").await.map_err(ServerError::Process)?;
        self.process.wait().await.map_err(ServerError::Process)?;
        (self.process, self.lifeline) =
            spawn(&self.binaries, self.account, &self.folder, self.keep)?;
        self.ready().await
    }

    /// Stops it and waits for its end.
    ///
    /// # Errors
    /// When the process cannot be waited for.
    pub async fn stop(mut self) -> Result<(), ServerError> {
        drop(self.lifeline);
        self.process.wait().await.map(drop).map_err(ServerError::Process)
    }

    /// Waits for the last line that a starting server writes into its pid file.
    async fn ready(&mut self) -> Result<(), ServerError> {
        let pid_file = self.data_folder().join("postmaster.pid");
        let deadline = Instant::now() + READY_WITHIN;
        while Instant::now() < deadline {
            let state = std::fs::read_to_string(&pid_file).unwrap_or_default();
            if state.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            if let Some(status) = self.process.try_wait().map_err(ServerError::Process)? {
                let log = std::fs::read_to_string(log_file(&self.folder)).unwrap_or_default();
                let said = log.lines().last().unwrap_or("nothing").to_owned();
                return Err(ServerError::Ended { status, said });
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        Err(ServerError::Late)
    }
}

fn spawn(
    binaries: &Binaries,
    account: Account,
    folder: &Path,
    keep: bool,
) -> Result<(Child, ChildStdin), ServerError> {
    let log_path = log_file(folder);
    let log = File::options().create(true).append(true).open(&log_path).map_err(at(&log_path))?;
    let errors = log.try_clone().map_err(at(&log_path))?;
    let mut command = tokio::process::Command::from(account.command("/bin/sh"));
    command
        .args(["-c", LIFELINE, "lakebase-postgres", if keep { "no" } else { "yes" }])
        .arg(folder)
        .arg(binaries.program("postgres"))
        .arg("-D")
        .arg(folder.join("pg/data"))
        .arg("-k")
        .arg(folder.join("pg/socket"))
        // An instance of Lakebase has 1,000. The rest is the superuser's share, our own connection,
        // and some that are just ending.
        .args(["-h", "", "-c", "max_connections=1010"])
        // A crash may lose everything: nothing here is worth a disk's time.
        .args(["-F", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"])
        .process_group(0) // Ctrl-C is for the emulator, which then stops us in order.
        .stdin(Stdio::piped())
        .stdout(log)
        .stderr(errors);
    let mut process = command.spawn().map_err(ServerError::Process)?;
    let lifeline = process.stdin.take().expect("standard input was asked for as a pipe");
    Ok((process, lifeline))
}

fn log_file(folder: &Path) -> PathBuf {
    folder.join("pg/postgres.log")
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ServerError {
    move |source| ServerError::File { path: path.to_owned(), source }
}
