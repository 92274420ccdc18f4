//! The pools that other people's libraries bring, fed with live tokens.

#[cfg(feature = "deadpool")]
mod deadpool;
#[cfg(feature = "sqlx")]
mod sqlx;

#[cfg(feature = "sqlx")]
pub(crate) use self::sqlx::Told;
