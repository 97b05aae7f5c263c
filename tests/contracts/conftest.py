"""The two indexes that every contract of the index is asked of: in memory, and empty in PostgreSQL."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from processors.index.memory import MemoryIndex
from processors.index.port import Index
from processors.index.postgres import PostgresIndex
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.settings import load


@pytest.fixture(scope="module")
def database(stack: object) -> Iterator[Database]:
    database = database_of(load(stack.config("triage")))  # type: ignore[attr-defined]  # LocalStack
    yield database
    database.close()


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.stack(shared=True))])
def index(request: pytest.FixtureRequest) -> Index:
    if request.param == "memory":
        return MemoryIndex()
    return PostgresIndex(emptied(request.getfixturevalue("database"), request.getfixturevalue("stack")))


def emptied(database: Database, stack: object) -> Database:
    """Of all that an index knows."""
    owner = database_of(load(stack.config("ops")))  # type: ignore[attr-defined]  # LocalStack
    with owner.transaction() as connection:
        connection.execute(
            text(
                "truncate rulings, sightings, further_sightings, report_revisions, restricted.near_hashes, disputes, "
                "links"
            )
        )
    owner.close()
    return database
