"""No loop over records waits, asks or sends once a record where a call for all of them could: ADR 0069 has the list."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DECISION = ROOT / "docs" / "decisions" / "0069-what-is-done-once-a-slice.md"
HOT = (
    "processors/*.py",
    "processors/index/*.py",
    "processors/steps/**/*.py",
    "tocsin/runtime/arrays.py",
    "tocsin/runtime/database.py",
    "tocsin/runtime/pipeline.py",
    "tocsin/runtime/producer.py",
    "tocsin/runtime/audit/recording.py",
    "tocsin/runtime/ledger/amendments.py",
    "tocsin/runtime/ledger/holds.py",
    "tocsin/runtime/ledger/items.py",
    "tocsin/runtime/ledger/queue.py",
    "tocsin/runtime/ledger/settling.py",
    "tocsin/runtime/ledger/standings.py",
    "tocsin/runtime/ledger/statements.py",
    "tocsin/runtime/transport/consumer.py",
    "tocsin/runtime/transport/runner.py",
    "tocsin/runtime/transport/slices.py",
    "tocsin/runtime/transport/unpacking.py",
)
"""Where a record passes on its way from the broker to its settlement, and back."""
NOT_RUN = "memory.py"
"""The index of evaluation and tests."""
DEPTH = 4
"""Files that an effect is followed through."""
EFFECTS = frozenset(
    {"execute", "executemany", "scalars", "begin", "commit", "rollback", "transaction", "together", "connect"}
    | {"in_one_trip", "_sent", "send", "produce", "produce_batch", "poll", "flush", "send_all", "consume"}
    | {"claim", "rule", "settle", "_look_up", "_standings"}
    | {"run_in_executor", "run_coroutine_threadsafe", "call_soon_threadsafe", "create_task", "sleep"}
)
"""Calls that leave the process, wait for something, or hand over to another thread."""
_LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def sites(source: str, brought: frozenset[str] = frozenset()) -> dict[str, set[str]]:
    """By function, what it does in a loop: effects, awaits, and calls of functions of ours that have effects."""
    functions = _functions(source)
    acting = _acting(functions, brought)
    found = {
        name: {what for loop in _loops(node) for what in _done(loop) if what in acting | {"await"}}
        for name, node in functions.items()
    }
    return {name: what for name, what in found.items() if what}


def _functions(source: str) -> dict[str, ast.AST]:
    return {node.name: node for node in ast.walk(ast.parse(source)) if isinstance(node, _FUNCTIONS)}


def _acting(functions: Mapping[str, ast.AST], brought: frozenset[str]) -> set[str]:
    """What has effects: the calls above, what other files bring, and functions of a file by way of others of it."""
    acting = set(EFFECTS | brought)
    while more := {name for name, node in functions.items() if name not in acting and _done_in(node) & acting}:
        acting |= more
    return acting


def _brought(source: str, acting: Mapping[str, set[str]]) -> frozenset[str]:
    """Functions with effects that a file imports from others on the path."""
    imports = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom))
    return frozenset(
        name.asname or name.name
        for each in imports
        for name in each.names
        if name.name in acting.get(each.module or "", ())
    )


def _loops(node: ast.AST) -> Iterator[ast.AST]:
    return (each for each in ast.walk(node) if isinstance(each, _LOOPS))


def _done_in(node: ast.AST) -> set[str]:
    return {what for each in ast.walk(node) for what in _named(each)}


def _done(loop: ast.AST) -> Iterator[str]:
    """What is done each time; what is iterated over is asked for once."""
    once: set[ast.AST] = set()
    if isinstance(loop, ast.For | ast.AsyncFor):
        once = set(ast.walk(loop.iter))
    elif not isinstance(loop, ast.While):
        once = set(ast.walk(loop.generators[0].iter))  # type: ignore[attr-defined]  # the others are comprehensions
    return (what for each in ast.walk(loop) if each not in once for what in _named(each))


def _named(node: ast.AST) -> tuple[str, ...]:
    """What a node calls or hands on, by its last name: `map(self._ask, records)` asks for each of them too."""
    if isinstance(node, ast.Await | ast.AsyncFor):
        return ("await",)
    if isinstance(node, ast.Call):
        called = [node.func, *(node.args if _name(node.func) in {"map", "partial"} else ())]
        return tuple(filter(None, map(_name, called)))
    return ()


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def all_sites() -> dict[str, set[str]]:
    sources = {path: path.read_text() for pattern in HOT for path in ROOT.glob(pattern) if path.name != NOT_RUN}
    modules = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sources}
    acting: dict[str, set[str]] = {}
    for _ in range(DEPTH):
        acting = {
            modules[path]: _acting(_functions(source), _brought(source, acting)) for path, source in sources.items()
        }
    return {
        f"{path.relative_to(ROOT)}:{function}": what
        for path, source in sorted(sources.items())
        for function, what in sites(source, _brought(source, acting)).items()
    }


def listed() -> set[str]:
    """The first column of the table of ADR 0069: `file:function`."""
    rows = (line.split("|")[1].strip() for line in DECISION.read_text().splitlines() if line.startswith("| `"))
    return {row.strip("`") for row in rows}


def test_each_loop_that_waits_asks_or_sends_is_listed_with_the_batch_call_or_why_there_is_none() -> None:
    assert sorted(all_sites().keys() - listed()) == [], (
        f"A loop on a record's path has an effect each time. Give all to one call, or add a row to {DECISION.name}."
    )


def test_no_row_of_the_list_outlives_its_loop() -> None:
    assert sorted(listed() - all_sites().keys()) == [], f"No such loop any more: take the row out of {DECISION.name}."


@pytest.mark.parametrize(
    "source",
    [
        "def f(c, rows):\n    for row in rows:\n        c.execute(row)",
        "def f(c, rows):\n    return [c.execute(row) for row in rows]",
        "async def f(rows):\n    for row in rows:\n        await row",
        "async def f(rows):\n    return [await row for row in rows]",
        "def g(c, row):\n    c.commit()\ndef f(c, rows):\n    for row in rows:\n        g(c, row)",
        "def f(p, rows):\n    while rows:\n        p.produce(rows.pop())",
        "def g(d):\n    d.begin()\ndef h(d):\n    g(d)\ndef f(d, rows):\n    return {h(d) for _ in rows}",
    ],
)
def test_an_effect_in_a_loop_is_noticed_directly_and_by_way_of_another_function(source: str) -> None:
    assert "f" in sites(source)


def test_what_is_asked_once_and_then_gone_through_is_none() -> None:
    assert (
        sites("def f(c):\n    for row in c.execute():\n        print(row)\n    return [r for r in c.execute()]") == {}
    )
