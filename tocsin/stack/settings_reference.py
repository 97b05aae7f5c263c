"""Writes docs/reference/settings.md from the classes that read the files: name, type, default and meaning of each."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

from consumers import settings as delivery
from tocsin.runtime import settings as process

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
_FILES: Final[tuple[tuple[str, ModuleType], ...]] = (
    ("`<home>/config/<principal>.toml`, of every process", process),
    ("`<home>/config/<member>.delivery.toml`, of a member's delivery", delivery),
)

_HEAD: Final = "| key | type | default | meaning |\n|---|---|---|---|\n"


def page() -> str:
    """The whole page."""
    head = "# Settings\n\nMade by `python -m tocsin.stack.settings_reference` from the code: do not edit it.\n"
    return head + "".join(f"\n## {title}\n" + "".join(_tables(module)) for title, module in _FILES)


def _tables(module: ModuleType) -> Iterator[str]:
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef) and any(isinstance(part, ast.AnnAssign) for part in node.body):
            yield f"\n### {node.name}\n{ast.get_docstring(node) or ''}\n\n{_HEAD}"
            yield from _rows(node)


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


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
