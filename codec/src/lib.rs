//! Avro bytes and msgspec Structs, straight from one to the other, with no tree of values between.
//!
//! A schema is put together once, with the classes of its records and enumerations; the shapes that it may have are
//! those of Tocsin's own definitions, and every other one is refused when it loads.

mod decoding;
mod encoding;
mod failures;
mod loading;
mod schema;
mod structs;
mod wire;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::encoding::Output;
use crate::failures::{Malformed, Trailing, Truncated, Unsuitable, Unwritable};
use crate::schema::Kind;
use crate::wire::Wire;

/// One schema, bound to the classes of its records: reads and writes their bytes.
#[pyclass(frozen)]
struct Codec {
    root: Kind,
}

#[pymethods]
impl Codec {
    /// `schema`: an Avro schema as parsed JSON. `types`: the class of each record and enumeration by its full name.
    /// `hidden`: by a record's full name and a field's name, the bytes that stand for a field which is never read.
    #[new]
    #[pyo3(signature = (schema, types, hidden=None))]
    fn new(schema: &Bound<'_, PyAny>, types: &Bound<'_, PyDict>, hidden: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let root = loading::loaded(schema, types, hidden)?;
        Ok(Self { root })
    }

    /// The value in these bytes from the offset to their end.
    #[pyo3(signature = (data, offset=0))]
    fn decode<'py>(&self, data: &Bound<'py, PyBytes>, offset: usize) -> PyResult<Bound<'py, PyAny>> {
        let mut wire = Wire::new(data.as_bytes().get(offset..).unwrap_or_default());
        let value = decoding::decoded(data.py(), &mut wire, &self.root)?;
        match wire.left() {
            0 => Ok(value),
            left => Err(Trailing::new_err(left)),
        }
    }

    /// The bytes of a value, after the prefix.
    #[pyo3(signature = (value, prefix=None))]
    fn encode<'py>(&self, value: &Bound<'py, PyAny>, prefix: Option<&[u8]>) -> PyResult<Bound<'py, PyBytes>> {
        let mut output = Output::after(prefix.unwrap_or_default());
        encoding::encoded(&mut output, value, &self.root)?;
        Ok(PyBytes::new(value.py(), output.written()))
    }
}

/// What Python imports.
///
/// # Errors
/// Where Python cannot make one of its parts.
#[pymodule]
pub fn _tocsin_codec(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add_class::<Codec>()?;
    module.add("Truncated", py.get_type::<Truncated>())?;
    module.add("Malformed", py.get_type::<Malformed>())?;
    module.add("Trailing", py.get_type::<Trailing>())?;
    module.add("Unwritable", py.get_type::<Unwritable>())?;
    module.add("Unsuitable", py.get_type::<Unsuitable>())?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
