//! Where messages begin and end.

/// The longest message that Postgres takes or sends, its tag not counted.
const LONGEST: u32 = 0x3fff_ffff;

/// The head of a message: a tag and the length.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Frame {
    /// What kind of message it is.
    pub(crate) tag: u8,
    /// Its length in bytes, tag and length field included: at least 5.
    pub(crate) len: usize,
}

/// A message said to be shorter than its own length field, or longer than Postgres allows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("invalid message length {0}")]
pub(crate) struct BadLength(pub(crate) u32);

impl Frame {
    /// The length of a head.
    pub(crate) const HEAD: usize = 5;

    /// Reads the head that `bytes` begin with; `None` until all of it is there.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<Self>, BadLength> {
        let Some((&[tag, a, b, c, d], _)) = bytes.split_first_chunk() else { return Ok(None) };
        match u32::from_be_bytes([a, b, c, d]) {
            len @ 4..=LONGEST => Ok(Some(Self { tag, len: len as usize + 1 })),
            len => Err(BadLength(len)),
        }
    }
}

/// The bytes up to the first NUL, and those behind it.
pub(crate) fn split_nul(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Result<Option<(u8, usize)>, u32>) {
        let read = Frame::read(bytes);
        let read = read.map(|frame| frame.map(|Frame { tag, len }| (tag, len)));
        assert_eq!(read.map_err(|BadLength(len)| len), expected);
    }

    #[test]
    fn a_head_is_read_when_it_is_there() {
        check(b"", Ok(None));
        check(b"Z\0\0\0", Ok(None));
        check(b"S\0\0\0\x04", Ok(Some((b'S', 5))));
        check(b"Z\0\0\0\x05I", Ok(Some((b'Z', 6))));
        check(b"D\x3f\xff\xff\xff", Ok(Some((b'D', 0x4000_0000))));
    }

    #[test]
    fn a_length_that_cannot_be_is_refused() {
        check(b"Q\0\0\0\x03", Err(3));
        check(b"Q\0\0\0\0", Err(0));
        check(b"Q\x40\0\0\0", Err(0x4000_0000));
        check(b"Q\xff\xff\xff\xff", Err(u32::MAX));
    }

    #[test]
    fn a_name_ends_at_its_nul() {
        assert_eq!(split_nul(b"a\0b\0"), Some((&b"a"[..], &b"b\0"[..])));
        assert_eq!(split_nul(b"\0"), Some((&b""[..], &b""[..])));
        assert_eq!(split_nul(b"abc"), None);
    }
}
