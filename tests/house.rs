//! One test's own world.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process};
use rustls::ClientConfig;
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::rest::Programs;
use crate::secrets::Secrets;
use crate::{DEADLINE, Program, binary, database};

/// Houses at a time in one test binary. Each has a Postgres, and machines of two cores run this.
static PLOTS: Semaphore = Semaphore::const_new(4);

/// The folder of a house for what must hold a secret. All else in a house is searched for them.
const SAFE: &str = "safe";

/// An emulated Lakebase, a home folder and a clock, all of one test.
///
/// Dropping it stops the emulator in order and searches what was left behind for secrets.
pub struct House {
    emulator: Child,
    stdout: BufReader<ChildStdout>,
    variables: BTreeMap<String, String>,
    folder: TempDir,
    pub(crate) secrets: Arc<Secrets>,
    /// The emulator and all that was started here.
    pub(crate) programs: Arc<Programs>,
    pub(crate) http: reqwest::Client,
    pub(crate) tls: ClientConfig,
    _plot: SemaphorePermit<'static>,
}

impl House {
    /// A house with a Provisioned instance. The database is not there yet.
    pub async fn open() -> Self {
        Self::with(&[]).await
    }

    /// A house with further arguments for `lakebase-emulator`, such as `--autoscaling`.
    pub async fn with(arguments: &[&str]) -> Self {
        let plot = PLOTS.acquire().await.unwrap();
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join(SAFE)).unwrap();
        let log = File::create(folder.path().join("emulator.log")).unwrap();
        let mut emulator = Command::new(binary("lakebase-emulator"))
            .arg("--json")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(emulator.stdout.take().unwrap());
        let mut line = String::new();
        // The line comes when all of it answers.
        stdout.read_line(&mut line).unwrap();
        let Ok(variables) = serde_json::from_str::<BTreeMap<String, String>>(&line) else {
            let log = std::fs::read_to_string(folder.path().join("emulator.log")).unwrap();
            panic!("the emulator did not start: {log}")
        };
        let tls = database::tls(&variables["SSL_CERT_FILE"]);
        let http = reqwest::Client::builder().tls_backend_preconfigured(tls.clone());
        let house = Self {
            emulator,
            stdout,
            folder,
            secrets: Arc::default(),
            programs: Arc::default(),
            http: http.build().unwrap(),
            tls,
            variables,
            _plot: plot,
        };
        house.learn_secrets();
        house.programs.add(house.emulator.id());
        house
    }

    fn learn_secrets(&self) {
        let secret = self.env("DATABRICKS_CLIENT_SECRET");
        self.secrets.learn(secret);
        self.secrets.learn(self.env("EMULATOR_ADMIN_TOKEN"));
        // As it goes into a header.
        let basic = STANDARD.encode(format!("{}:{secret}", self.env("DATABRICKS_CLIENT_ID")));
        self.secrets.learn(&basic[basic.len() / 2..]);
    }

    /// A variable that leads to this house's Lakebase.
    ///
    /// # Panics
    /// When the emulator sets no such variable.
    #[track_caller]
    pub fn env(&self, name: &str) -> &str {
        self.variables.get(name).unwrap_or_else(|| panic!("the emulator sets no {name}"))
    }

    /// The application's service principal, which is also its role.
    pub fn principal(&self) -> &str {
        self.env("DATABRICKS_CLIENT_ID")
    }

    /// `lakegate`, as the application runs it.
    pub fn lakegate<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Program {
        let arguments: Vec<_> = arguments.into_iter().collect();
        let prints_tokens = arguments.first() == Some(&"token");
        let program = self.program(binary("lakegate"));
        arguments.into_iter().fold(program, Program::arg).printing_tokens(prints_tokens)
    }

    /// Any program, at home and with the application's variables alone.
    pub fn program(&self, path: impl AsRef<OsStr>) -> Program {
        let mut command = tokio::process::Command::new(path);
        command.current_dir(self.folder()).env_clear();
        command
            .env("HOME", self.folder())
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        // The admin's token is the admin's.
        let ours = self.variables.iter().filter(|(name, _)| !name.starts_with("EMULATOR_"));
        command.envs(ours);
        Program::new(command, Arc::clone(&self.secrets), Arc::clone(&self.programs))
    }

    /// `lakegate`, as the administrator runs it: with a person's token.
    pub fn admin<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Program {
        self.lakegate(arguments)
            .without("DATABRICKS_CLIENT_ID")
            .without("DATABRICKS_CLIENT_SECRET")
            .env("DATABRICKS_TOKEN", self.env("EMULATOR_ADMIN_TOKEN"))
    }

    /// Sets the database up as on the page, so that the application can start.
    pub async fn set_up(&self) {
        self.admin(["setup", "--grant-public"]).run().await.exits(0);
    }

    /// A text with what differs from run to run replaced by its name, so that it can be compared as
    /// a whole.
    pub fn told(&self, text: &str) -> String {
        let port = self.env("POSTGRES_PORT");
        [
            (self.env("DATABRICKS_HOST").to_owned(), "$WORKSPACE"),
            (self.principal().to_owned(), "$SP"),
            (self.folder().display().to_string(), "$HOME"),
            (format!("localhost:{port}"), "localhost:$PORT"),
        ]
        .iter()
        .fold(text.to_owned(), |text, (value, name)| text.replace(value, name))
        .split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .map(without_number)
        .collect()
    }

    /// Home, and where `lakegate` runs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file at home. Who looks meanwhile sees what was there before.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        // Nobody reads the safe as a folder.
        let next = self.folder().join(SAFE).join("next");
        std::fs::write(&next, text).unwrap();
        std::fs::rename(&next, &path).unwrap();
        path
    }

    /// Writes a file that holds a secret, which must be found nowhere else.
    pub fn write_secret(&self, name: &str, secret: &str) -> PathBuf {
        self.secrets.learn(secret);
        self.write(&format!("{SAFE}/{name}"), secret)
    }

    /// Makes a secret known that this house did not choose: no program may show it.
    pub fn keep_secret(&self, secret: &str) {
        self.secrets.learn(secret);
    }

    fn stop(&mut self) -> bool {
        let pid = Pid::from_child(&self.emulator);
        if kill_process(pid, Signal::TERM).is_err() {
            return false;
        }
        let mut rest = String::new();
        // It ends when the emulator does.
        let read = self.stdout.read_to_string(&mut rest);
        read.is_ok() && rest.is_empty() && self.emulator.wait().is_ok_and(|s| s.success())
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let since = Instant::now();
        let stopped = self.stop();
        if std::thread::panicking() {
            return; // The test has failed already.
        }
        assert!(stopped, "the emulator did not stop in order");
        assert!(since.elapsed() < DEADLINE, "the emulator stopped too late");
        let run = Path::new(self.env("SSL_CERT_FILE")).parent().unwrap();
        assert!(!run.exists(), "the emulator left {} behind", run.display());
        self.search(self.folder());
    }
}

impl House {
    /// Looks for secrets in every file below `folder`, but in the safe.
    fn search(&self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name() != Some(SAFE.as_ref()) {
                self.search(&path);
            } else if path.is_file() {
                let content = std::fs::read(&path).unwrap();
                let text = String::from_utf8_lossy(&content);
                self.secrets.must_not_be_in(&text, &path.display().to_string());
            }
        }
    }
}

/// A word and the character after it, its random or long number replaced.
fn without_number(word: &str) -> String {
    let number = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let is_uuid = number.len() == 36 && number.matches('-').count() == 4;
    let is_long = 8 <= number.len() && number.bytes().all(|b| b.is_ascii_digit());
    if is_uuid {
        word.replace(number, "$UUID")
    } else if is_long {
        word.replace(number, "$NUMBER")
    } else {
        word.to_owned()
    }
}
