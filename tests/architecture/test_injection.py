"""What somebody sends never becomes a statement, a program, a pattern, code or a format (ASVS 5.0, 1.2 and 1.3)."""

import ast
from collections.abc import Iterator

import pytest

from schemas.catalogue import catalogue, message
from tests.builders.sources import SURFACES, behind_the_surfaces, calls, imported, is_fixed, trees

STATEMENTS = {"text", "sql.SQL", "SQL", "literal_column", "op.execute", "connection.exec_driver_sql", "exec_driver_sql"}
FROM_A_TABLE = {
    ("tocsin/runtime/ledger/erasing.py", "text"): "of PLACES, beside it",
    ("tocsin/runtime/ledger/measures.py", "text"): "of DIMENSIONS and _SPREAD, beside it",
    ("tocsin/runtime/ledger/scrubbing.py", "text"): "of _SETTINGS, _TABLES and _LOG_OF_WRITES, beside it",
    ("tocsin/stack/receipts.py", "text"): "of _QUERIES, beside it",
    ("tocsin/stack/rerouting.py", "text"): "of _WHERE, beside it: a condition of an unknown name is refused",
    ("tocsin/runtime/migrations/versions/0001_ledger_and_sightings.py", "op.execute"): "of its own tables",
    ("tocsin/runtime/migrations/versions/0006_people.py", "op.execute"): "of its own tables",
    ("tocsin/runtime/migrations/versions/0010_audit.py", "op.execute"): "of its own tables",
}
"""Statements whose parts are picked from a table of the same file; a value is a bound parameter there, too."""
ASKING = (".execute", ".executemany", ".exec_driver_sql", "create_async_engine", "psycopg.connect", "sqlite3.connect")
PROGRAMS = {"subprocess", "pty", "multiprocessing", "ctypes", "concurrent.futures"}
THREADS = {"concurrent.futures", "concurrent.futures.ThreadPoolExecutor"}
"""Where nothing else of that module is taken: workers in the process itself."""
STARTING = ("os.system", "os.popen", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "asyncio.create_subprocess")
PATTERNS = {f"re.{name}" for name in ("compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall")}
EVALUATING = {"eval", "exec", "compile", "__import__", "runpy.run_path", "runpy.run_module", "code.interact"}
BY_NAME = {
    "tocsin/__init__.py": "of _FACADE",
    "tocsin/cli/main.py": "of SECTIONS",
    "consumers/formats/__init__.py": "of FORMATS",
    "schemas/engines/compiled.py": "a literal",
}
"""Modules that are imported by a name that is looked up; each is one of a table."""
FORMATTED = {
    ("schemas/catalogue/__init__.py", "sentences.format_map"): "a catalogue entry, see the last test",
    ("tocsin/stack/settings_reference.py", "written.format"): "of its own caller, for a page that we write",
}
WRITERS = ("msgspec.json.format", "sql.SQL.")
"""They lay out JSON, and quote names for PostgreSQL."""


def composed(names: set[str], among: dict[str, ast.Module]) -> Iterator[tuple[str, str]]:
    """Where one of these is given a text that is not the same whoever asks."""
    for place, tree in among.items():
        for name, call in calls(tree):
            if name in names and call.args and not is_fixed(call.args[0]):
                yield place, name


def planted(source: str) -> dict[str, ast.Module]:
    return {"planted.py": ast.parse(source)}


def test_no_statement_is_put_together_from_a_value() -> None:
    assert set(composed(STATEMENTS, trees())) == FROM_A_TABLE.keys()
    written = sum(name in STATEMENTS for tree in trees().values() for name, _ in calls(tree))
    assert written > 200, "or this test would see nothing"


@pytest.mark.parametrize(
    "statement",
    [
        "text(f'select 1 where x = {given}')",
        "text('select ' + given)",
        "text('select %s' % given)",
        "text('select {}'.format(given))",
        "op.execute(given)",
    ],
)
def test_a_statement_of_a_value_would_be_noticed(statement: str) -> None:
    assert list(composed(STATEMENTS, planted(statement)))


def test_no_surface_asks_a_database() -> None:
    def asking(among: dict[str, ast.Module]) -> set[str]:
        return {place for place, tree in among.items() for name, _ in calls(tree) if name.endswith(ASKING)}

    assert not asking(behind_the_surfaces())
    assert len(asking(trees())) > 20, "or this test would see nothing"


def starting(tree: ast.AST) -> set[str]:
    modules = {name for name in imported(tree) if any(f"{name}.".startswith(f"{one}.") for one in PROGRAMS)}
    modules -= THREADS if modules >= THREADS else set()
    return modules | {name for name, _ in calls(tree) if name.startswith(STARTING)}


def test_no_surface_starts_a_program() -> None:
    found = behind_the_surfaces()
    assert {place for name in SURFACES for place in (f"{name.replace('.', '/')}.py",)} <= found.keys()
    assert not {place: started for place, tree in found.items() if (started := starting(tree))}
    everywhere = {place for place, tree in trees().items() if starting(tree)}
    assert "tocsin/stack/daemons.py" in everywhere, "or this test would see nothing"


@pytest.mark.parametrize("taken", ["ProcessPoolExecutor", "ProcessPoolExecutor, ThreadPoolExecutor"])
def test_workers_that_are_programs_would_be_noticed_and_threads_are_none(taken: str) -> None:
    assert starting(ast.parse(f"from concurrent.futures import {taken}"))
    assert starting(ast.parse("import concurrent.futures"))
    assert not starting(ast.parse("from concurrent.futures import ThreadPoolExecutor"))


def test_no_pattern_is_made_of_what_was_sent() -> None:
    found = behind_the_surfaces()
    assert not set(composed(PATTERNS, found))
    assert any(name in PATTERNS for tree in found.values() for name, _ in calls(tree)), "or this test would see nothing"
    assert list(composed(PATTERNS, planted("re.search(given, text)")))


def test_nothing_is_evaluated_and_what_is_imported_by_name_is_of_a_table() -> None:
    called = {(place, name) for place, tree in trees().items() for name, _ in calls(tree)}
    assert not {(place, name) for place, name in called if name in EVALUATING}
    assert {place for place, name in called if name.endswith("import_module")} == BY_NAME.keys()
    assert len(called) > 1_000, "or this test would see nothing"


def formatting() -> Iterator[tuple[str, str]]:
    for place, tree in trees().items():
        for name, call in calls(tree):
            if name.endswith((".format", ".format_map")) and not name.startswith(WRITERS):
                filled = call.func.value if isinstance(call.func, ast.Attribute) else call.func
                yield from () if is_fixed(filled) else [(place, name)]


def test_no_format_string_comes_from_outside() -> None:
    assert set(formatting()) == FORMATTED.keys()


@pytest.mark.parametrize("hostile", ["{0.__class__}", "{found.__globals__}", "%(levelname)s %s", "{", "{{7*7}}"])
def test_a_fact_that_looks_like_a_format_is_said_as_it_came(hostile: str) -> None:
    code, field = next((code, "member") for code, entry in catalogue().items() if "{member}" in entry.message)
    assert hostile in message(code, **{field: hostile})
