//! From Python objects to bytes. A value of another type than the schema's is a mistake of who built it.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyString, PyTuple};

use crate::failures::Unwritable;
use crate::schema::{Enumeration, Kind, Members, Record};

const NOTHING: u8 = 0;
const SOMETHING: u8 = 2;
const END: u8 = 0;
/// More than most records of ours take; a longer one grows it.
const USUAL_BYTES: usize = 2048;

/// Bytes in the making.
pub struct Output {
    bytes: Vec<u8>,
}

impl Output {
    pub fn after(prefix: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(prefix.len() + USUAL_BYTES);
        bytes.extend_from_slice(prefix);
        Self { bytes }
    }

    pub fn written(&self) -> &[u8] {
        &self.bytes
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)] // seven bits fit into a byte
    fn long(&mut self, value: i64) {
        let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
        while rest > 0x7f {
            self.bytes.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        self.bytes.push(rest as u8);
    }

    #[inline]
    fn span(&mut self, bytes: &[u8]) {
        self.long(bytes.len().cast_signed() as i64);
        self.bytes.extend_from_slice(bytes);
    }
}

/// Writes a value of this kind.
#[inline]
pub fn encoded(output: &mut Output, value: &Bound<'_, PyAny>, kind: &Kind) -> PyResult<()> {
    match kind {
        Kind::Text => text(output, value)?,
        Kind::Optional(inner) => return optional(output, value, inner),
        Kind::Record(found) => return record(output, value, found),
        Kind::Enumeration(found) => return symbol(output, value, found),
        Kind::Array(members) => return array(output, value, members),
        Kind::Map(members) => return map(output, value, members),
        Kind::Long => output.long(cast::<PyInt>(value)?.extract()?),
        Kind::Boolean => output.bytes.push(u8::from(cast::<PyBool>(value)?.is_true())),
        Kind::Bytes => output.span(cast::<PyBytes>(value)?.as_bytes()),
        Kind::Double => output.bytes.extend_from_slice(&cast::<PyFloat>(value)?.value().to_le_bytes()),
    }
    Ok(())
}

fn cast<'a, 'py, T: pyo3::PyTypeCheck>(value: &'a Bound<'py, PyAny>) -> PyResult<&'a Bound<'py, T>> {
    value.cast::<T>().map_err(|_| Unwritable::new_err("a value of the declared type was expected"))
}

fn text(output: &mut Output, value: &Bound<'_, PyAny>) -> PyResult<()> {
    output.span(cast::<PyString>(value)?.to_str()?.as_bytes());
    Ok(())
}

fn optional(output: &mut Output, value: &Bound<'_, PyAny>, inner: &Kind) -> PyResult<()> {
    if value.is_none() {
        output.bytes.push(NOTHING);
        return Ok(());
    }
    output.bytes.push(SOMETHING);
    encoded(output, value, inner)
}

fn symbol(output: &mut Output, value: &Bound<'_, PyAny>, enumeration: &Enumeration) -> PyResult<()> {
    let place = enumeration.places.bind(value.py()).get_item(value)?;
    output.long(place.ok_or_else(|| Unwritable::new_err("a symbol of the enumeration was expected"))?.extract()?);
    Ok(())
}

fn record(output: &mut Output, value: &Bound<'_, PyAny>, record: &Record) -> PyResult<()> {
    let ours = record.class.made(value);
    for field in &record.fields {
        if let Some(bytes) = &field.hidden {
            output.bytes.extend_from_slice(bytes);
            continue;
        }
        // SAFETY: `ours` says that the value is of the class that the slot was found in.
        let found = if ours { unsafe { field.slot.read_of(value) } } else { field.slot.read(value) };
        encoded(output, &found?, &field.kind)?;
    }
    Ok(())
}

fn array(output: &mut Output, value: &Bound<'_, PyAny>, members: &Members) -> PyResult<()> {
    let found = cast::<PyTuple>(value)?;
    if !found.is_empty() {
        output.long(found.len().cast_signed() as i64);
        for member in found {
            encoded(output, &member, &members.kind)?;
        }
    }
    output.bytes.push(END);
    Ok(())
}

fn map(output: &mut Output, value: &Bound<'_, PyAny>, members: &Members) -> PyResult<()> {
    let found = cast::<PyDict>(value)?;
    if !found.is_empty() {
        output.long(found.len().cast_signed() as i64);
        for (key, member) in found {
            text(output, &key)?;
            encoded(output, &member, &members.kind)?;
        }
    }
    output.bytes.push(END);
    Ok(())
}
