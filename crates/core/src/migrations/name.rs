//! The shapes a file's name may have.

use alloc::string::String;

use super::MigrationError;

/// Where the shape comes from. A folder keeps to one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Style {
    /// sqlx, dbmate: `20260101120000_init.sql`
    Timestamp,
    /// Flyway, refinery: `V1__init.sql`
    Flyway,
    /// Plain numbers: `0001_init.sql`
    Number,
    /// One `schema.sql`.
    Single,
}

/// What a name says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Named {
    pub(super) style: Style,
    pub(super) version: i64,
}

impl Named {
    pub(super) fn parse(name: &str) -> Result<Self, MigrationError> {
        // A line break in a name would end the comment that carries the name into error reports.
        let usable = !name.contains(char::is_control);
        usable.then(|| shape(name)).flatten().ok_or_else(|| MigrationError::Name {
            // Debug form: the name may hold anything.
            name: alloc::format!("{name:?}"),
        })
    }
}

fn shape(name: &str) -> Option<Named> {
    if name == "schema.sql" {
        return Some(Named { style: Style::Single, version: 0 });
    }
    let stem = name.strip_suffix(".sql")?;
    let flyway = stem.strip_prefix('V');
    let (digits, title) = match flyway {
        Some(rest) => rest.split_once("__")?,
        None => stem.split_once('_')?,
    };
    // `parse` would take a sign.
    if title.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let style = match (flyway, digits.len()) {
        (Some(_), _) => Style::Flyway,
        (None, 14) => Style::Timestamp,
        (None, _) => Style::Number,
    };
    Some(Named { style, version: digits.parse().ok()? })
}

/// The accepted shapes, for messages.
pub(super) fn shapes() -> String {
    String::from(
        "Name migration files like `20260101120000_init.sql`, `V1__init.sql` or `0001_init.sql`, \
         all in one style, or have one `schema.sql`.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Option<(Style, i64)>) {
        assert_eq!(shape(name).map(|n| (n.style, n.version)), expected, "{name}");
    }

    #[test]
    fn knows_the_shapes_of_other_tools() {
        check("20260101120000_init.sql", Some((Style::Timestamp, 20_260_101_120_000)));
        check("20260101120000_init.up.sql", Some((Style::Timestamp, 20_260_101_120_000)));
        check("V1__init.sql", Some((Style::Flyway, 1)));
        check("0001_init.sql", Some((Style::Number, 1)));
        check("7_ü ñ.sql", Some((Style::Number, 7)));
        check("schema.sql", Some((Style::Single, 0)));
    }

    #[test]
    fn refuses_everything_else() {
        for name in [
            "init.sql",
            "1.sql",
            "1_.sql",
            "V1_init.sql",
            "V1.2__x.sql",
            "R__view.sql",
            "U1__undo.sql",
            "-1_a.sql",
            "+1_a.sql",
            "_a.sql",
            "V__a.sql",
            "9223372036854775808_a.sql",
            "0001-init.sql",
            "1_a.SQL",
        ] {
            check(name, None);
        }
        assert!(Named::parse("1_a\n.sql").is_err());
    }
}
