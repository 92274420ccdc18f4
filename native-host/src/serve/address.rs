//! Where it may listen.

use std::net::SocketAddr;

use crate::failure::Failure;

/// How requests reach the listener.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wire {
    /// TLS ends here.
    Tls,
    /// Plaintext, because nobody said otherwise.
    Plain,
    /// Plaintext, because somebody said so: TLS ends in front of it.
    PlainOnPurpose,
}

/// Refuses plaintext where others could read it: keys and tokens cross this wire.
pub(crate) fn check(address: SocketAddr, wire: Wire) -> Result<(), Failure> {
    if wire != Wire::Plain || address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{address} can be reached from other machines, and keys and tokens would cross the network \
         in plaintext"
    ))
    .advise(
        "give --tls-cert and --tls-key, or --plaintext if an ingress in front of it ends TLS, or \
         listen on 127.0.0.1",
    ))
}

/// Where clients find it.
pub(crate) fn url(address: SocketAddr, wire: Wire) -> String {
    let scheme = if wire == Wire::Tls { "https" } else { "http" };
    format!("{scheme}://{address}")
}

#[cfg(test)]
mod tests {
    use super::Wire::{Plain, PlainOnPurpose, Tls};
    use super::*;

    #[track_caller]
    fn refused(address: &str, wire: Wire, expected: bool) {
        let refused = super::check(address.parse().unwrap(), wire).is_err();
        assert_eq!(refused, expected, "{address} {wire:?}");
    }

    #[test]
    fn plaintext_stays_on_this_machine_unless_somebody_says_otherwise() {
        for near in ["127.0.0.1:3000", "127.8.8.8:1", "[::1]:3000", "[::ffff:127.0.0.1]:3000"] {
            refused(near, Plain, false);
            refused(near, Tls, false);
        }
        for far in ["0.0.0.0:3000", "[::]:3000", "10.0.0.7:80", "[::ffff:10.0.0.7]:80"] {
            refused(far, Plain, true);
            refused(far, PlainOnPurpose, false);
            refused(far, Tls, false);
        }
    }

    #[test]
    fn clients_are_told_the_scheme() {
        let address = "[::1]:8443".parse().unwrap();
        assert_eq!(url(address, Tls), "https://[::1]:8443");
        assert_eq!(url(address, Plain), "http://[::1]:8443");
    }
}
