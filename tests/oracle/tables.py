"""The policy files as the oracle reads them: plain TOML, and Cedar text made from the rows of sharing.toml."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

_ROW_LISTS: Final = {
    "submitter_sectors": "submitter_sector",
    "recipient_sectors": "recipient_sector",
    "purposes": "purpose",
    "tlp": "tlp",
    "pap": "pap",
    "handling_codes": "handling_code",
}
"""A list of a row, and the one word of the case that it is about."""
_UNSAID: Final[Mapping[str, list[str]]] = {
    "tlp": ["CLEAR", "GREEN", "AMBER", "AMBER+STRICT"],
    "pap": ["CLEAR", "GREEN", "AMBER"],
    "handling_codes": ["none", "H0"],
}
"""What an agreement that does not say it covers: the lists of docs/guides/operator.md."""
CHOICES: Final = """
forbid(principal, action, resource) when {
  context.denied_members.contains(context.recipient) || context.denied_sectors.contains(context.recipient_sector)
  || context.denied_countries.containsAny([context.recipient_country, context.recipient_jurisdiction])
};
forbid(principal, action, resource) when { context.denied_labels.containsAny(context.spellings) };
"""
"""Submitters narrow, and cannot widen: there is no permit here."""


class Tables(Struct, frozen=True, kw_only=True):
    """What a decision stands on."""

    members: Mapping[str, Mapping[str, Any]]
    meanings: Mapping[tuple[str, str], tuple[Mapping[str, Any], ...]]
    """Rows of labels.toml by scheme and label."""
    cedar: str

    def words(self, scheme: str, label: str, on: date) -> frozenset[str]:
        """A label in its own words and in neutral ones, as of that day."""
        rows = (row for row in self.meanings.get((scheme, label), ()) if holds(row, on))
        neutral: list[str] = next((row["neutral"] for row in rows), [])
        return frozenset([f"{scheme}:{label}", *neutral])


def read(folder: Path, sharing: str) -> Tables:
    """Members and labels of a bundle, with these agreements."""
    members = tomllib.loads((folder / "members.toml").read_text("utf-8"))
    meanings: dict[tuple[str, str], tuple[Mapping[str, Any], ...]] = {}
    for row in tomllib.loads((folder / "labels.toml").read_text("utf-8"))["mapping"]:
        key = (row["scheme"], row["label"])
        meanings[key] = (*meanings.get(key, ()), row)
    return Tables(members=members, meanings=meanings, cedar="\n".join(_policies(tomllib.loads(sharing))) + CHOICES)


def holds(row: Mapping[str, Any], on: date) -> bool:
    """Whether a dated row is in force."""
    return bool(row.get("valid_from", date.min) <= on) and ("valid_to" not in row or on < row["valid_to"])


def day_number(on: date) -> int:
    """A day as a number that keeps the order."""
    return on.year * 10_000 + on.month * 100 + on.day


def _policies(sharing: Mapping[str, Any]) -> Iterator[str]:
    for row in sharing.get("agreement", ()):
        conditions = [*_conditions(_UNSAID | row), f"{_groups(row['allow'])}.contains(resource)"]
        if "deny_labels" in row:
            conditions.append(f"!({_strings(row['deny_labels'])}.containsAny(context.words))")
        yield f"permit(principal, action, resource) when {{ {' && '.join(conditions)} }};"
    for row in sharing.get("prohibition", ()):
        conditions = list(_conditions(row)) or ["true"]
        if "forbid" in row:
            conditions.append(f"{_groups(row['forbid'])}.contains(resource)")
        yield f"forbid(principal, action, resource) when {{ {' && '.join(conditions)} }};"
    pairs = [" && ".join(_transfer(row)) for row in sharing.get("transfer", ())]
    basis = " || ".join(f"({pair})" for pair in pairs) or "false"
    yield f'forbid(principal, action, resource == Group::"personal") unless {{ {basis} }};'


def _conditions(row: Mapping[str, Any]) -> Iterator[str]:
    for name, attribute in _ROW_LISTS.items():
        if name in row:
            yield f"{_strings(row[name])}.contains(context.{attribute})"
    if row.get("organisations", "any") != "any":
        yield f"context.same_organisation == {'true' if row['organisations'] == 'same' else 'false'}"
    if "labels" in row:
        yield f"{_strings(row['labels'])}.containsAny(context.words)"
    yield from _dates(row)


def _transfer(row: Mapping[str, Any]) -> Iterator[str]:
    yield f"{_strings(row['source'])}.contains(context.submitter_country)"
    yield f"{_strings(row['destination'])}.contains(context.recipient_country)"
    yield from _dates(row)


def _dates(row: Mapping[str, Any]) -> Iterator[str]:
    if "valid_from" in row:
        yield f"context.day >= {day_number(row['valid_from'])}"
    if "valid_to" in row:
        yield f"context.day < {day_number(row['valid_to'])}"


def _strings(words: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


def _groups(names: Iterable[str]) -> str:
    return "[" + ", ".join(f'Group::"{name}"' for name in names) + "]"
