"""Ids are name-based UUIDs as the standard library makes them, whatever the names: a later release derives the same."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from schemas.records.identifiers import name_based_uuid


@given(st.uuids(), st.text(st.characters(exclude_categories=["Cs"])))
def test_an_id_is_what_the_standard_library_says_of_the_name(namespace: UUID, name: str) -> None:
    assert name_based_uuid(namespace, name) == str(uuid5(namespace, name))
