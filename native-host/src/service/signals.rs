//! What the system tells a server.

use tokio::sync::mpsc::{Receiver, channel};

/// A wish of whoever runs the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Signal {
    /// Finish and end. The code is for a server that is cut short: 128 and the signal's number.
    Stop { code: u8 },
    /// Read the certificate, and what else may change, again.
    Reload,
}

/// Listens from now on. `reload` takes SIGHUP over, which ends a process otherwise.
#[cfg(unix)]
pub(crate) fn listen(reload: bool) -> std::io::Result<Receiver<Signal>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = channel(4);
    let mut wishes = vec![
        (SignalKind::terminate(), Signal::Stop { code: 143 }),
        (SignalKind::interrupt(), Signal::Stop { code: 130 }),
    ];
    if reload {
        wishes.push((SignalKind::hangup(), Signal::Reload));
    }
    for (kind, wish) in wishes {
        let (mut stream, sender) = (signal(kind)?, sender.clone());
        tokio::spawn(async move {
            while stream.recv().await.is_some() && sender.send(wish).await.is_ok() {}
        });
    }
    Ok(receiver)
}

/// Listens from now on; there is no signal to reload on this system.
#[cfg(not(unix))]
pub(crate) fn listen(_reload: bool) -> std::io::Result<Receiver<Signal>> {
    let (sender, receiver) = channel(4);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok()
            && sender.send(Signal::Stop { code: 130 }).await.is_ok()
        {}
    });
    Ok(receiver)
}

/// The code of the next signal to stop; it never ends when none can come.
pub(crate) async fn next_stop(signals: &mut Receiver<Signal>) -> u8 {
    loop {
        match signals.recv().await {
            Some(Signal::Stop { code }) => return code,
            Some(Signal::Reload) => {}
            None => std::future::pending().await,
        }
    }
}
