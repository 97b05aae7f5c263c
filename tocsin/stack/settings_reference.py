"""Writes docs/reference/settings.md from the classes that read the files, and from what reads the environment."""

import ast
import inspect
import textwrap
from collections import abc
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args, get_origin, get_type_hints

from msgspec import Struct

from consumers.settings import DeliverySettings
from tocsin.policy.store.trust import Trust
from tocsin.runtime.settings import Settings
from tocsin.stack.objectives import Objectives

_ROOT: Final = Path(__file__).parents[2]
PAGE: Final = _ROOT / "docs" / "reference" / "settings.md"
FILES: Final[tuple[tuple[str, type[Struct]], ...]] = (
    ("`<home>/config/<principal>.toml`, of every process", Settings),
    ("`<home>/config/<member>.delivery.toml`, of a member's delivery", DeliverySettings),
    ("`<home>/config/policy-trust.toml`, of who may change rules", Trust),
    ("`deploy/prometheus/slo.yaml`, of what is promised", Objectives),
)
"""What a policy bundle says is no setting: `tocsin policy check` and docs/guides/operator.md are for that."""
ENVIRONMENT: Final[Mapping[str, str]] = {
    "TOCSIN_HOME": "`--home` of every command that has it: the folder of settings, keys and state.",
    "TOCSIN_BY": "`--by` of every command that says who looks: your name, for the audit log.",
    "TOCSIN_PURPOSE": "`--purpose` of the same commands: why you look. Without either, nothing is shown.",
    "TOCSIN_CODEC": "`auto` (as without it), `compiled` or `fastavro`: what reads and writes records.",
    "TOCSIN_OPS_HOSTS": "`--host` of `tocsin ops`: names that your proxy hands on, with spaces between them.",
    "TOCSIN_UPLOT": "`--uplot` of `tocsin ops`: the archive that draws the charts, as the image has it.",
    "SERVE": "`--serve` of `tocsin demo`: stay up at the end.",
    "XDG_CACHE_HOME": "Where fetched programs are kept: the local stack's and uPlot; without it `~/.cache`.",
    "PATH": "Handed on to Java, and to what starts PostgreSQL of the local stack.",
}
"""Nothing secret is among them: passwords and keys are read from files."""
_PACKAGES: Final = ("schemas", "tocsin", "producers", "processors", "consumers")
_ENVIRONMENT_HEAD: Final = "| variable | meaning |\n|---|---|\n"
_HEAD: Final = "| key | type | default | meaning |\n|---|---|---|---|\n"


def page() -> str:
    """The whole page."""
    head = "# Settings\n\nMade by `python -m tocsin.stack.settings_reference` from the code: do not edit it.\n"
    variables = "".join(f"| `{name}` | {words} |\n" for name, words in ENVIRONMENT.items())
    environment = f"\n## Environment, of every command\n\n{_ENVIRONMENT_HEAD}{variables}"
    return head + environment + "".join(f"\n## {title}\n" + "".join(_tables(root, title)) for title, root in FILES)


def read_from_the_environment() -> frozenset[str]:
    """Each variable that the code names, as an option's `envvar` or beside `os.environ`."""
    files = (file for package in _PACKAGES for file in (_ROOT / package).rglob("*.py"))
    trees = [ast.parse(file.read_text("utf-8")) for file in files]
    constants = _constants(trees)
    return frozenset(name for tree in trees for name in _variables(tree, constants))


def tables_in(root: type[Struct], path: str = "") -> Iterator[tuple[str, type[Struct]]]:
    """The TOML tables of a file, each with the class that reads it, in the order of its keys."""
    for name, hint in get_type_hints(root).items():
        for written, table in _structs_of(hint, "[{}]"):
            header = written.format(path + name)
            yield header, table
            yield from tables_in(table, header.strip("[]") + ".")


_WRITTEN: Final[Mapping[Any, str]] = {tuple: "[[{}]]", abc.Mapping: "[{}.NAME]"}
"""As TOML writes a list of tables, and tables whose names are the operator's choice."""


def _structs_of(hint: Any, written: str) -> Iterator[tuple[str, type[Struct]]]:
    if isinstance(hint, type) and issubclass(hint, Struct):
        yield written, hint
    for inner in get_args(hint):
        yield from _structs_of(inner, _WRITTEN.get(get_origin(hint), written))


def headed(header: str, title: str) -> str:
    """A table of TOML as the file of this title writes it, which may be YAML."""
    if ".yaml`" not in title:
        return header
    return f"{header.strip('[]')}:" + (" -" if header.startswith("[[") else "")


def _tables(root: type[Struct], title: str) -> Iterator[str]:
    for table, one in (("", root), *tables_in(root)):
        header = headed(table, title) if table else ""
        (node,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
        assert isinstance(node, ast.ClassDef)  # noqa: S101 -- a class was asked for
        yield f"\n### {f'`{header}`' if header else 'Its top'}\n{inspect.getdoc(one)}\n\n{_HEAD}{_kind(one)}"
        yield from _rows(node)


def _kind(one: type[Struct]) -> str:
    """The key by which tables of one list differ."""
    config = one.__struct_config__
    return f"| {config.tag_field} | str | required | `{config.tag}` here. |\n" if config.tag_field else ""


def _rows(node: ast.ClassDef) -> Iterator[str]:
    for part, following in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(part, ast.AnnAssign):
            default = ast.unparse(part.value) if part.value else "required"
            cells = (ast.unparse(part.target), ast.unparse(part.annotation), default, _words(following))
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _words(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return " ".join(node.value.value.split())
    return ""


def _variables(tree: ast.Module, constants: Mapping[str, str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "envvar":
            yield _named(node.value, constants)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"os.environ.get", "os.getenv"}:
            yield _named(node.args[0], constants)
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            yield _named(node.slice, constants)


def _named(node: ast.expr, constants: Mapping[str, str]) -> str:
    return constants[node.id] if isinstance(node, ast.Name) else str(ast.literal_eval(node))


def _constants(trees: Sequence[ast.Module]) -> Mapping[str, str]:
    """The texts that modules give a name: a variable may be read by that of another module."""
    found = (part for tree in trees for part in tree.body if isinstance(part, ast.AnnAssign))
    return {
        ast.unparse(part.target): part.value.value
        for part in found
        if isinstance(part.value, ast.Constant) and isinstance(part.value.value, str)
    }


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
