"""A bundle as entries that people read, and what differs between two of them, in words; pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from tocsin.policy.bundle import Bundle

Entry = Mapping[str, str]
"""Field path to value, as text; what says nothing is left out."""

_NAMES: Final = ("rule", "scheme", "label", "code", "when", "member", "name", "owner", "valid_from")
"""What an entry of a list is known by, as far as it has it."""


class Change(Struct, frozen=True, kw_only=True):
    """One thing that is otherwise."""

    part: str
    name: str
    what: str
    """`added`, `removed`, or the field with its old and new value."""

    def sentence(self) -> str:
        """What a reviewer reads."""
        return f"{self.part}: {self.name} {self.what}"


def parts(bundle: Bundle) -> Mapping[str, Mapping[str, Entry]]:
    """All that a bundle says: part, entry, field."""
    return {part: {name: _flat(entry) for name, entry in read(bundle)} for part, read in _PARTS.items()}


def changes(before: Bundle, after: Bundle) -> tuple[Change, ...]:
    """Everything that differs; files that say the same in other bytes are named too, because they are signed too."""
    told, tells = parts(before), parts(after)
    found = [change for part in told for change in _changed(part, told[part], tells[part])]
    found += _changed_files(before, after)
    return tuple(found)


def _changed(part: str, before: Mapping[str, Entry], after: Mapping[str, Entry]) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield Change(part=part, name=name, what=f"added ({_summary(after[name])})")
        elif name not in after:
            yield Change(part=part, name=name, what="removed")
        else:
            yield from (Change(part=part, name=name, what=what) for what in _fields(before[name], after[name]))


def _fields(before: Entry, after: Entry) -> Iterator[str]:
    for field in sorted(before.keys() | after.keys()):
        old, new = before.get(field, "nothing"), after.get(field, "nothing")
        if old != new:
            yield f"{field}: {old} -> {new}"


def _changed_files(before: Bundle, after: Bundle) -> Iterator[Change]:
    for name in sorted(before.files.keys() | after.files.keys()):
        if before.files.get(name) != after.files.get(name):
            old, new = before.files.get(name, "none")[:12], after.files.get(name, "none")[:12]
            yield Change(part="files", name=name, what=f"sha256 {old} -> {new}")


def _summary(entry: Entry) -> str:
    return ", ".join(f"{field} {value}" for field, value in entry.items())


Read = Callable[[Bundle], Iterable[tuple[str, Any]]]


def _mapped(read: Callable[[Bundle], Mapping[Any, Struct]]) -> Read:
    return lambda bundle: ((str(name), _built(one)) for name, one in sorted(read(bundle).items()))


def _listed(read: Callable[[Bundle], Iterable[Struct]]) -> Read:
    return lambda bundle: _numbered((_name(entry), entry) for entry in map(_built, read(bundle)))


def _whole(read: Callable[[Bundle], Struct]) -> Read:
    return lambda bundle: (("rules", _built(read(bundle))),)


_PARTS: Final[Mapping[str, Read]] = {
    "members": _mapped(lambda bundle: bundle.members),
    "profiles": _mapped(lambda bundle: bundle.profiles),
    "jurisdictions": _mapped(lambda bundle: bundle.jurisdictions),
    "agreements": _listed(lambda bundle: bundle.sharing.agreement),
    "transfers": _listed(lambda bundle: bundle.sharing.transfer),
    "routing": _whole(lambda bundle: bundle.routing),
    "gates": _listed(lambda bundle: bundle.priority.gate),
    "factors": _listed(lambda bundle: (*bundle.priority.factor, *bundle.priority.reduction)),
    "caps": _listed(lambda bundle: bundle.priority.cap),
    "tiers": _listed(lambda bundle: bundle.priority.tier),
    "overrides": _listed(lambda bundle: bundle.priority.override),
    "labels": _listed(lambda bundle: bundle.labels.mapping),
    "tracking": _listed(lambda bundle: bundle.identity.tracking_parameter),
    "bases": _listed(lambda bundle: bundle.bases.basis),
    "retention": _listed(lambda bundle: bundle.retention.rule),
    "versions": lambda bundle: (("versions", dict(bundle.policy_version().parts)),),
}


def _built(one: Struct) -> Any:
    return msgspec.to_builtins(one)


def _name(entry: Mapping[str, Any]) -> str:
    if "destination" in entry:
        return f"{'+'.join(entry['source'])} to {'+'.join(entry['destination'])}"
    known = [str(entry[key]) for key in _NAMES if entry.get(key) and entry[key] != "0001-01-01"]
    return " ".join(known) or str(entry.get("tier", "entry"))


def _numbered(entries: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Entries of one name are told apart by their place."""
    seen: dict[str, int] = {}
    for name, entry in entries:
        seen[name] = seen.get(name, 0) + 1
        yield (name if seen[name] == 1 else f"{name} #{seen[name]}"), entry


def _flat(entry: Any, path: str = "") -> dict[str, str]:
    """One line a field, however deep it stands."""
    if isinstance(entry, Mapping):
        inner = ((f"{path}.{key}".lstrip("."), value) for key, value in entry.items())
        return {name: text for key, value in inner for name, text in _flat(value, key).items()}
    if isinstance(entry, list | tuple) and entry and isinstance(entry[0], Mapping):
        rows = ((f"{path} {name}".strip(), row) for name, row in _numbered((_name(row), row) for row in entry))
        return {name: text for key, row in rows for name, text in _flat(row, key).items()}
    text = ", ".join(map(str, entry)) if isinstance(entry, list | tuple) else _plain(entry)
    return {path: text} if text else {}


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None or value == "0001-01-01" else str(value)
