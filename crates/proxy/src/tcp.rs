//! How TCP connections behave, on both sides.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// After this silence the other side is asked whether it is still there, again and again.
pub(crate) const SILENCE: Duration = Duration::from_secs(60);
pub(crate) const AGAIN: Duration = Duration::from_secs(10);

/// Small messages go at once, and a peer that is gone without a word is noticed.
///
/// There is no limit for data that the other side does not take (`TCP_USER_TIMEOUT`): an
/// application that stands in a debugger and a COPY that waits for a lock look just like that.
pub(crate) fn tune(socket: &impl AsFd) -> io::Result<()> {
    let socket = SockRef::from(socket);
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(SILENCE).with_interval(AGAIN))
}
