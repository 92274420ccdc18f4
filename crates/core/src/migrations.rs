//! Migration files: names, order, digests, and what is refused before anything runs.

mod error;
mod name;
mod place;
mod script;

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use sha2::{Digest, Sha256};

pub use error::{MigrationError, Spot};
pub(crate) use place::Place;

use crate::hex::hex;
use name::{Named, Style};

/// The most files a folder may have.
pub const MAX_FILES: usize = 1_000;

/// The most text a folder may have, in bytes.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// One migration file that passed every check that needs no database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Migration {
    version: i64,
    name: String,
    text: String,
    sha256: String,
    mode: Mode,
}

/// How a migration is to run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Mode {
    /// In the same transaction as the ones before it.
    Joined,
    /// In a transaction that starts with it (`-- lakegate: new-transaction`).
    NewTransaction,
    /// Outside of any transaction, one statement after the other, at these places of the text
    /// (`-- lakegate: no-transaction`).
    NoTransaction(Vec<Range<usize>>),
}

impl Migration {
    /// Reads the files of a folder, given as name and content, and puts them in order.
    ///
    /// Files that do not end in `.sql` are passed over, and so are sqlx's `.down.sql` files, which
    /// undo what another file does.
    ///
    /// # Errors
    ///
    /// The first reason found why the folder cannot be applied as a whole.
    pub fn read_folder<N, T>(
        files: impl IntoIterator<Item = (N, T)>,
    ) -> Result<Vec<Self>, MigrationError>
    where
        N: AsRef<str>,
        T: AsRef<str>,
    {
        let mut bytes = 0;
        let mut style: Option<(Style, String)> = None;
        let mut migrations = Vec::new();
        for (name, text) in files {
            let (name, text) = (name.as_ref(), text.as_ref());
            if !name.ends_with(".sql") || name.ends_with(".down.sql") {
                continue;
            }
            let named = Named::parse(name)?;
            match &style {
                Some((first, other)) if *first != named.style => {
                    return Err(MigrationError::MixedStyles {
                        one: other.clone(),
                        other: String::from(name),
                    });
                }
                Some(_) => {}
                None => style = Some((named.style, String::from(name))),
            }
            bytes += text.len();
            if bytes > MAX_BYTES {
                return Err(MigrationError::TooLarge);
            }
            if migrations.len() == MAX_FILES {
                return Err(MigrationError::TooMany);
            }
            insert(&mut migrations, Self::read(named.version, name, text)?)?;
        }
        Ok(migrations)
    }

    fn read(version: i64, name: &str, text: &str) -> Result<Self, MigrationError> {
        let text = normalized(text);
        if text.trim().is_empty() {
            return Err(MigrationError::Empty { name: String::from(name) });
        }
        let mode = script::check(name, &text)?;
        Ok(Self { version, name: String::from(name), sha256: sha256(&text), text, mode })
    }

    /// The number in the file's name; 0 for `schema.sql`.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The script, with `\n` line endings and no byte-order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The digest of [`text`](Self::text): SHA-256 in lower-case hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// How it is to run.
    pub fn mode(&self) -> &Mode {
        &self.mode
    }
}

/// Puts a migration where its number belongs, which is the end for a folder that is in order.
fn insert(migrations: &mut Vec<Migration>, new: Migration) -> Result<(), MigrationError> {
    let place = migrations.partition_point(|other| other.version < new.version);
    if let Some(same) = migrations.get(place).filter(|other| other.version == new.version) {
        let (first, second) = if same.name < new.name { (same, &new) } else { (&new, same) };
        return Err(MigrationError::SameVersion {
            version: new.version,
            one: first.name.clone(),
            other: second.name.clone(),
        });
    }
    migrations.insert(place, new);
    Ok(())
}

/// An editor on another system may change line endings and add a byte-order mark. Neither is a
/// change of the script.
fn normalized(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n")
}

/// SHA-256 in lower-case hexadecimal digits.
pub(crate) fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: Result<&[&str], &str>) {
        let read = Migration::read_folder(names.iter().map(|name| (name, "SELECT 1")));
        let order = read.as_ref().map(|all| all.iter().map(Migration::name).collect::<Vec<_>>());
        assert_eq!(
            order.map_err(ToString::to_string),
            expected.map(<[_]>::to_vec).map_err(String::from),
        );
    }

    #[test]
    fn orders_by_number_whatever_the_folder_says() {
        check(&[], Ok(&[]));
        check(&["10_b.sql", "9_a.sql"], Ok(&["9_a.sql", "10_b.sql"]));
        check(&["V2__b.sql", "V1__a.sql", "README.md"], Ok(&["V1__a.sql", "V2__b.sql"]));
        check(
            &["20260101120000_a.up.sql", "20260101120000_a.down.sql"],
            Ok(&["20260101120000_a.up.sql"]),
        );
        check(&["schema.sql"], Ok(&["schema.sql"]));
    }

    #[test]
    fn refuses_folders_with_two_meanings() {
        check(&["1_a.sql", "01_b.sql"], Err("`01_b.sql` and `1_a.sql` are both version 1"));
        check(
            &["1_a.sql", "V2__b.sql"],
            Err("`1_a.sql` and `V2__b.sql` are named in different styles"),
        );
        check(
            &["0001_a.sql", "20260101120000_b.sql"],
            Err("`0001_a.sql` and `20260101120000_b.sql` are named in different styles"),
        );
        check(
            &["schema.sql", "0001_a.sql"],
            Err("`schema.sql` and `0001_a.sql` are named in different styles"),
        );
    }

    #[test]
    fn line_endings_and_a_byte_order_mark_are_no_change() {
        let digest = |text| Migration::read(1, "1_a.sql", text).unwrap().sha256;
        assert_eq!(digest("a\r\nb"), digest("a\nb"));
        assert_eq!(digest("\u{feff}a\nb"), digest("a\nb"));
        assert_ne!(digest("a\nb "), digest("a\nb"));
        assert_eq!(
            digest("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-2, B.1
        );
    }

    #[test]
    fn limits_count_and_size() {
        let many = |count| (1..=count).map(|n| (alloc::format!("{n}_a.sql"), "--"));
        assert_eq!(Migration::read_folder(many(MAX_FILES)).map(|all| all.len()), Ok(MAX_FILES));
        assert_eq!(Migration::read_folder(many(MAX_FILES + 1)), Err(MigrationError::TooMany));
        let text = "-".repeat(MAX_BYTES / 2 + 1);
        let large = [("1_a.sql", &text), ("2_b.sql", &text)];
        assert_eq!(Migration::read_folder(large), Err(MigrationError::TooLarge));
    }

    #[test]
    fn a_file_that_was_not_written_to_its_end_is_no_migration() {
        for text in ["", "\u{feff}", " \r\n\t"] {
            let refused = Migration::read(1, "1_a.sql", text).unwrap_err();
            assert_eq!(refused.to_string(), "`1_a.sql` is empty");
        }
        assert!(Migration::read(1, "1_a.sql", "-- nothing to do any more").is_ok());
    }
}
