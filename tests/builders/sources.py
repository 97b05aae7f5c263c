"""Our own source as trees, for tests that look at all of it, and at what is behind the HTTP surfaces."""

import ast
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("schemas", "tocsin", "producers", "processors", "consumers")
SURFACES = (
    *("consumers.receiver", "consumers.serving", "tocsin.cli.receiver", "tocsin.runtime.endpoint"),
    *("tocsin.stack.watching.application", "tocsin.stack.watching.guarding", "tocsin.cli.ops"),
)
"""What answers HTTP: the reference receiver and the ops page with their commands, and the metrics port of a process."""
_LISTED = "import sys; [__import__(name) for name in sys.argv[1:]]; print(*sys.modules)"


@cache
def trees() -> dict[str, ast.Module]:
    """Every file of the product by its place in the repository."""
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    return {str(file.relative_to(ROOT)): ast.parse(file.read_text("utf-8")) for file in files}


@cache
def behind_the_surfaces() -> dict[str, ast.Module]:
    """The files that a process has read once the surfaces are imported, and nothing else is."""
    command = [sys.executable, "-c", _LISTED, *SURFACES]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603 -- fixed words
    places = {f"{name.replace('.', '/')}{end}" for name in told.split() for end in (".py", "/__init__.py")}
    return {place: tree for place, tree in trees().items() if place in places}


@cache
def calls(tree: ast.AST) -> Sequence[tuple[str, ast.Call]]:
    """Each call with the dotted name that is called; of what has none, such as a literal's method, the last part."""
    return [(dotted(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def dotted(node: ast.expr) -> str:
    """`a.b.c` as it is written; empty where no name stands."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else dotted(node.func) if isinstance(node, ast.Call) else ""


@cache
def imported(tree: ast.AST) -> frozenset[str]:
    """Modules that are imported, and what is taken from them: `a.b` and `a.b.c` for `from a.b import c`."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    whole = {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}
    parts = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    taken = {f"{node.module}.{one.name}" for node in parts for one in node.names}
    return frozenset(whole | taken | {node.module or "" for node in parts})


def is_fixed(node: ast.expr) -> bool:
    """Whether this text is the same whoever asks: literals, names of constants, and what is put together from them."""
    parts = _parts(node)
    return isinstance(node, ast.Constant) or _names_a_constant(node) or (bool(parts) and all(map(is_fixed, parts)))


def _names_a_constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id.strip("_").isupper()


def _parts(node: ast.expr) -> list[ast.expr]:
    """What it is put together from; nothing where that is not known."""
    match node:
        case ast.JoinedStr(values=values):
            found = values
        case ast.FormattedValue(value=value) | ast.Attribute(value=value) | ast.Subscript(value=value):
            found = [value]
        case ast.BinOp(left=left, right=right) | ast.IfExp(body=left, orelse=right):
            found = [left, right]
        case ast.Call(func=ast.Attribute(value=value, attr="format" | "join"), args=args, keywords=keywords):
            found = [value, *args, *(one.value for one in keywords)]
        case _:
            found = []
    return found
