//! What must hold for any bytes: tried by the property tests with random ones, and by the fuzz
//! targets in `fuzz/` with those that a fuzzer finds.

use std::sync::Arc;

use bytes::BytesMut;

use crate::options::Mode;
use crate::session::talk::{Facts, Said, Talk};
use crate::wire::carried::Carried;
use crate::wire::parameters::Parameters;
use crate::wire::pipe::Pipe;
use crate::wire::startup;
use crate::wire::statements::Prepared;
use crate::wire::text::Reader;

/// In whatever pieces a first packet comes, the answer is the same, and only the packet is taken.
/// The first byte says how long a piece is.
///
/// # Panics
///
/// That does not hold.
pub fn startup(bytes: &[u8]) {
    let Some((&piece, bytes)) = bytes.split_first() else { return };
    let mut whole = BytesMut::from(bytes);
    let expected = startup::take(&mut whole);
    let mut inbox = BytesMut::new();
    for more in bytes.chunks(usize::from(piece).max(1)) {
        inbox.extend_from_slice(more);
        let before = inbox.clone();
        match startup::take(&mut inbox) {
            Ok(None) => assert_eq!(inbox, before, "nothing is taken before it is whole"),
            found => {
                assert_eq!(found, expected);
                let taken = before.len() - inbox.len();
                assert!(found.is_err() || taken == bytes.len() - whole.len());
                return;
            }
        }
    }
    assert_eq!(expected, Ok(None));
}

/// In whatever pieces client and server say something, the other side gets the same. The first
/// byte says how long a piece is, and the second how much of the rest the client says.
///
/// # Panics
///
/// That does not hold.
pub fn conversation(bytes: &[u8]) {
    let [piece, share, rest @ ..] = bytes else { return };
    let (client, server) = rest.split_at(rest.len() * usize::from(*share) / 256);
    let whole = carried(client, server, usize::MAX);
    assert_eq!(carried(client, server, usize::from(*piece).max(1)), whole);
}

/// What the server gets, and what the client gets.
fn carried(client: &[u8], server: &[u8], piece: usize) -> (Vec<u8>, Vec<u8>) {
    let (mut parameters, mut statements) = (Parameters::default(), Prepared::default());
    let (parameters, statements) = (&mut parameters, &mut statements);
    let mut facts = Facts { parameters, statements, carried: &mut Carried::default() };
    let mut talk = Talk::new(Mode::Transaction, 1, Arc::default(), Parameters::default());
    let (mut up, mut down) = (Pipe::default(), Pipe::default());
    for piece in client.chunks(piece) {
        up.inbox.extend_from_slice(piece);
        let said = talk.upward(&mut up, &mut facts);
        talk.give_known(&mut down);
        if !matches!(said, Ok(Said::All | Said::Waits)) {
            break;
        }
    }
    for piece in server.chunks(piece) {
        down.inbox.extend_from_slice(piece);
        if talk.downward(&mut down, &mut facts).is_err() {
            break;
        }
    }
    (up.outgoing().to_vec(), down.outgoing().to_vec())
}

/// In whatever pieces a text comes, it is read in the same way. The first byte says how long a
/// piece is.
///
/// # Panics
///
/// That does not hold.
pub fn text(bytes: &[u8]) {
    let Some((&piece, text)) = bytes.split_first() else { return };
    let parameters = Parameters::default();
    let mut reader = Reader::new(&parameters);
    for piece in text.chunks(usize::from(piece).max(1)) {
        reader.read(piece, &parameters);
    }
    assert_eq!(reader.end(&parameters), Reader::whole(text, &parameters));
}
