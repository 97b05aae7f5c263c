"""PostgreSQL reads of a column what was meant, whether we wrote it or the driver did."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tocsin.runtime.database import Database, database_of
from tocsin.runtime.pipeline import Query
from tocsin.runtime.settings import load as settings_of

pytestmark = pytest.mark.stack
_TEXT: Final = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20
) | st.sampled_from(["", "NULL", "null", "{}", '","', "\\", '\\"', '"', " a ", "a,b", "\\x41", "\n"])
_COLUMNS: Final = {
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "boolean": st.booleans(),
    "bytea": st.binary(max_size=20),
    "text": _TEXT,
    "timestamptz": st.integers(-10_000_000_000_000, 250_000_000_000_000).map(
        lambda epoch_ms: datetime.fromtimestamp(epoch_ms / 1000, UTC)
    ),
}
_READ: Final = {kind: text(f"select cast(:column as {kind}[]) as found") for kind in _COLUMNS}


@pytest.fixture
def database(stack: Any) -> Iterator[Database]:
    database = database_of(settings_of(stack.config("triage")))
    yield database
    database.close()


@pytest.mark.parametrize("kind", sorted(_COLUMNS))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_postgresql_reads_the_column_that_was_sent(database: Database, kind: str, data: st.DataObject) -> None:
    column = data.draw(st.lists(_COLUMNS[kind] | st.none() if data.draw(st.booleans()) else _COLUMNS[kind], max_size=8))
    ((row,),) = database.together([Query(_READ[kind], {"column": column})])
    assert row.found == column
