"""What sharing.toml must keep to: sectors, groups, markings, purposes and labels that exist, each rule named once."""

from collections.abc import Iterator
from typing import Final

from schemas.vocabularies import vocabulary
from tocsin.policy.check_rules import reversed_periods
from tocsin.policy.members import Sector
from tocsin.policy.problems import Problem, one_of, unknown_words
from tocsin.policy.rules import Labels
from tocsin.policy.sharing import NO_HANDLING_CODE, Agreement, Organisations, Prohibition, Sharing
from tocsin.policy.words import ANSWER_PARTS, FIELD_GROUPS

SHARING: Final = "sharing.toml"
_TABLES: Final = ("agreement", "prohibition")
_SECTORS: Final = frozenset(sector.value for sector in Sector)
_WORDS: Final[tuple[tuple[str, str, frozenset[str]], ...]] = (
    ("policy.unknown_sector", "submitter_sectors", _SECTORS),
    ("policy.unknown_sector", "recipient_sectors", _SECTORS),
    ("policy.unknown_group", "allow", FIELD_GROUPS),
    ("policy.unknown_group", "forbid", FIELD_GROUPS),
    ("policy.unknown_tlp", "tlp", frozenset(vocabulary("tlp").codes)),
    ("policy.unknown_marking", "pap", frozenset(vocabulary("pap").codes)),
    ("policy.unknown_marking", "handling_codes", frozenset({NO_HANDLING_CODE, *vocabulary("handling_code").codes})),
    ("policy.unknown_purpose", "purposes", frozenset(vocabulary("purpose").codes)),
)
_NEUTRAL: Final = frozenset(vocabulary("neutral_label").codes)
_OF_OURS: Final = frozenset(
    f"{scheme}:{code}" for scheme in ("annotation", "incident_type") for code in vocabulary(scheme).codes
)
_COUNTRIES: Final = frozenset({"XI", *vocabulary("country").codes})


def sharing_problems(sharing: Sharing, labels: Labels) -> Iterator[Problem]:
    """Words that nobody knows would allow or forbid nothing, and nobody would notice."""
    known = frozenset(f"{mapping.scheme}:{mapping.label}" for mapping in labels.mapping) | _OF_OURS
    for table in _TABLES:
        for number, row in enumerate(getattr(sharing, table)):
            yield from _row_problems(row, f"{table}[{number}]", known)
        yield from reversed_periods((SHARING, table), getattr(sharing, table))
    yield from _unnamed(sharing)
    yield from _never_effective(sharing)
    yield from _answer_problems(sharing)
    for number, basis in enumerate(sharing.transfer):
        for field in ("source", "destination"):
            where = (SHARING, f"transfer[{number}].{field}")
            yield from unknown_words("policy.unknown_country", where, getattr(basis, field), _COUNTRIES)
    yield from reversed_periods((SHARING, "transfer"), sharing.transfer)


def _row_problems(row: Agreement | Prohibition, key: str, known_labels: frozenset[str]) -> Iterator[Problem]:
    for code, field, allowed in _WORDS:
        where = (SHARING, f"{key}.{field}")
        yield from unknown_words(code, where, getattr(row, field, None) or (), allowed)
    where = (SHARING, f"{key}.organisations")
    yield from unknown_words("policy.unknown_marking", where, [row.organisations], frozenset(Organisations))
    for field in ("labels", "deny_labels"):
        for word in getattr(row, field, None) or ():
            if word not in _NEUTRAL and word not in known_labels:
                expected = f"scheme:label as labels.toml has it, or {one_of(_NEUTRAL)}"
                yield _problem("policy.unknown_label", f"{key}.{field}", expected, repr(word))


def _answer_problems(sharing: Sharing) -> Iterator[Problem]:
    for number, row in enumerate(sharing.answer):
        for code, field, allowed in _ANSWER_WORDS:
            words = [row.organisations] if field == "organisations" else getattr(row, field)
            yield from unknown_words(code, (SHARING, f"answer[{number}].{field}"), words, allowed)
    yield from reversed_periods((SHARING, "answer"), sharing.answer)


_ANSWER_WORDS: Final[tuple[tuple[str, str, frozenset[str]], ...]] = (
    ("policy.unknown_sector", "submitter_sectors", _SECTORS),
    ("policy.unknown_sector", "recipient_sectors", _SECTORS),
    ("policy.unknown_group", "allow", ANSWER_PARTS),
    ("policy.unknown_marking", "organisations", frozenset(Organisations)),
)


def _unnamed(sharing: Sharing) -> Iterator[Problem]:
    """A rule that a recipient reads must be one rule."""
    seen: set[str] = set()
    for table in _TABLES:
        for number, row in enumerate(getattr(sharing, table)):
            if not row.rule.strip() or row.rule in seen:
                found = repr(row.rule) if row.rule.strip() else "no name"
                yield _problem(
                    "policy.repeated_rule", f"{table}[{number}].rule", "a name that no other rule has", found
                )
            seen.add(row.rule)


def _never_effective(sharing: Sharing) -> Iterator[Problem]:
    """An agreement or a prohibition with an empty list speaks of nothing."""
    for table, fields in _MUST_NAME.items():
        for number, row in enumerate(getattr(sharing, table)):
            for field in fields:
                if getattr(row, field) == ():
                    yield _problem("policy.unreachable", f"{table}[{number}].{field}", "at least one word", "none")


_LISTS: Final = ("submitter_sectors", "recipient_sectors", "tlp", "pap", "handling_codes", "purposes", "labels")
_MUST_NAME: Final = {"agreement": (*_LISTS, "allow"), "prohibition": (*_LISTS, "forbid")}


def _problem(code: str, key: str, expected: str, found: str) -> Problem:
    return Problem(code=code, file=SHARING, key=key, expected=expected, found=found)
