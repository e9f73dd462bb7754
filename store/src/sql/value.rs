//! Values that go into statements, and columns that come out. Three kinds serve all tables, each of
//! them with NULL: so a server knows the type of a parameter also when nothing stands in it.

use super::SqlError;
use rusqlite::types::{ToSqlOutput, ValueRef};
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

#[derive(Clone)]
pub(crate) enum Value<'a> {
    Int(Option<i64>),
    Text(Option<Cow<'a, str>>),
    Bytes(Option<&'a [u8]>),
}

/// The values of one statement, in the order of `?1`, `?2`, and so on.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::sql::Value::from($value)),*] };
}
pub(crate) use values;

impl Value<'_> {
    pub fn kind(&self) -> Type {
        match self {
            Self::Int(_) => Type::INT8,
            Self::Text(_) => Type::TEXT,
            Self::Bytes(_) => Type::BYTEA,
        }
    }
}

/// Without the value: it may be a password's hash or a name.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().name())
    }
}

macro_rules! from {
    ($($from:ty => |$value:ident| $to:expr),* $(,)?) => {
        $(impl<'a> From<$from> for Value<'a> {
            fn from($value: $from) -> Self { $to }
        })*
    };
}

from! {
    i64 => |n| Self::Int(Some(n)),
    u32 => |n| Self::Int(Some(n.into())),
    u8 => |n| Self::Int(Some(n.into())),
    bool => |yes| Self::Int(Some(yes.into())),
    Option<i64> => |n| Self::Int(n),
    &'a str => |text| Self::Text(Some(Cow::Borrowed(text))),
    &'a String => |text| Self::Text(Some(Cow::Borrowed(text))),
    String => |text| Self::Text(Some(Cow::Owned(text))),
    Option<&'a str> => |text| Self::Text(text.map(Cow::Borrowed)),
    &'a Option<String> => |text| Self::Text(text.as_deref().map(Cow::Borrowed)),
    &'a Vec<u8> => |bytes| Self::Bytes(Some(bytes)),
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Int(n) => n.map_or(ValueRef::Null, ValueRef::Integer),
            Self::Text(text) => text
                .as_ref()
                .map_or(ValueRef::Null, |t| ValueRef::Text(t.as_bytes())),
            Self::Bytes(bytes) => bytes.map_or(ValueRef::Null, ValueRef::Blob),
        }))
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Int(Some(n)) => out.extend_from_slice(&n.to_be_bytes()),
            // A server's text cannot hold the character NUL. JSON writes it otherwise, so this is
            // for what strangers type as a name: nothing that exists may be found by it.
            Self::Text(Some(text)) if text.contains('\0') => {
                out.extend_from_slice(text.replace('\0', "\u{fffd}").as_bytes());
            }
            Self::Text(Some(text)) => out.extend_from_slice(text.as_bytes()),
            Self::Bytes(Some(bytes)) => out.extend_from_slice(bytes),
            Self::Int(None) | Self::Text(None) | Self::Bytes(None) => return Ok(IsNull::Yes),
        }
        Ok(IsNull::No)
    }

    /// Statements are prepared with the types of their values.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A row while it is looked at.
pub(crate) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl Row<'_> {
    /// Columns count from 0.
    pub fn get<T: Column>(&self, column: usize) -> Result<T, SqlError> {
        T::read(self, column)
    }

    fn plain<T>(&self, column: usize) -> Result<T, SqlError>
    where
        T: rusqlite::types::FromSql + for<'b> tokio_postgres::types::FromSql<'b>,
    {
        match self {
            Self::Sqlite(row) => Ok(row.get(column)?),
            Self::Postgres(row) => row.try_get(column).map_err(|_| SqlError::Column { column }),
        }
    }
}

/// What a column can be read as.
pub(crate) trait Column: Sized {
    fn read(row: &Row<'_>, column: usize) -> Result<Self, SqlError>;
}

macro_rules! columns {
    ($($kind:ty),*) => {
        $(impl Column for $kind {
            fn read(row: &Row<'_>, column: usize) -> Result<Self, SqlError> { row.plain(column) }
        })*
    };
}
columns!(i64, Option<i64>, String, Option<String>, Vec<u8>);

impl Column for u32 {
    fn read(row: &Row<'_>, column: usize) -> Result<Self, SqlError> {
        let number: i64 = row.plain(column)?;
        Self::try_from(number).map_err(|_| SqlError::Column { column })
    }
}
