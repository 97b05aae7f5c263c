//! The codec inside a Python of our own, so that libFuzzer and `AddressSanitizer` see its code.
//!
//! What is tried, and what may come of it, is said in Python: tests/engines/doors.py. The codec that is imported there
//! is the one that is linked here, which counts what it reaches.

use std::sync::OnceLock;

use _tocsin_codec::_tocsin_codec;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Hands the bytes to the function of this name; whatever it raises is a finding.
///
/// # Panics
/// Where it raises: libFuzzer keeps the bytes.
pub fn tried(name: &str, data: &[u8]) {
    static DOOR: OnceLock<Py<PyAny>> = OnceLock::new();
    let door = DOOR.get_or_init(|| with_python(|py| Ok(py.import("tests.engines.doors")?.getattr(name)?.unbind())));
    Python::attach(|py| {
        if let Err(error) = door.call1(py, (PyBytes::new(py, data),)) {
            stopped(py, &error);
        }
    });
}

/// What pytest ends with, for these arguments.
///
/// # Panics
/// Where there is no pytest.
#[must_use]
pub fn tested(arguments: Vec<String>) -> i32 {
    with_python(|py| py.import("pytest")?.call_method1("main", (arguments,))?.extract())
}

fn with_python<Found>(work: impl FnOnce(Python<'_>) -> PyResult<Found>) -> Found {
    pyo3::append_to_inittab!(_tocsin_codec);
    Python::initialize();
    Python::attach(|py| work(py).unwrap_or_else(|error| stopped(py, &error)))
}

fn stopped(py: Python<'_>, error: &PyErr) -> ! {
    error.print(py);
    panic!("the codec did what it must not: see above");
}
