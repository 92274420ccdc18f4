//! The first words: which encryption, and what the connection is for.

use super::guest::Guest;
use super::refusal::Refusal;
use super::rules::Rules;
use super::tls;
use crate::stream::Stream;
use crate::wire::startup::{CancelRequest, First, Startup};

/// What a connection turned out to be for.
pub(super) enum Wish {
    /// To cancel a query of another one.
    Cancel(CancelRequest),
    /// To talk.
    Talk(Startup),
}

/// Agrees upon encryption and hears what the connection is for.
///
/// `tls_needed`: only a connection with TLS may talk; to cancel is allowed to all, as in Postgres,
/// for older drivers cannot do that with TLS.
pub(super) async fn hear(
    guest: &mut Guest,
    rules: &Rules,
    tls_needed: bool,
) -> Result<Wish, Refusal> {
    let (mut tls_asked, mut gss_asked) = (false, false);
    if guest.begins_with_tls(rules.tls.is_some()).await? {
        direct_tls(guest, rules).await?;
        (tls_asked, gss_asked) = (true, true);
    }
    loop {
        match guest.packet().await? {
            First::Ssl if !tls_asked => {
                tls_asked = true;
                gss_asked |= answer_tls(guest, rules).await?;
            }
            First::Gss if !gss_asked => {
                gss_asked = true;
                answer(guest, b"N").await?;
            }
            First::Ssl | First::Gss => {
                return Err(Refusal::violation("encryption was asked for a second time"));
            }
            First::Cancel(request) => return Ok(Wish::Cancel(request)),
            First::Startup(_) if tls_needed && !is_tls(guest) => return Err(no_tls()),
            First::Startup(startup) => return Ok(Wish::Talk(startup)),
        }
    }
}

/// TLS from the first byte, as `sslnegotiation=direct` does. The name in ALPN shows that it is
/// meant for Postgres, and not a request of another protocol that was led here.
async fn direct_tls(guest: &mut Guest, rules: &Rules) -> Result<(), Refusal> {
    let Some(config) = &rules.tls else {
        // No sentence of ours would be understood.
        return Err(std::io::Error::other("TLS from an application, and we have none").into());
    };
    guest.secure(config).await?;
    match guest.stream() {
        Stream::FromClient(stream) if stream.get_ref().1.alpn_protocol() == Some(tls::ALPN) => {
            Ok(())
        }
        _ => Err(Refusal::violation("direct TLS without the protocol postgresql in its ALPN")),
    }
}

/// Says whether there is TLS now.
async fn answer_tls(guest: &mut Guest, rules: &Rules) -> Result<bool, Refusal> {
    // Over a Unix socket there is nobody in between.
    let tls = rules.tls.as_ref().filter(|_| matches!(guest.stream(), Stream::Tcp(_)));
    let Some(config) = tls else {
        answer(guest, b"N").await?;
        return Ok(false);
    };
    answer(guest, b"S").await?;
    guest.secure(config).await?;
    Ok(true)
}

/// Sends the one byte. What came before it would be plaintext that is later taken for encrypted:
/// an attack (CVE-2021-23214).
async fn answer(guest: &mut Guest, byte: &[u8; 1]) -> Result<(), Refusal> {
    if !guest.inbox.is_empty() {
        return Err(Refusal::violation("received unencrypted data after a request for encryption"));
    }
    guest.send(byte).await
}

fn is_tls(guest: &mut Guest) -> bool {
    matches!(guest.stream(), Stream::FromClient(_))
}

fn no_tls() -> Refusal {
    Refusal::told(
        "28000",
        "this proxy lets applications in over TLS only",
        Some("Connect with sslmode=require, or better verify-full."),
    )
}
