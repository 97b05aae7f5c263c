//! From a schema as JSON says it, and classes by name, to what is walked. What is not of our shapes is refused here.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyType};

use crate::failures::Unsuitable;
use crate::schema::{Enumeration, Field, Kind, Members, Record};
use crate::structs::{Class, Slot};

/// The whole schema, ready to be walked.
pub fn loaded(
    schema: &Bound<'_, PyAny>,
    types: &Bound<'_, PyDict>,
    hidden: Option<&Bound<'_, PyDict>>,
) -> PyResult<Kind> {
    Loading { types, hidden, known: HashMap::new(), open: HashSet::new() }.kind(schema)
}

struct Loading<'a, 'py> {
    types: &'a Bound<'py, PyDict>,
    hidden: Option<&'a Bound<'py, PyDict>>,
    known: HashMap<String, Kind>,
    /// Records that are being loaded: one that meets itself has no end.
    open: HashSet<String>,
}

impl<'py> Loading<'_, 'py> {
    fn kind(&mut self, schema: &Bound<'py, PyAny>) -> PyResult<Kind> {
        if let Ok(name) = schema.cast::<PyString>() {
            return self.named(&name.to_string());
        }
        if let Ok(branches) = schema.cast::<PyList>() {
            return self.optional(branches);
        }
        let parts = schema.cast::<PyDict>().map_err(|_| unsuitable("a name, a list or an object was expected"))?;
        let kind = stated(parts, "type")?;
        if parts.contains("logicalType")? {
            return Err(unsuitable("a logical type is another value than its bytes say"));
        }
        match kind.extract::<String>()?.as_str() {
            "array" => Ok(Kind::Array(self.members(&stated(parts, "items")?)?)),
            "map" => Ok(Kind::Map(self.members(&stated(parts, "values")?)?)),
            "enum" => self.enumeration(parts),
            "record" => self.record(parts),
            name => self.named(name),
        }
    }

    fn named(&self, name: &str) -> PyResult<Kind> {
        match name {
            "boolean" => Ok(Kind::Boolean),
            "long" => Ok(Kind::Long),
            "double" => Ok(Kind::Double),
            "bytes" => Ok(Kind::Bytes),
            "string" => Ok(Kind::Text),
            _ if self.open.contains(name) => Err(unsuitable("a record within itself has no end")),
            _ => self.known.get(name).cloned().ok_or_else(|| unsuitable(&format!("{name} is not one of ours"))),
        }
    }

    fn optional(&mut self, branches: &Bound<'py, PyList>) -> PyResult<Kind> {
        let null_first = branches.len() == 2 && branches.get_item(0)?.eq("null")?;
        let inner = if null_first { self.kind(&branches.get_item(1)?)? } else { Kind::Optional(Arc::new(Kind::Text)) };
        match inner {
            Kind::Optional(_) => Err(unsuitable("a union is of null and one other type, in this order")),
            inner => Ok(Kind::Optional(Arc::new(inner))),
        }
    }

    fn members(&mut self, schema: &Bound<'py, PyAny>) -> PyResult<Arc<Members>> {
        let kind = self.kind(schema)?;
        let least_bytes = kind.least_bytes();
        Ok(Arc::new(Members { kind, least_bytes }))
    }

    fn enumeration(&mut self, parts: &Bound<'py, PyDict>) -> PyResult<Kind> {
        let name = full_name(parts)?;
        let class = self.class(&name)?;
        let symbols: Vec<String> = stated(parts, "symbols")?.extract()?;
        let places = PyDict::new(parts.py());
        let mut members = Vec::with_capacity(symbols.len());
        for (place, symbol) in symbols.iter().enumerate() {
            members.push(class.call1((symbol,))?.unbind());
            places.set_item(symbol, place)?;
        }
        let kind = Kind::Enumeration(Arc::new(Enumeration { members, places: places.unbind() }));
        self.known.insert(name, kind.clone());
        Ok(kind)
    }

    fn record(&mut self, parts: &Bound<'py, PyDict>) -> PyResult<Kind> {
        let name = full_name(parts)?;
        self.open.insert(name.clone());
        let stated_fields = stated(parts, "fields")?;
        let fields: Vec<Bound<'py, PyDict>> = stated_fields.extract()?;
        let names = fields.iter().map(|field| stated(field, "name")?.extract()).collect::<PyResult<Vec<String>>>()?;
        let class = Class::of(&self.class(&name)?, &names)?;
        let hidden = self.hidden_of(&name)?;
        let mut loaded = Vec::with_capacity(fields.len());
        for (field, field_name) in fields.iter().zip(&names) {
            loaded.push(Field {
                slot: Slot::of(&class, parts.py(), field_name)?,
                kind: self.kind(&stated(field, "type")?)?,
                hidden: hidden.get(field_name).map(|bytes| bytes.clone().into_boxed_slice()),
            });
        }
        self.open.remove(&name);
        let least_bytes = loaded.iter().fold(0, |sum: usize, field| sum.saturating_add(field.kind.least_bytes()));
        if least_bytes == 0 {
            return Err(unsuitable("records that take no bytes could be any number"));
        }
        let kind = Kind::Record(Arc::new(Record { class, fields: loaded, least_bytes }));
        self.known.insert(name, kind.clone());
        Ok(kind)
    }

    fn class(&self, name: &str) -> PyResult<Bound<'py, PyType>> {
        let found = self.types.get_item(name)?.ok_or_else(|| unsuitable(&format!("no class was given for {name}")))?;
        found.cast_into::<PyType>().map_err(|_| unsuitable(&format!("what was given for {name} is no class")))
    }

    fn hidden_of(&self, name: &str) -> PyResult<HashMap<String, Vec<u8>>> {
        let found = match self.hidden {
            Some(hidden) => hidden.get_item(name)?,
            None => None,
        };
        found.map_or_else(|| Ok(HashMap::new()), |fields| fields.extract())
    }
}

fn full_name(parts: &Bound<'_, PyDict>) -> PyResult<String> {
    let name: String = stated(parts, "name")?.extract()?;
    match parts.get_item("namespace")? {
        Some(namespace) if !name.contains('.') => Ok(format!("{namespace}.{name}")),
        _ => Ok(name),
    }
}

fn stated<'py>(parts: &Bound<'py, PyDict>, key: &str) -> PyResult<Bound<'py, PyAny>> {
    parts.get_item(key)?.ok_or_else(|| unsuitable(&format!("{key} was expected")))
}

fn unsuitable(why: &str) -> PyErr {
    Unsuitable::new_err(format!("This schema is not of the shapes that the codec takes: {why}"))
}
