//! What can be wrong: with bytes, with a record that is to be written, with a schema. No message repeats a value.

use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

create_exception!(_tocsin_codec, Truncated, PyValueError, "Bytes that end early, or point at what is not there.");
create_exception!(_tocsin_codec, Malformed, PyValueError, "Bytes that no writer of this schema makes.");
create_exception!(_tocsin_codec, Trailing, PyValueError, "Bytes left after the last field: their number.");
create_exception!(_tocsin_codec, Unwritable, PyValueError, "A value that is not of its declared type.");
create_exception!(_tocsin_codec, Unsuitable, PyValueError, "A schema or a class that this codec does not take.");

/// Why bytes were not read, small enough to be returned by value on the fast path.
pub enum Unreadable {
    /// The bytes end early, or a length, a branch or a symbol points beyond what there is.
    Truncated,
    /// No writer makes these bytes; the words say what was expected.
    Malformed(&'static str),
    /// Python refused to make an object.
    Python(Box<PyErr>),
}

impl From<PyErr> for Unreadable {
    fn from(error: PyErr) -> Self {
        Self::Python(Box::new(error))
    }
}

impl From<Unreadable> for PyErr {
    fn from(failure: Unreadable) -> Self {
        match failure {
            Unreadable::Truncated => Truncated::new_err("a whole value was expected"),
            Unreadable::Malformed(expected) => Malformed::new_err(expected),
            Unreadable::Python(error) => *error,
        }
    }
}
