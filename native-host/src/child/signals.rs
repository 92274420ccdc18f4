//! The signals that are a program's and not ours.

use std::os::fd::AsFd;

use rustix::process::{Signal, getpgrp};
use rustix::termios::tcgetpgrp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{Receiver, channel};

/// What is passed on.
const PASSED_ON: [Signal; 7] = [
    Signal::TERM,
    Signal::INT,
    Signal::HUP,
    Signal::QUIT,
    Signal::USR1,
    Signal::USR2,
    Signal::WINCH,
];

/// Listens from now on: none of them ends this process any more. On a terminal some come to the
/// whole group at once, and those are left out: the program has them already.
pub(crate) fn listen() -> std::io::Result<Receiver<Signal>> {
    let (sender, receiver) = channel(8);
    let foreground = is_foreground();
    for passed in PASSED_ON {
        let mut stream = signal(SignalKind::from_raw(passed.as_raw()))?;
        let sender = sender.clone();
        let skipped = foreground && comes_to_all(passed);
        tokio::spawn(async move {
            // Taken up in any case: one that nobody listens for would end this process.
            while stream.recv().await.is_some() {
                if !skipped && sender.send(passed).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(receiver)
}

/// Whether this process is in the foreground of the terminal on its standard input.
fn is_foreground() -> bool {
    tcgetpgrp(std::io::stdin().as_fd()).is_ok_and(|group| group == getpgrp())
}

/// Whether a terminal sends it to every process in its foreground: Ctrl-C, Ctrl-\, a new size.
fn comes_to_all(signal: Signal) -> bool {
    matches!(signal, Signal::INT | Signal::QUIT | Signal::WINCH)
}
