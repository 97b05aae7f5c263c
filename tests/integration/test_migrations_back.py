"""Each revision of the tables, forward, back and forward again, on a real PostgreSQL with rows in every table."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from msgspec.structs import replace
from psycopg import sql

from tocsin.runtime.database import Database, database_of
from tocsin.runtime.migrating import MIGRATIONS
from tocsin.runtime.settings import load

pytestmark = pytest.mark.stack
NAME = "back_and_forth"
VALUES = {
    "text": "'x'",
    "uuid": "gen_random_uuid()",
    "bytea": "decode(repeat('00', 32), 'hex')",
    "bool": "false",
    "timestamptz": "now()",
    "jsonb": "'{}'::jsonb",
    "_text": "'{}'::text[]",
    "int2": "1",
    "int4": "1",
    "int8": "1",
    "float8": "1",
    "xid8": "'1'::xid8",
    "date": "current_date",
    "_float8": "'{}'::float8[]",
    "_int4": "'{}'::integer[]",
    "_int8": "'{}'::bigint[]",
    "float4": "1",
    "numeric": "1",
}
"""One for each type that a column has; another type fails here by its name."""
CHECKED = {("suspensions", "kind"): "'left'", ("subject_requests", "kind"): "'restrict'"}
"""Where the table itself says which values there are."""
TABLES = """
    select table_schema, table_name, column_name, udt_name, is_nullable, column_default from information_schema.columns
    where table_schema in ('public', 'restricted') and is_generated = 'NEVER' and identity_generation is null
    and (table_schema, table_name) in (select schemaname, tablename from pg_tables) and table_name <> 'alembic_version'
    order by 1, 2, ordinal_position
"""
SHAPES = (
    "select table_schema, table_name, column_name, udt_name, is_nullable, column_default"
    " from information_schema.columns where table_schema in ('public', 'restricted')",
    "select schemaname, tablename, indexdef from pg_indexes where schemaname in ('public', 'restricted')",
    "select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint where contype <> 'n'"
    " and connamespace in ('public'::regnamespace)",
    "select proname, prosrc, proacl::text from pg_proc where pronamespace = 'public'::regnamespace",
    "select grantee, table_name, privilege_type from information_schema.table_privileges"
    " where table_schema in ('public', 'restricted')",
)
Shape = list[set[tuple[object, ...]]]


@pytest.fixture
def database(stack: Any) -> Iterator[Database]:
    """An empty one beside the stack's own, owned by the same role."""
    with stack.postgres.connect() as connection:
        connection.autocommit = True
        connection.execute(f"create database {NAME} owner ops")
        settings = load(stack.config("ops"))
        assert settings.database is not None
        own = replace(settings.database, url=_beside(settings.database.url))
        database = database_of(replace(settings, database=own))
        try:
            yield database
        finally:
            database.close()
            connection.execute(f"drop database {NAME} with (force)")


def _beside(url: str) -> str:
    return f"{url.rpartition('/')[0]}/{NAME}"


def chain() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return [revision.revision for revision in reversed(list(ScriptDirectory.from_config(config).walk_revisions()))]


def step(database: Database, move: Any, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.transaction() as connection:
        config.attributes["connection"] = connection
        move(config, revision)


Table = tuple[str, str]
"""Its schema and its name."""


def fill(connection: psycopg.Connection[Any]) -> None:
    """A row in each table that has none, whatever refers to what."""
    columns: dict[Table, list[tuple[str, str]]] = {}
    for schema, table, column, kind, nullable, default in connection.execute(TABLES).fetchall():
        wanted = columns.setdefault((schema, table), [])
        if nullable == "NO" and default is None:
            wanted.append((column, CHECKED.get((table, column), VALUES[kind])))
    connection.execute("set session_replication_role = replica")
    has = counted(connection)
    for table, row in columns.items():
        if not has[table]:
            names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in row)
            values = sql.SQL(", ").join(sql.SQL(value) for _, value in row)
            insert = sql.SQL("insert into {} ({}) values ({})") if row else sql.SQL("insert into {} default values")
            connection.execute(insert.format(sql.Identifier(*table), names, values))


def counted(connection: psycopg.Connection[Any]) -> dict[Table, int]:
    """How many rows each table has at this moment; nothing is put into any."""
    tables = sorted({(schema, table) for schema, table, *_ in connection.execute(TABLES).fetchall()})
    return {table: _count(connection, table) for table in tables}


def _count(connection: psycopg.Connection[Any], table: Table) -> int:
    asked = sql.SQL("select count(*) from {}").format(sql.Identifier(*table))
    found: int = connection.execute(asked).fetchone()[0]  # type: ignore[index]  # one row always
    return found


def lost(before: dict[Table, int], after: dict[Table, int]) -> dict[Table, tuple[int, int | None]]:
    """Of the tables that there were, those that have another number of rows now, or are gone."""
    return {table: (count, after.get(table)) for table, count in before.items() if after.get(table) != count}


def shape(connection: psycopg.Connection[Any]) -> Shape:
    return [set(connection.execute(question).fetchall()) for question in SHAPES]


def test_each_revision_goes_back_and_forward_with_rows_in_every_table(stack: Any, database: Database) -> None:
    with stack.postgres.connect(database=NAME) as connection:
        connection.autocommit = True
        before, revisions = shape(connection), chain()
        for revision in revisions:
            had = counted(connection)
            step(database, command.upgrade, revision)
            assert lost(had, counted(connection)) == {}, f"rows that {revision} loses"
            fill(connection)
            rows, after = counted(connection), shape(connection)
            assert min(rows.values()) >= 1
            step(database, command.downgrade, "-1")
            kept = {table: rows[table] for table in had}
            assert lost(kept, counted(connection)) == {}, f"rows that are lost where {revision} is taken back"
            back = shape(connection)
            assert back[0] == before[0] or revision == revisions[0], f"columns after {revision} was taken back"
            assert revision == revisions[0] or back == before, f"what {revision} leaves behind"
            step(database, command.upgrade, revision)
            assert shape(connection) == after, f"{revision}, taken back and made again, is another"
            assert lost(kept, counted(connection)) == {}, f"rows that {revision} loses where it is made again"
            before = after
        step(database, command.downgrade, "base")
        assert {table for _, table, *_ in shape(connection)[0]} == {"alembic_version"}


DECIDED = """
    insert into decisions (report_id, revision, submitter, submitter_reference, mark, tier, completeness, missing,
                           policy, out_partition, out_offset, at, retain_until)
    select md5(name)::uuid, 1, 'x', name, 'LIVE', 'standard', 1, '', '', 0, 0, now() - age, day
    from (values ('old', interval '400 days', null), ('young', interval '1 day', null),
                 ('own', interval '400 days', now() + interval '9 days'),
                 ('erased', interval '400 days', null), ('held', interval '400 days', null)) as d(name, age, day)
"""
ERASED = """
    insert into report_revisions (report_id, revision, member, withdrawn, digest, stream, log_offset, claim_number)
    values (md5('erased')::uuid, 2147483647, 'x', false, '', 1, -1, 1)
"""
HELD = """
    insert into legal_holds (report_id, owner, reason, set_by, expires_at)
    values (md5('held')::uuid, 'court', 'r', 'x', now() + interval '1 day')
"""
DAYS = "select submitter_reference, extract(epoch from retain_until - at)::integer / 86400 from decisions order by 1"


def days(connection: psycopg.Connection[Any]) -> dict[str, int | None]:
    """After how many days each report goes."""
    return dict(connection.execute(DAYS).fetchall())


def test_what_was_decided_before_there_were_days_goes_after_a_year_and_loses_that_day_on_the_way_back(
    stack: Any, database: Database
) -> None:
    step(database, command.upgrade, "0021")
    with stack.postgres.connect(database=NAME) as connection:
        connection.autocommit = True
        for statement in (DECIDED, ERASED, HELD):
            connection.execute(statement)
        before = days(connection)
        assert [before[name] for name in ("old", "young", "erased", "held")] == [None] * 4
        step(database, command.upgrade, "0022")
        after = days(connection)
        assert after == before | {"old": 365, "young": 365, "held": 365}
        step(database, command.downgrade, "-1")
        assert days(connection) == before
        step(database, command.upgrade, "0022")
        assert days(connection) == after
        connection.execute("select erase_past(100)")
        left = {name for (name,) in connection.execute("select submitter_reference from decisions").fetchall()}
        assert left == {"young", "own", "erased", "held", ""}, "only the old one went: its reference is empty"
