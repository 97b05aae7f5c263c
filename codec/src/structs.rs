//! Instances of msgspec Structs, made without their constructor and filled slot by slot.
//!
//! Where a slot lies is read from the class's own table of members, which the stable interface of `CPython` names
//! (`Py_tp_members`). It is believed once a value that was set by name is seen there; any other field is set by name.

use std::ffi::CStr;
use std::os::raw::c_int;

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use crate::failures::Unsuitable;

const SLOT_BYTES: usize = size_of::<*mut ffi::PyObject>();

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
        if !class.is_subclass(&py.import(intern!(py, "msgspec"))?.getattr(intern!(py, "Struct"))?)? {
            return Err(unsuitable(class, "it is no Struct, whose instances may be made empty"));
        }
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
        // SAFETY: `allocate` is this type's own tp_alloc; a Struct has no variable part and no base with a layout of its
        // own, which msgspec refuses. Slots are null until they are filled, which msgspec's traverse, clear and dealloc
        // expect of an instance that its constructor left.
        unsafe { Bound::from_owned_ptr_or_err(py, (self.allocate)(self.class.as_ptr().cast(), 0)) }
    }
}

impl Slot {
    /// The slot of this field, if what is set by its name is found where the class's table says that it lies.
    pub fn of(class: &Class, py: Python<'_>, field: &str) -> PyResult<Self> {
        let named = Self { name: PyString::intern(py, field).unbind(), offset: None };
        let bound = class.class.bind(py);
        let instance_bytes = bound.getattr(intern!(py, "__basicsize__"))?.extract()?;
        let stated = offset_of(bound, field).filter(|offset| lies_within(instance_bytes, *offset));
        let tried = class.instance(py)?;
        let free = stated.filter(|offset| is_at(&tried, *offset, std::ptr::null_mut()));
        let marker = PyString::new(py, "tried").into_any();
        named.fill_by_name(&tried, &marker).map_err(|_| unsuitable(bound, "it has a field that cannot be set"))?;
        Ok(Self { offset: free.filter(|offset| is_at(&tried, *offset, marker.as_ptr())), ..named })
    }

    /// Puts a value into an instance that has none there yet.
    #[inline]
    pub fn fill(&self, instance: &Bound<'_, PyAny>, value: Bound<'_, PyAny>) -> PyResult<()> {
        let Some(offset) = self.offset else { return self.fill_by_name(instance, &value) };
        // SAFETY: at this offset, which lies within the instance, a value that was set by name has been seen; the slot
        // is null, so that nothing is overwritten, and it takes over the reference.
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
        // SAFETY: as in `fill`, in an instance of the same class; null is what was never set.
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

/// Whether a slot there is aligned, behind the object's header, and ends within the instance.
fn lies_within(instance_bytes: usize, offset: usize) -> bool {
    let behind_header = offset >= size_of::<ffi::PyObject>() && offset.is_multiple_of(SLOT_BYTES);
    behind_header && offset.checked_add(SLOT_BYTES).is_some_and(|end| end <= instance_bytes)
}

fn is_at(instance: &Bound<'_, PyAny>, offset: usize, value: *mut ffi::PyObject) -> bool {
    // SAFETY: the offset lies within the instance, as `lies_within` says; it is read as a number, whatever is there.
    unsafe { instance.as_ptr().byte_add(offset).cast::<usize>().read() == value as usize }
}

fn is_object(member: &ffi::PyMemberDef) -> bool {
    const OBJECT_OR_MISSING: c_int = ffi::Py_T_OBJECT_EX;
    member.type_code == OBJECT_OR_MISSING
}

fn unsuitable(class: &Bound<'_, PyType>, why: &str) -> PyErr {
    let name = class.name().map(|name| name.to_string()).unwrap_or_default();
    Unsuitable::new_err(format!("{name} is not a class for this codec: {why}"))
}

#[cfg(test)]
mod tests {
    use super::{ffi, lies_within, SLOT_BYTES};

    const HEADER_BYTES: usize = size_of::<ffi::PyObject>();

    #[test]
    fn a_slot_lies_behind_the_header_and_within_the_instance() {
        let instance_bytes = HEADER_BYTES + 2 * SLOT_BYTES;
        assert!(lies_within(instance_bytes, HEADER_BYTES));
        assert!(lies_within(instance_bytes, HEADER_BYTES + SLOT_BYTES));
        assert!(!lies_within(instance_bytes, HEADER_BYTES + 2 * SLOT_BYTES));
        assert!(!lies_within(instance_bytes, HEADER_BYTES - SLOT_BYTES));
        assert!(!lies_within(instance_bytes, HEADER_BYTES + 1));
        assert!(!lies_within(instance_bytes, usize::MAX - SLOT_BYTES + 1));
    }
}
