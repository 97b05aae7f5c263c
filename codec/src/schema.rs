//! A schema as it is walked: what each value is, and the class it becomes.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::structs::{Class, Slot};

/// What a value is. Parts that several types share are shared.
#[derive(Clone)]
pub enum Kind {
    Boolean,
    Long,
    Double,
    Bytes,
    Text,
    Enumeration(Arc<Enumeration>),
    /// Null or this; null is the first branch.
    Optional(Arc<Kind>),
    Array(Arc<Members>),
    /// From texts to these.
    Map(Arc<Members>),
    Record(Arc<Record>),
}

/// What an array or a map is made of.
pub struct Members {
    pub kind: Kind,
    pub least_bytes: usize,
}

/// An enumeration's members by their place, and their places by symbol.
pub struct Enumeration {
    pub members: Vec<Py<PyAny>>,
    pub places: Py<PyDict>,
}

/// A record: its class and its fields in the order of the schema.
pub struct Record {
    pub class: Class,
    pub fields: Vec<Field>,
    /// Never none: no record is made of nothing.
    pub least_bytes: usize,
}

/// One field of a record.
pub struct Field {
    pub slot: Slot,
    pub kind: Kind,
    /// The bytes that are written in place of the value, which is not read then.
    pub hidden: Option<Box<[u8]>>,
}

impl Kind {
    /// The fewest bytes that a value of this kind takes.
    pub fn least_bytes(&self) -> usize {
        match self {
            Self::Double => size_of::<f64>(),
            Self::Record(record) => record.least_bytes,
            _ => 1,
        }
    }
}
