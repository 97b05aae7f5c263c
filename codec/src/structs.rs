//! Instances of msgspec Structs, made without their constructor and filled slot by slot.
//!
//! Where a slot lies is read from the class's own table of members, which the stable interface of `CPython` names
//! (`Py_tp_members`), and is tried once; a field that is not in it is set by name.

use std::ffi::CStr;
use std::os::raw::c_int;

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use crate::failures::Unsuitable;

/// A class whose instances are made empty.
pub struct Class {
    class: Py<PyType>,
    allocate: ffi::allocfunc,
}

/// Where a field is kept in an instance.
pub struct Slot {
    name: Py<PyString>,
    /// Bytes from the start of the instance, or None where only its name is known.
    offset: Option<usize>,
}

impl Class {
    /// A Struct class with exactly these fields, none of them checked or completed by `__post_init__`.
    pub fn of(class: &Bound<'_, PyType>, fields: &[String]) -> PyResult<Self> {
        let py = class.py();
        let mut stated: Vec<String> = class.getattr(intern!(py, "__struct_fields__"))?.extract()?;
        let mut wanted = fields.to_vec();
        stated.sort();
        wanted.sort();
        if stated != wanted {
            return Err(unsuitable(class, "its fields are not those of the schema"));
        }
        if class.hasattr(intern!(py, "__post_init__"))? {
            return Err(unsuitable(class, "it has a __post_init__, which would not be called"));
        }
        Ok(Self { class: class.clone().unbind(), allocate: allocator(class)? })
    }

    /// Whether an object is of this class, and not of one below it.
    #[inline]
    pub fn made(&self, object: &Bound<'_, PyAny>) -> bool {
        object.is_exact_instance(self.class.bind(object.py()))
    }

    /// A new instance with nothing in it.
    #[inline]
    pub fn instance<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: `allocate` is this type's own tp_alloc, and no Struct has a variable part. Slots are null until they
        // are filled, which msgspec's traverse, clear and dealloc expect of an instance that its constructor left.
        unsafe { Bound::from_owned_ptr_or_err(py, (self.allocate)(self.class.as_ptr().cast(), 0)) }
    }
}

impl Slot {
    /// The slot of this field, tried on an instance.
    pub fn of(class: &Class, py: Python<'_>, field: &str) -> PyResult<Self> {
        let name = PyString::intern(py, field);
        let known = Self { offset: offset_of(class.class.bind(py), field), name: name.clone().unbind() };
        let tried = class.instance(py)?;
        let marker = PyString::new(py, "tried").into_any();
        known.fill(&tried, marker.clone())?;
        let offset = known.offset.filter(|_| tried.getattr(&name).is_ok_and(|found| found.is(&marker)));
        Ok(Self { offset, ..known })
    }

    /// Puts a value into an instance that has none there yet.
    #[inline]
    pub fn fill(&self, instance: &Bound<'_, PyAny>, value: Bound<'_, PyAny>) -> PyResult<()> {
        let Some(offset) = self.offset else { return self.fill_by_name(instance, &value) };
        // SAFETY: the offset is that of a member of object type in this very class; the slot is null, so that nothing
        // is overwritten, and it takes over the reference.
        unsafe { instance.as_ptr().byte_add(offset).cast::<*mut ffi::PyObject>().write(value.into_ptr()) };
        Ok(())
    }

    /// The value that any object has under this name.
    #[inline]
    pub fn read<'py>(&self, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        object.getattr(self.name.bind(object.py()))
    }

    /// The value that an instance has there.
    ///
    /// # Safety
    /// The instance is one of the class that the slot was found in, and not of a class below it.
    #[inline]
    pub unsafe fn read_of<'py>(&self, instance: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let Some(offset) = self.offset else { return self.read(instance) };
        // SAFETY: the offset is that of a member of object type in this very class; null is what was never set.
        let found = unsafe {
            let value = instance.as_ptr().byte_add(offset).cast::<*mut ffi::PyObject>().read();
            Bound::from_borrowed_ptr_or_opt(instance.py(), value)
        };
        found.map_or_else(|| self.read(instance), Ok)
    }

    #[cold]
    fn fill_by_name(&self, instance: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        // SAFETY: three valid references. Not setattr: a frozen Struct refuses that, and this one is not finished yet.
        let done = unsafe { ffi::PyObject_GenericSetAttr(instance.as_ptr(), self.name.as_ptr(), value.as_ptr()) };
        if done < 0 {
            Err(PyErr::fetch(instance.py()))
        } else {
            Ok(())
        }
    }
}

fn allocator(class: &Bound<'_, PyType>) -> PyResult<ffi::allocfunc> {
    // SAFETY: a valid type; the slot holds null or a function of this signature.
    let found = unsafe {
        let slot = ffi::PyType_GetSlot(class.as_type_ptr(), ffi::Py_tp_alloc);
        std::mem::transmute::<*mut std::ffi::c_void, Option<ffi::allocfunc>>(slot)
    };
    found.ok_or_else(|| unsuitable(class, "it has no allocator"))
}

fn offset_of(class: &Bound<'_, PyType>, field: &str) -> Option<usize> {
    // SAFETY: a valid heap type; the slot holds null or a table that lives as long as the type and ends with a null
    // name. No name is read beyond that end.
    unsafe {
        let mut member: *const ffi::PyMemberDef = ffi::PyType_GetSlot(class.as_type_ptr(), ffi::Py_tp_members).cast();
        while !member.is_null() && !(*member).name.is_null() {
            if is_object(&*member) && CStr::from_ptr((*member).name).to_bytes() == field.as_bytes() {
                return usize::try_from((*member).offset).ok();
            }
            member = member.add(1);
        }
    }
    None
}

fn is_object(member: &ffi::PyMemberDef) -> bool {
    const OBJECT_OR_MISSING: c_int = ffi::Py_T_OBJECT_EX;
    member.type_code == OBJECT_OR_MISSING
}

fn unsuitable(class: &Bound<'_, PyType>, why: &str) -> PyErr {
    let name = class.name().map(|name| name.to_string()).unwrap_or_default();
    Unsuitable::new_err(format!("{name} is not a class for this codec: {why}"))
}
