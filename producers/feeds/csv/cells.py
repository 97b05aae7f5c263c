"""One cell of a table: what spreadsheets do to it on the way in, and what protects them on the way out."""

import re
from typing import Final

_RISKY_STARTS: Final = ("=", "+", "-", "@", "#", "'", "\t", "\r")
"""A spreadsheet takes some of these for a formula, and the reader takes # for a comment."""
_TEXT_FORMULA: Final = re.compile(r'="((?:[^"]|"")*)"')
"""How spreadsheets are made to keep leading zeros: a formula that is a text."""
_ERRORS: Final = re.compile(r"#(?:NAME\?|REF!|VALUE!|DIV/0!|NUM!|NULL!|N/A|SPILL!|CALC!|#+)")
_SHORTENED: Final = re.compile(r"\d[.,]\d+E\+\d{1,3}")
_FORMULA: Final = re.compile(r"[=\t\r].*|[+@-].*[(|!].*", re.DOTALL)


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet would compute this cell; numbers, telephone numbers and @names pass."""
    return bool(_FORMULA.fullmatch(cell)) and not _TEXT_FORMULA.fullmatch(cell)


def problem_in(cell: str) -> str:
    """The code of what a spreadsheet did to this cell, or nothing."""
    if is_formula(cell):
        return "csv.formula"
    if _ERRORS.fullmatch(cell):
        return "csv.cell_error"
    return "csv.shortened" if _SHORTENED.fullmatch(cell) else ""


def value_in(cell: str) -> str:
    """What the cell says, without what only protected it."""
    text = _TEXT_FORMULA.fullmatch(cell)
    if text:
        return text[1].replace('""', '"')
    return cell[1:] if cell.startswith("'") and cell[1:2] in _RISKY_STARTS else cell


def protected(value: str) -> str:
    """The cell that says this value and that no spreadsheet computes; `value_in` takes the protection off."""
    return f"'{value}" if value.startswith(_RISKY_STARTS) else value
