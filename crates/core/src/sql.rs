//! SQL text from typed input: names and values that cannot be misread.
//!
//! Whatever ends up in a statement goes through one of these: a name is an [`Ident`], a value a
//! [`Literal`], a whole script a [`Dollar`]. There is no other way from a `String` into SQL.

mod dollar;
mod ident;
mod lexer;
mod literal;

use core::fmt;

pub use dollar::Dollar;
pub(crate) use ident::Name;
pub use ident::{Ident, IdentError};
pub(crate) use lexer::{Token, TokenKind, Tokens};
pub use literal::Literal;

/// An object in a schema, written `"schema"."name"`.
///
/// ```
/// use lakegate_core::sql::{Ident, Qualified};
/// let (schema, name): (Ident, Ident) = ("app".parse()?, "a.b".parse()?);
/// assert_eq!(Qualified(&schema, &name).to_string(), r#""app"."a.b""#);
/// # Ok::<(), lakegate_core::sql::IdentError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Qualified<'a>(pub &'a Ident, pub &'a Ident);

impl fmt::Display for Qualified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}
