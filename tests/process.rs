//! Programs that run in a house: what they are given, what they say, how they end.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::DEADLINE;
use crate::rest::Programs;
use crate::secrets::Secrets;

/// A program with its arguments and environment, not yet started.
pub struct Program {
    command: Command,
    input: String,
    secrets: Arc<Secrets>,
    started: Arc<Programs>,
    prints_tokens: bool,
}

impl Program {
    /// With the secrets that it must not show, and where it is counted in once it runs.
    pub(crate) fn new(command: Command, secrets: Arc<Secrets>, started: Arc<Programs>) -> Self {
        Self { command, input: String::new(), secrets, started, prints_tokens: false }
    }

    /// Says that a token belongs on this program's standard output.
    #[must_use]
    pub fn printing_tokens(mut self, prints_tokens: bool) -> Self {
        self.prints_tokens = prints_tokens;
        self
    }

    /// With one more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// In this folder.
    #[must_use]
    pub fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// With this variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Without this variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// With this text on standard input.
    #[must_use]
    pub fn input(mut self, text: &str) -> Self {
        self.input = text.to_owned();
        self
    }

    /// Starts it.
    pub fn start(mut self) -> Running {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = self.command.kill_on_drop(true).spawn().unwrap();
        self.started.add(process.id().unwrap());
        let mut stdin = process.stdin.take().unwrap();
        let input = std::mem::take(&mut self.input);
        // A program that reads no input may be gone before this is written.
        tokio::spawn(async move { stdin.write_all(input.as_bytes()).await });
        Running {
            stdout: Stream::read(process.stdout.take().unwrap()),
            stderr: Stream::read(process.stderr.take().unwrap()),
            process,
            lines_taken: 0,
            secrets: self.secrets,
            prints_tokens: self.prints_tokens,
        }
    }

    /// Runs it to its end.
    pub async fn run(self) -> Run {
        self.start().end().await
    }
}

/// A program that runs.
pub struct Running {
    process: Child,
    stdout: Stream,
    stderr: Stream,
    lines_taken: usize,
    secrets: Arc<Secrets>,
    prints_tokens: bool,
}

impl Running {
    /// The next line on standard output, as soon as it is there.
    pub async fn line(&mut self) -> String {
        let number = self.lines_taken;
        self.lines_taken += 1;
        let text = self.stdout.until(|text| number < text.lines().count()).await;
        match text.lines().nth(number) {
            Some(line) => line.to_owned(),
            None => panic!("it ended without another line; it said:\n{}", self.stderr.so_far()),
        }
    }

    /// The next line on standard output, which must be JSON.
    pub async fn json(&mut self) -> Value {
        let line = self.line().await;
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"))
    }

    /// Waits until `words` stand on standard error.
    pub async fn says(&self, words: &str) {
        let text = self.stderr.until(|text| text.contains(words)).await;
        assert!(text.contains(words), "it ended and never said `{words}`, but:\n{text}");
    }

    /// Whether it has ended by now.
    pub(crate) async fn has_ended(&mut self, within: Duration) -> bool {
        timeout(within, self.process.wait()).await.is_ok()
    }

    /// Kills it, as `kill -9` does.
    pub async fn kill(mut self) -> Run {
        self.process.start_kill().unwrap();
        self.end().await
    }

    /// Kills it at that moment after its start, if it has not ended by then.
    pub async fn kill_after(mut self, moment: Duration) -> Run {
        if !self.has_ended(moment).await {
            self.process.start_kill().unwrap();
        }
        self.end().await
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id().unwrap()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = self.process.id().and_then(|id| Pid::from_raw(id.try_into().unwrap()));
        kill_process(pid.unwrap(), signal).unwrap();
    }

    /// Waits for its end.
    pub async fn end(self) -> Run {
        self.end_within(DEADLINE).await
    }

    /// Waits for the end of something that has much to do.
    pub async fn end_within(mut self, limit: Duration) -> Run {
        let ended = timeout(limit, self.process.wait()).await;
        let Ok(status) = ended else {
            panic!("it does not end; it said:\n{}", self.stderr.so_far())
        };
        let stdout = self.stdout.whole().await;
        let stderr = self.stderr.whole().await;
        Run { code: status.unwrap().code(), stdout, stderr }
    }
}

impl Drop for Running {
    /// Searches what it wrote, also when a test stops a program by dropping it.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return; // The test has failed already.
        }
        let (stdout, stderr) = (self.stdout.so_far(), self.stderr.so_far());
        if self.prints_tokens {
            self.secrets.learn_tokens(&stdout);
        } else {
            self.secrets.must_not_be_in(&stdout, "standard output");
        }
        self.secrets.must_not_be_in(&stderr, "standard error");
    }
}

/// What a program writes to one of its two outputs.
struct Stream {
    text: watch::Receiver<String>,
    reader: Option<JoinHandle<()>>,
}

impl Stream {
    fn read(pipe: impl AsyncRead + Send + Unpin + 'static) -> Self {
        let (sender, text) = watch::channel(String::new());
        let reader = tokio::spawn(async move {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).await.is_ok_and(|read| 0 < read) {
                sender.send_modify(|text| text.push_str(&String::from_utf8_lossy(&line)));
                line.clear();
            }
        });
        Self { text, reader: Some(reader) }
    }

    /// All of it, when `enough` holds or it has ended.
    async fn until(&self, enough: impl Fn(&str) -> bool) -> String {
        let mut text = self.text.clone();
        let found = timeout(DEADLINE, text.wait_for(|text| enough(text))).await;
        assert!(found.is_ok(), "it does not come; so far:\n{}", self.so_far());
        self.so_far()
    }

    async fn whole(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.await.unwrap();
        }
        self.so_far()
    }

    fn so_far(&self) -> String {
        self.text.borrow().clone()
    }
}

/// What came of a program.
#[derive(Debug)]
pub struct Run {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// It must have ended with this code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Standard output must be exactly this.
    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        assert_eq!(self.stdout, text, "standard error: {}", self.stderr);
        self
    }

    /// Standard error must be exactly this.
    #[track_caller]
    pub fn complains(self, text: &str) -> Self {
        assert_eq!(self.stderr, text);
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:#?}"))
    }
}
