//! What the service manager is told (`Type=notify-reload` of systemd); nothing where there is none.

use sd_notify::NotifyState;

/// It is up: its dependents may start. Also said when a reload is over.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// It reads its settings anew; [`ready`] says when that is over.
pub(crate) fn reloading() {
    // systemd tells this reload from an earlier one by the time.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!("the service manager was not told of a reload: {error}"),
    }
}

/// It finishes what is under way, and ends.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("the service manager was not told {states:?}: {error}");
    }
}
