//! How TCP connections behave, on both sides.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// After this silence the other side is asked whether it is still there, again and again.
const SILENCE: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_secs(10);

/// Small messages go at once, and a peer that is gone without a word is noticed.
///
/// There is no limit for data that the other side does not take (`TCP_USER_TIMEOUT`): an
/// application that stands in a debugger and a COPY that waits for a lock look just like that.
pub(crate) fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(SILENCE).with_interval(AGAIN);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}
