//! Proves who we are.

use std::io;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{
    ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256,
};
use postgres_protocol::message::backend::{AuthenticationSaslBody, Message};
use postgres_protocol::message::frontend;
use zeroize::Zeroize;

use crate::logins::Login;

/// What a secret may travel over. Plaintext beyond this machine is not among it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Channel {
    /// Plaintext on this machine, in LOCAL mode.
    Loopback,
    /// TLS with a verified server, and the hash of its certificate (RFC 5929), if it has one.
    Tls {
        /// `tls-server-end-point`
        end_point: Option<Vec<u8>>,
    },
}

/// The proof so far.
pub(super) struct Auth<'a> {
    login: &'a Login,
    channel: &'a Channel,
    scram: Option<Box<ScramSha256>>,
}

/// Why the proof ends.
#[derive(Debug)]
pub(super) enum AuthError {
    /// It wants a proof that we do not have.
    Method(&'static str),
    /// It breaks the rules of its method, or does not know the password itself.
    Broken(io::Error),
}

impl<'a> Auth<'a> {
    pub(super) fn new(login: &'a Login, channel: &'a Channel) -> Self {
        Self { login, channel, scram: None }
    }

    /// Answers one message. `Ok(true)`: we are in.
    pub(super) fn step(
        &mut self,
        message: &Message,
        out: &mut BytesMut,
    ) -> Result<bool, AuthError> {
        let password = self.login.password.as_bytes();
        match message {
            Message::AuthenticationOk if self.scram.is_some() => {
                return Err(broken("it did not prove that it knows the password"));
            }
            Message::AuthenticationOk => return Ok(true),
            // It grows no more, so no copy stays behind when it is wiped.
            Message::AuthenticationCleartextPassword => {
                out.reserve(password.len() + 6);
                frontend::password_message(password, out).map_err(AuthError::Broken)?;
            }
            // Not a proof to send to a server that nobody verified, but one on this machine is.
            Message::AuthenticationMd5Password(body) if *self.channel == Channel::Loopback => {
                let mut hash = md5_hash(self.login.user.as_bytes(), password, body.salt());
                frontend::password_message(hash.as_bytes(), out).map_err(AuthError::Broken)?;
                hash.zeroize();
            }
            Message::AuthenticationMd5Password(_) => return Err(AuthError::Method("MD5")),
            Message::AuthenticationSasl(body) => self.begin(body, out)?,
            Message::AuthenticationSaslContinue(body) => {
                let scram = self.scram.as_mut().ok_or_else(|| broken("SASL out of turn"))?;
                scram.update(body.data()).map_err(AuthError::Broken)?;
                frontend::sasl_response(scram.message(), out).map_err(AuthError::Broken)?;
            }
            Message::AuthenticationSaslFinal(body) => {
                let mut scram = self.scram.take().ok_or_else(|| broken("SASL out of turn"))?;
                scram.finish(body.data()).map_err(AuthError::Broken)?;
            }
            Message::AuthenticationGss | Message::AuthenticationGssContinue(_) => {
                return Err(AuthError::Method("GSSAPI"));
            }
            Message::AuthenticationSspi => return Err(AuthError::Method("SSPI")),
            Message::AuthenticationKerberosV5 => return Err(AuthError::Method("Kerberos")),
            _ => return Err(broken("no proof was asked for")),
        }
        Ok(false)
    }

    /// Channel binding where the server offers it; where it does not, it learns that we would.
    fn begin(
        &mut self,
        body: &AuthenticationSaslBody,
        out: &mut BytesMut,
    ) -> Result<(), AuthError> {
        let offered: Vec<&str> = body.mechanisms().collect().map_err(AuthError::Broken)?;
        let plus = offered.contains(&SCRAM_SHA_256_PLUS);
        let (mechanism, binding) = match self.channel {
            Channel::Tls { end_point: Some(hash) } if plus => {
                (SCRAM_SHA_256_PLUS, ChannelBinding::tls_server_end_point(hash.clone()))
            }
            _ if !offered.contains(&SCRAM_SHA_256) => {
                return Err(AuthError::Method("SASL without SCRAM-SHA-256"));
            }
            Channel::Tls { end_point: Some(_) } => (SCRAM_SHA_256, ChannelBinding::unrequested()),
            _ => (SCRAM_SHA_256, ChannelBinding::unsupported()),
        };
        let scram = ScramSha256::new(self.login.password.as_bytes(), binding);
        frontend::sasl_initial_response(mechanism, scram.message(), out)
            .map_err(AuthError::Broken)?;
        self.scram = Some(Box::new(scram));
        Ok(())
    }
}

fn broken(what: &str) -> AuthError {
    AuthError::Broken(io::Error::other(what.to_owned()))
}

#[cfg(test)]
mod tests;
