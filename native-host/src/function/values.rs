//! Values on their way to Postgres and back: text, numbers, truth, bytes and nothing.
//!
//! A statement that needs another type casts it from or to text, as the function's own do.
#![expect(clippy::result_large_err, reason = "the error has the shape that Spin gave it")]

use std::error::Error as StdError;

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Row, Statement};

use super::bindings::spin::postgres::postgres::{
    Column, DbDataType, DbValue, Error, ParameterValue,
};

/// A parameter on its way.
pub(super) type Parameter = Box<dyn ToSql + Send + Sync>;

/// SQL's NULL, of whatever type.
#[derive(Debug)]
struct Null;

impl ToSql for Null {
    fn to_sql(
        &self,
        _: &Type,
        _: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// Makes parameters ready; the server has yet to say whether their types fit.
pub(super) fn parameters(values: Vec<ParameterValue>) -> Result<Vec<Parameter>, Error> {
    values.into_iter().zip(1..).map(|(value, number)| parameter(value, number)).collect()
}

fn parameter(value: ParameterValue, number: usize) -> Result<Parameter, Error> {
    Ok(match value {
        ParameterValue::Boolean(value) => Box::new(value),
        ParameterValue::Int16(value) => Box::new(value),
        ParameterValue::Int32(value) => Box::new(value),
        ParameterValue::Int64(value) => Box::new(value),
        ParameterValue::Floating32(value) => Box::new(value),
        ParameterValue::Floating64(value) => Box::new(value),
        ParameterValue::Str(value) => Box::new(value),
        ParameterValue::Binary(value) => Box::new(value),
        ParameterValue::DbNull => Box::new(Null),
        _ => {
            return Err(Error::BadParameter(format!(
                "parameter {number} is of a type that `lakegate serve` does not pass on; pass text, \
                 and cast it in the statement: ${number}::text::date"
            )));
        }
    })
}

/// The columns of a statement's answer.
pub(super) fn columns(statement: &Statement) -> Vec<Column> {
    let column = |column: &tokio_postgres::Column| Column {
        name: column.name().to_owned(),
        data_type: data_type(column.type_()),
    };
    statement.columns().iter().map(column).collect()
}

fn data_type(of: &Type) -> DbDataType {
    match *of {
        Type::BOOL => DbDataType::Boolean,
        Type::INT2 => DbDataType::Int16,
        Type::INT4 => DbDataType::Int32,
        Type::INT8 => DbDataType::Int64,
        Type::FLOAT4 => DbDataType::Floating32,
        Type::FLOAT8 => DbDataType::Floating64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => DbDataType::Str,
        Type::BYTEA => DbDataType::Binary,
        _ => DbDataType::Other(of.name().to_owned()),
    }
}

/// The values of a row.
pub(super) fn row(row: &Row) -> Result<Vec<DbValue>, Error> {
    (0..row.len()).map(|index| value(row, index)).collect()
}

fn value(row: &Row, index: usize) -> Result<DbValue, Error> {
    let column = &row.columns()[index];
    let value = match data_type(column.type_()) {
        DbDataType::Boolean => get(row, index, DbValue::Boolean),
        DbDataType::Int16 => get(row, index, DbValue::Int16),
        DbDataType::Int32 => get(row, index, DbValue::Int32),
        DbDataType::Int64 => get(row, index, DbValue::Int64),
        DbDataType::Floating32 => get(row, index, DbValue::Floating32),
        DbDataType::Floating64 => get(row, index, DbValue::Floating64),
        DbDataType::Str => get(row, index, DbValue::Str),
        DbDataType::Binary => get(row, index, DbValue::Binary),
        _ => {
            return Err(Error::ValueConversionFailed(format!(
                "column `{}` is of type {}, which `lakegate serve` does not pass on; select it as \
                 text: …::text",
                column.name(),
                column.type_().name()
            )));
        }
    };
    value.map_err(|error| Error::ValueConversionFailed(error.to_string()))
}

fn get<'a, V: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    index: usize,
    wrap: impl Fn(V) -> DbValue,
) -> Result<DbValue, tokio_postgres::Error> {
    Ok(row.try_get::<_, Option<V>>(index)?.map_or(DbValue::DbNull, wrap))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_passed_on_is_told_by_its_place() {
        let date = ParameterValue::Date((2026, 11, 22));
        let Err(Error::BadParameter(words)) = parameters(vec![ParameterValue::DbNull, date]) else {
            panic!("a date is not passed on");
        };
        assert!(words.starts_with("parameter 2 is of a type"), "{words}");
    }

    #[test]
    fn types_have_spin_s_names() {
        #[track_caller]
        fn check(of: &Type, expected: &str) {
            assert_eq!(format!("{:?}", data_type(of)), format!("DbDataType::{expected}"));
        }
        check(&Type::TEXT, "Str");
        check(&Type::VARCHAR, "Str");
        check(&Type::INT8, "Int64");
        check(&Type::JSON, "Other(\"json\")");
        check(&Type::TIMESTAMPTZ, "Other(\"timestamptz\")");
    }
}
