//! From bytes to Python objects.

use std::ffi::c_char;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyTuple};

use crate::failures::Unreadable;
use crate::schema::{Enumeration, Kind, Members, Record};
use crate::wire::Wire;

type Object<'py> = Bound<'py, PyAny>;
type Read<'py> = Result<Object<'py>, Unreadable>;

const NOTHING: u8 = 0;
const SOMETHING: u8 = 2;

/// The next value, which is of this kind.
#[inline]
pub fn decoded<'py>(py: Python<'py>, wire: &mut Wire<'_>, kind: &Kind) -> Read<'py> {
    match kind {
        Kind::Text => text(py, wire.span()?),
        Kind::Optional(inner) => optional(py, wire, inner),
        Kind::Record(found) => record(py, wire, found),
        Kind::Enumeration(found) => symbol(py, wire, found),
        Kind::Array(members) => array(py, wire, members),
        Kind::Long => Ok(PyInt::new(py, wire.long()?).into_any()),
        Kind::Boolean => Ok(PyBool::new(py, wire.byte()? != 0).to_owned().into_any()),
        Kind::Bytes => Ok(PyBytes::new(py, wire.span()?).into_any()),
        Kind::Double => Ok(PyFloat::new(py, wire.double()?).into_any()),
        Kind::Map(members) => map(py, wire, members),
    }
}

fn text<'py>(py: Python<'py>, bytes: &[u8]) -> Read<'py> {
    let start = bytes.as_ptr().cast::<c_char>();
    // SAFETY: the span is valid for its length, which never exceeds isize::MAX; Python copies it and checks that it is
    // UTF-8. PyString::new would want it checked before, and check it a second time.
    let made = unsafe {
        let object = ffi::PyUnicode_DecodeUTF8(start, bytes.len().cast_signed(), std::ptr::null());
        Bound::from_owned_ptr_or_opt(py, object)
    };
    made.ok_or_else(|| not_text(py))
}

#[cold]
fn not_text(py: Python<'_>) -> Unreadable {
    match PyErr::take(py) {
        Some(error) if !error.is_instance_of::<pyo3::exceptions::PyUnicodeDecodeError>(py) => error.into(),
        _ => Unreadable::Malformed("text in UTF-8 was expected"),
    }
}

fn optional<'py>(py: Python<'py>, wire: &mut Wire<'_>, inner: &Kind) -> Read<'py> {
    match wire.byte()? {
        NOTHING => Ok(py.None().into_bound(py)),
        SOMETHING => decoded(py, wire, inner),
        _ => Err(Unreadable::Truncated), // a branch that is not there, as fastavro counts it
    }
}

fn symbol<'py>(py: Python<'py>, wire: &mut Wire<'_>, enumeration: &Enumeration) -> Read<'py> {
    let place = usize::try_from(wire.long()?).map_err(|_| Unreadable::Truncated)?;
    let member = enumeration.members.get(place).ok_or(Unreadable::Truncated)?;
    Ok(member.bind(py).clone())
}

fn record<'py>(py: Python<'py>, wire: &mut Wire<'_>, record: &Record) -> Read<'py> {
    let made = record.class.instance(py)?;
    for field in &record.fields {
        field.slot.fill(&made, decoded(py, wire, &field.kind)?)?;
    }
    Ok(made)
}

fn array<'py>(py: Python<'py>, wire: &mut Wire<'_>, members: &Members) -> Read<'py> {
    let mut found: Vec<Object<'py>> = Vec::new();
    loop {
        let count = wire.block(members.least_bytes)?;
        if count == 0 {
            return Ok(PyTuple::new(py, found)?.into_any());
        }
        found.reserve(count);
        for _ in 0..count {
            found.push(decoded(py, wire, &members.kind)?);
        }
    }
}

fn map<'py>(py: Python<'py>, wire: &mut Wire<'_>, members: &Members) -> Read<'py> {
    let found = PyDict::new(py);
    loop {
        let count = wire.block(1 + members.least_bytes)?;
        if count == 0 {
            return Ok(found.into_any());
        }
        for _ in 0..count {
            let key = text(py, wire.span()?)?;
            found.set_item(key, decoded(py, wire, &members.kind)?)?;
        }
    }
}
