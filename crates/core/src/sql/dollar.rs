//! Dollar quoting with a tag that cannot occur in the text.

use alloc::vec;
use core::fmt;

/// The start of every tag.
const TAG: &str = "$lakegate";

/// A text of any length and content, written between dollar quotes.
///
/// ```
/// use lakegate_core::sql::Dollar;
/// let inner = Dollar("SELECT 1").to_string();
/// assert_eq!(inner, "$lakegate$SELECT 1$lakegate$");
/// assert_eq!(Dollar(&inner).to_string(), format!("$lakegate1${inner}$lakegate1$"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Dollar<'a>(pub &'a str);

impl fmt::Display for Dollar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match free_number(self.0) {
            None => write!(f, "{TAG}${}{TAG}$", self.0),
            Some(number) => write!(f, "{TAG}{number}${}{TAG}{number}$", self.0),
        }
    }
}

/// The least number that follows the tag nowhere in `text`; `None` if the tag does not occur at
/// all.
///
/// A `$` after the number is not asked for: the text could end just before it, and the closing
/// quote would complete it. Two passes, so that a hostile text cannot make this slow.
fn free_number(text: &str) -> Option<usize> {
    let count = text.matches(TAG).count();
    if count == 0 {
        return None;
    }
    // So many tags cannot take more numbers: one from 1 to `count + 1` is left.
    let mut taken = vec![false; count + 2];
    for (at, _) in text.match_indices(TAG) {
        let rest = &text[at + TAG.len()..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if let Some(taken) = rest[..digits].parse().ok().and_then(|at: usize| taken.get_mut(at)) {
            *taken = true;
        }
    }
    (1..taken.len()).find(|number| !taken[*number])
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn the_tag_never_occurs_in_the_text() {
        for (text, written) in [
            ("", "$lakegate$$lakegate$"),
            ("ends with $", "$lakegate$ends with $$lakegate$"),
            ("$$ $1 $tag$", "$lakegate$$$ $1 $tag$$lakegate$"),
            ("ends with $lakegate", "$lakegate1$ends with $lakegate$lakegate1$"),
            ("$lakegate$ $lakegate1", "$lakegate2$$lakegate$ $lakegate1$lakegate2$"),
            ("$lakegate01 $lakegate3", "$lakegate2$$lakegate01 $lakegate3$lakegate2$"),
            ("$lakegate12$", "$lakegate1$$lakegate12$$lakegate1$"),
            ("$lakegate99999999999$", "$lakegate1$$lakegate99999999999$$lakegate1$"),
        ] {
            assert_eq!(Dollar(text).to_string(), written);
        }
    }
}
