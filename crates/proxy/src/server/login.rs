//! Logs in, over a stream that is safe for it.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{
    BACKEND_KEY_DATA_TAG, ERROR_RESPONSE_TAG, ErrorResponseBody, Header, Message,
    NOTICE_RESPONSE_TAG, PARAMETER_STATUS_TAG, READY_FOR_QUERY_TAG,
};
use postgres_protocol::message::frontend;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroize;

use super::auth::{Auth, AuthError, Channel};
use super::failure::OpenError;
use super::{BackendKey, Parameters};
use crate::logins::{Login, ServerError};
use crate::pool::Origin;

/// The longest message of a login; Postgres itself takes less for granted.
const LONGEST: usize = 64 * 1024;

/// A tag and a length.
const HEADER: usize = 5;

/// The server knows an older minor version, or not all options: we use neither.
const NEGOTIATE_PROTOCOL_VERSION_TAG: u8 = b'v';

/// Where a connection keeps what it reads: a few rows and all headers of a usual answer.
const INBOX: usize = 8 * 1024;

/// What the server told of itself.
#[derive(Debug)]
pub(super) struct Greeting {
    pub(super) parameters: Parameters,
    pub(super) key: Option<BackendKey>,
    /// Read already, and not part of the login.
    pub(super) inbox: BytesMut,
}

/// Logs in as `login` to the database of `origin`, up to the first `ReadyForQuery`.
pub(super) async fn log_in<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    login: &Login,
    origin: &Origin,
    channel: &Channel,
) -> Result<Greeting, OpenError> {
    let mut talk = Talk { stream, login, inbox: BytesMut::with_capacity(INBOX) };
    talk.start(origin).await?;
    talk.prove(channel).await?;
    talk.settle().await
}

struct Talk<'a, S> {
    stream: &'a mut S,
    login: &'a Login,
    inbox: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<'_, S> {
    async fn start(&mut self, origin: &Origin) -> Result<(), OpenError> {
        let database = origin.database().unwrap_or(&self.login.database);
        let known = [("user", &*self.login.user), ("database", database)];
        let given = origin.parameters().iter().map(|(name, value)| (&**name, &**value));
        let mut out = BytesMut::new();
        frontend::startup_message(known.into_iter().chain(given), &mut out)
            .map_err(|error| self.strange(error.to_string()))?;
        self.send(&mut out).await
    }

    async fn prove(&mut self, channel: &Channel) -> Result<(), OpenError> {
        let mut auth = Auth::new(self.login, channel);
        loop {
            self.whole().await?;
            let message = Message::parse(&mut self.inbox)
                .map_err(|error| self.strange(error.to_string()))?
                .ok_or_else(|| self.strange("a message in pieces".into()))?;
            let mut out = BytesMut::new();
            let done = auth.step(&message, &mut out).map_err(|error| match error {
                AuthError::Method(method) => OpenError::Method { at: self.at(), method },
                AuthError::Broken(error) => self.strange(error.to_string()),
            })?;
            if done {
                return Ok(());
            }
            self.send(&mut out).await?;
        }
    }

    async fn settle(mut self) -> Result<Greeting, OpenError> {
        let mut parameters = Parameters::default();
        let mut key = None;
        loop {
            let (tag, length) = self.whole().await?;
            let message = self.inbox.split_to(length).freeze();
            match (tag, message.slice(HEADER..)) {
                (PARAMETER_STATUS_TAG, body) if parameters.note(&body) => {}
                (BACKEND_KEY_DATA_TAG, body) => key = Some(self.key(&body)?),
                (READY_FOR_QUERY_TAG, _) => {
                    return Ok(Greeting { parameters, key, inbox: self.inbox });
                }
                _ => return Err(self.strange("an answer to no question".into())),
            }
        }
    }

    fn key(&self, body: &Bytes) -> Result<BackendKey, OpenError> {
        match body.split_first_chunk() {
            Some((pid, secret @ [_, ..])) if secret.len() <= 256 => Ok(BackendKey {
                pid: i32::from_be_bytes(*pid),
                secret: Bytes::copy_from_slice(secret),
            }),
            _ => Err(self.strange("the key for cancelling has an impossible length".into())),
        }
    }

    /// Waits for a message that matters: its tag and its length, header included. An error report
    /// is the end.
    async fn whole(&mut self) -> Result<(u8, usize), OpenError> {
        loop {
            let header = Header::parse(&self.inbox).map_err(|e| self.strange(e.to_string()))?;
            let Some(header) = header else {
                self.read().await?;
                continue;
            };
            let length = match usize::try_from(header.len()) {
                Ok(length) if length <= LONGEST => 1 + length,
                _ => return Err(self.strange("a message of a login is too long".into())),
            };
            match header.tag() {
                _ if self.inbox.len() < length => self.read().await?,
                ERROR_RESPONSE_TAG => return Err(self.report()),
                NOTICE_RESPONSE_TAG | NEGOTIATE_PROTOCOL_VERSION_TAG => self.inbox.advance(length),
                tag => return Ok((tag, length)),
            }
        }
    }

    async fn read(&mut self) -> Result<(), OpenError> {
        match self.stream.read_buf(&mut self.inbox).await {
            Ok(0) => Err(self.lost(io::Error::other("it closed it"))),
            Ok(_) => Ok(()),
            Err(error) => Err(self.lost(error)),
        }
    }

    /// Sends, and wipes what was sent: it may be a secret.
    async fn send(&mut self, out: &mut BytesMut) -> Result<(), OpenError> {
        let sent = async {
            self.stream.write_all(out).await?;
            self.stream.flush().await
        };
        let sent = sent.await;
        out.as_mut().zeroize();
        // What it says before it closes is worth more than that it closed.
        match sent {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(self.lost(error)),
            _ => Ok(()),
        }
    }

    fn report(&mut self) -> OpenError {
        match Message::parse(&mut self.inbox) {
            Ok(Some(Message::ErrorResponse(body))) => match server_error(&body) {
                Ok(report) => OpenError::Server(report),
                Err(error) => self.strange(error.to_string()),
            },
            _ => self.strange("an error report in pieces".into()),
        }
    }

    fn at(&self) -> String {
        format!("{}:{}", self.login.host, self.login.port)
    }

    fn lost(&self, source: io::Error) -> OpenError {
        OpenError::Lost { at: self.at(), source }
    }

    fn strange(&self, what: String) -> OpenError {
        OpenError::Strange { at: self.at(), what }
    }
}

fn server_error(body: &ErrorResponseBody) -> io::Result<ServerError> {
    let mut report =
        ServerError { code: String::new(), message: String::new(), detail: None, hint: None };
    let mut fields = body.fields();
    while let Some(field) = fields.next()? {
        // Before the login the server knows no encoding to speak in.
        let text = String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'C' => report.code = text,
            b'M' => report.message = text,
            b'D' => report.detail = Some(text),
            b'H' => report.hint = Some(text),
            _ => {}
        }
    }
    Ok(report)
}

#[cfg(test)]
mod tests;
