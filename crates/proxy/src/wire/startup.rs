//! The packets that come before everything else: they have a length and no tag.

use std::ops::RangeInclusive;

use bytes::{Buf, BytesMut};

/// The length of a first packet, its length field included: as much as Postgres takes.
const LENGTH: RangeInclusive<usize> = 8..=10_004;
/// The length of a cancel key: 4 bytes up to protocol 3.0, more since 3.2.
const SECRET: RangeInclusive<usize> = 4..=256;

/// A major version that nobody has, for what is no startup.
const REQUEST: u16 = 1234;
const CANCEL: u16 = 5678;
const SSL: u16 = 5679;
const GSS: u16 = 5680;

/// What a connection can begin with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum First {
    /// It asks for TLS.
    Ssl,
    /// It asks for encryption by Kerberos.
    Gss,
    /// It wants a query of another connection cancelled, and says no more.
    Cancel(CancelRequest),
    /// It wants to talk.
    Startup(Startup),
}

/// Whose query is to be cancelled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct CancelRequest {
    /// The number that the connection was given at its start.
    pub(crate) id: i32,
    /// The secret that it was given with it.
    pub(crate) secret: Vec<u8>,
}

/// What an application says about itself when it connects.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Startup {
    /// The user, whatever that is: towards the database it is always the login's role.
    pub(crate) user: String,
    /// The database; `None` when it was absent, empty or the user's name: the login's own.
    pub(crate) database: Option<String>,
    /// All other parameters, in their order.
    pub(crate) parameters: Vec<(String, String)>,
    /// The minor version of the protocol, of which we speak 0.
    pub(crate) minor: u16,
    /// Names of `_pq_.` options, of which we know none.
    pub(crate) unknown_options: Vec<String>,
}

/// What is no first packet, and why.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum StartupError {
    /// Not Postgres, or somebody who wants us to wait for much.
    #[error("a first packet of {0} bytes cannot be one of Postgres")]
    Length(u32),
    /// A protocol that we do not speak.
    #[error("unsupported frontend protocol {major}.{minor}: this proxy speaks 3.0")]
    Version {
        /// 2 is the one before 2003, and has errors of another form.
        major: u16,
        /// What comes after the point.
        minor: u16,
    },
    /// Names and values do not end where the packet does.
    #[error("invalid layout of the startup packet")]
    Layout,
    /// It is about nobody.
    #[error("no user name in the startup packet")]
    NoUser,
    /// Some encoding of old.
    #[error("the startup packet is not UTF-8")]
    NotText,
    /// Too short or too long for any server.
    #[error("a cancel key of {0} bytes cannot be one of Postgres")]
    CancelKey(usize),
}

impl StartupError {
    /// The SQLSTATE that Postgres has for it.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Version { .. } => "0A000",
            Self::NoUser => "28000",
            Self::Length(_) | Self::Layout | Self::NotText | Self::CancelKey(_) => "08P01",
        }
    }
}

/// Takes the first packet off the bytes that were read, once it is whole.
///
/// # Errors
///
/// It is none; as early as the bytes show it.
pub(crate) fn take(inbox: &mut BytesMut) -> Result<Option<First>, StartupError> {
    let Some((head, _)) = inbox.split_first_chunk() else { return Ok(None) };
    let announced = u32::from_be_bytes(*head);
    let length = announced as usize;
    if !LENGTH.contains(&length) {
        return Err(StartupError::Length(announced));
    }
    if inbox.len() < length {
        return Ok(None);
    }
    let first = parse(&inbox[size_of_val(&announced)..length]);
    inbox.advance(length);
    first.map(Some)
}

fn parse(packet: &[u8]) -> Result<First, StartupError> {
    let (&[a, b, c, d], rest) = packet.split_first_chunk().expect("8 bytes are the least");
    let (major, minor) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    match (major, minor, rest) {
        (REQUEST, SSL, []) => Ok(First::Ssl),
        (REQUEST, GSS, []) => Ok(First::Gss),
        (REQUEST, SSL | GSS, _) => Err(StartupError::Layout),
        (REQUEST, CANCEL, rest) => cancel(rest).map(First::Cancel),
        (3, minor, rest) => startup(minor, rest).map(First::Startup),
        (major, minor, _) => Err(StartupError::Version { major, minor }),
    }
}

fn cancel(rest: &[u8]) -> Result<CancelRequest, StartupError> {
    let (id, secret) = rest.split_first_chunk().ok_or(StartupError::Layout)?;
    if !SECRET.contains(&secret.len()) {
        return Err(StartupError::CancelKey(secret.len()));
    }
    Ok(CancelRequest { id: i32::from_be_bytes(*id), secret: secret.to_vec() })
}

fn startup(minor: u16, rest: &[u8]) -> Result<Startup, StartupError> {
    let mut startup = Startup { minor, ..Startup::default() };
    // Each string ends with a zero, and so does the list: an empty name.
    let strings = rest.strip_suffix(&[0]).ok_or(StartupError::Layout)?;
    let mut strings = Strings(strings);
    while let Some(name) = strings.next()? {
        let value = strings.next()?.ok_or(StartupError::Layout)?;
        match name {
            "" => return Err(StartupError::Layout),
            "user" => value.clone_into(&mut startup.user),
            "database" => startup.database = Some(value.to_owned()),
            _ if name.starts_with("_pq_.") => startup.unknown_options.push(name.to_owned()),
            _ => startup.parameters.push((name.to_owned(), value.to_owned())),
        }
    }
    if startup.user.is_empty() {
        return Err(StartupError::NoUser);
    }
    // libpq names the user's database when it is told none.
    startup.database.take_if(|name| name.is_empty() || *name == startup.user);
    Ok(startup)
}

/// Strings that end with a zero each.
struct Strings<'a>(&'a [u8]);

impl<'a> Strings<'a> {
    fn next(&mut self) -> Result<Option<&'a str>, StartupError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let end = self.0.iter().position(|byte| *byte == 0).ok_or(StartupError::Layout)?;
        let (string, rest) = self.0.split_at(end);
        self.0 = &rest[1..];
        str::from_utf8(string).map(Some).map_err(|_| StartupError::NotText)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fuzzing;

    fn packet(version: [u16; 2], rest: &[u8]) -> BytesMut {
        let length = u32::try_from(8 + rest.len()).unwrap();
        let [major, minor] = version.map(u16::to_be_bytes);
        [&length.to_be_bytes(), &major[..], &minor, rest].concat()[..].into()
    }

    #[track_caller]
    fn check(mut inbox: BytesMut, expected: Result<First, StartupError>) {
        assert_eq!(take(&mut inbox), expected.map(Some));
    }

    #[track_caller]
    fn check_startup(rest: &[u8], expected: Result<Startup, StartupError>) {
        check(packet([3, 0], rest), expected.map(First::Startup));
    }

    fn startup_of(user: &str, parameters: &[(&str, &str)]) -> Startup {
        let owned = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
        let parameters = parameters.iter().map(owned).collect();
        Startup { user: user.into(), parameters, ..Startup::default() }
    }

    #[test]
    fn requests_have_numbers_of_their_own() {
        check(packet([1234, 5679], b""), Ok(First::Ssl));
        check(packet([1234, 5680], b""), Ok(First::Gss));
        check(packet([1234, 5679], b"more"), Err(StartupError::Layout));
        check(packet([1234, 5681], b""), Err(StartupError::Version { major: 1234, minor: 5681 }));
        check(packet([2, 0], b"user"), Err(StartupError::Version { major: 2, minor: 0 }));
        check(packet([4, 1], b""), Err(StartupError::Version { major: 4, minor: 1 }));
    }

    #[test]
    fn a_cancel_key_has_4_to_256_bytes() {
        let request = |length| {
            let rest = [&7_i32.to_be_bytes()[..], &vec![9; length]].concat();
            packet([1234, 5678], &rest)
        };
        for length in [4, 32, 256] {
            let expected = CancelRequest { id: 7, secret: vec![9; length] };
            check(request(length), Ok(First::Cancel(expected)));
        }
        for length in [0, 3, 257] {
            check(request(length), Err(StartupError::CancelKey(length)));
        }
        check(packet([1234, 5678], b"\0\0\x07"), Err(StartupError::Layout));
    }

    #[test]
    fn parameters_are_pairs() {
        check_startup(b"user\0a\0\0", Ok(startup_of("a", &[])));
        check_startup(
            b"options\0-c x=1\0user\0a\0TimeZone\0\0\0",
            Ok(startup_of("a", &[("options", "-c x=1"), ("TimeZone", "")])),
        );
        check_startup(b"user\0a\0user\0b\0\0", Ok(startup_of("b", &[])));
        check_startup(b"", Err(StartupError::Layout));
        check_startup(b"user\0a\0", Err(StartupError::Layout)); // The list has no end.
        check_startup(b"user\0a", Err(StartupError::Layout));
        check_startup(b"user\0a\0name\0\0", Err(StartupError::Layout)); // A name, no value.
        check_startup(b"user\0a\0\0more\0\0", Err(StartupError::Layout));
        check_startup(b"user\0\xff\0\0", Err(StartupError::NotText));
        check_startup(b"\0", Err(StartupError::NoUser));
        check_startup(b"user\0\0\0", Err(StartupError::NoUser));
        check_startup(b"database\0a\0\0", Err(StartupError::NoUser));
    }

    #[test]
    fn the_users_own_database_is_the_logins() {
        let named = |database: Option<&str>| Startup {
            database: database.map(str::to_owned),
            ..startup_of("a", &[])
        };
        check_startup(b"user\0a\0database\0b\0\0", Ok(named(Some("b"))));
        check_startup(b"database\0a\0user\0a\0\0", Ok(named(None)));
        check_startup(b"user\0a\0database\0\0\0", Ok(named(None)));
    }

    #[test]
    fn what_is_newer_than_we_are_is_named() {
        let unknown_options = vec!["_pq_.a".to_owned()];
        let newer = Startup { minor: 2, unknown_options, ..startup_of("a", &[]) };
        check(packet([3, 2], b"user\0a\0_pq_.a\x001\0\0"), Ok(First::Startup(newer)));
    }

    #[test]
    fn a_length_is_refused_as_soon_as_it_is_there() {
        for length in [0, 7, 10_005, u32::from_be_bytes(*b"GET "), u32::MAX] {
            check(length.to_be_bytes()[..].into(), Err(StartupError::Length(length)));
        }
        for length in [8_u32, 10_004] {
            assert_eq!(take(&mut length.to_be_bytes()[..].into()), Ok(None));
        }
    }

    fn first_packet() -> impl Strategy<Value = Vec<u8>> {
        let version = prop_oneof![
            Just([3, 0]),
            Just([3, 2]),
            Just([1234, 5678]),
            Just([1234, 5679]),
            any::<[u16; 2]>(),
        ];
        let strings = proptest::collection::vec("(user|database|_pq_.x|[a-z]{0,3})\\x00", 0..6);
        (version, strings, any::<Vec<u8>>(), any::<bool>()).prop_map(
            |(version, list, noise, end)| {
                let end: &[u8] = if end { b"\0" } else { &noise };
                [&packet(version, &[list.concat().as_bytes(), end].concat())[..], &noise].concat()
            },
        )
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(bytes in first_packet(), piece in 1_u8..50) {
            fuzzing::startup(&[&[piece], &bytes[..]].concat());
        }

        #[test]
        fn any_bytes_have_an_answer(bytes: Vec<u8>) {
            fuzzing::startup(&bytes);
        }
    }
}
