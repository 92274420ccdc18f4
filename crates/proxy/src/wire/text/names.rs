//! Sets of settings, by name.

/// Settings that every server reports and an application's startup may name: they follow the
/// application from server to server. Later versions report more; those come as part of the origin.
const FOLLOWING: [&str; 6] = [
    "application_name",
    "client_encoding",
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "standard_conforming_strings",
];

/// Some of the settings that follow an application from its startup on, and one bit for all others.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Names(u8);

impl Names {
    pub(crate) const OTHER: Self = Self(1 << FOLLOWING.len());
    pub(crate) const ALL: Self = Self(u8::MAX >> (u8::BITS as usize - 1 - FOLLOWING.len()));

    /// The set with this one; a name means the same in any case.
    pub(crate) fn of(name: &str) -> Self {
        let place = FOLLOWING.iter().position(|known| known.eq_ignore_ascii_case(name));
        place.map_or(Self::OTHER, |place| Self(1 << place))
    }

    /// Whether there is none.
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of the other are in it.
    pub(crate) fn has(self, other: Self) -> bool {
        self.with(other) == self
    }

    /// These and the others.
    pub(crate) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These without the others.
    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The names that are known.
    pub(crate) fn iter(self) -> impl Iterator<Item = &'static str> {
        FOLLOWING.into_iter().filter(move |name| self.has(Self::of(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_into_it() {
        let two = Names::of("timezone").with(Names::of("work_mem"));
        assert!(two.has(Names::OTHER));
        assert_eq!(two.iter().collect::<Vec<_>>(), ["TimeZone"]);
        assert!(two.without(Names::ALL).is_empty());
        assert_eq!(Names::ALL.iter().count(), FOLLOWING.len());
        assert!(Names::ALL.has(Names::OTHER));
    }
}
