"""Agreement tables and reports by chance: what a reviewer could write, and what a submitter could send."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from schemas.records.identifiers import ContentId, CountryCode, MemberId
from schemas.records.report import ContentItem, Label, SharingChoices
from schemas.records.triage import ItemVerdict
from schemas.records.values import Handling, Instant, SyntheticOrigin, Ternary, Verdict
from tests.builders.release import a_full_referral
from tests.builders.reports import a_governance, a_hash, a_report
from tests.oracle.opinion import Question

T = TypeVar("T")

FIRST_DAY: Final = date(2026, 3, 1)
SECTORS: Final = ["hotline", "ngo", "platform", "lea", "international"]
GROUPS: Final = ["content", "hashes", "circumstances", "assessment", "provenance"]
MORE_GROUPS: Final = ["submitter", "links", "personal", "withheld"]
LABELS: Final = [
    ("industry", "A1"),
    ("industry", "B2"),
    ("iccam", "baseline"),
    ("iwf", "A"),
    ("unknown", "prepubescent"),
]
ANNOTATIONS: Final = ["self_generated", "infant", "viral", "generative_ai"]
WORDS: Final = ["industry:A1", "industry:B2", "iccam:baseline", "prepubescent", "pubescent", "self_generated"]
WORDS_BESIDE: Final = ["conduct_material", "conduct_coercion", "annotation:viral", "synthetic", "infant"]
PURPOSES: Final = ["removal", "investigation", "removal_and_investigation"]
TLP: Final = ["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"]
PAP: Final = ["CLEAR", "GREEN", "AMBER", "RED"]
CODES: Final = ["none", "H0", "H1", "H2", "H3"]
COUNTRIES: Final = ["NL", "DE", "FR", "GB", "US", "XI"]


def tables(chance: Random) -> str:
    """A sharing.toml."""
    blocks = ['version = "generated"']
    blocks += (_block("agreement", _agreement(chance, number)) for number in range(chance.randint(1, 5)))
    blocks += (_block("prohibition", _prohibition(chance, number)) for number in range(chance.choice((0, 0, 1, 2))))
    blocks += (_block("transfer", _transfer(chance)) for _ in range(chance.randint(1, 3)))
    return "\n\n".join(blocks) + "\n"


def _block(table: str, row: dict[str, Any]) -> str:
    return "\n".join([f"[[{table}]]", *(f"{key} = {_toml(value)}" for key, value in row.items())])


def _toml(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else json.dumps(value)


def _agreement(chance: Random, number: int) -> dict[str, Any]:
    row = {
        "rule": f"agreement-{number}",
        "submitter_sectors": _some(chance, SECTORS, 3),
        "recipient_sectors": _some(chance, SECTORS, 3),
        "allow": _some(chance, GROUPS, 3) + _some(chance, MORE_GROUPS, 3),
        **_maybe(chance, 0.3, "organisations", chance.choice(("any", "same", "other"))),
        **_maybe(chance, 0.3, "labels", _some(chance, WORDS, 2) + _some(chance, WORDS_BESIDE, 2)),
        **_maybe(chance, 0.2, "deny_labels", _some(chance, WORDS + WORDS_BESIDE, 1)),
        **_maybe(chance, 0.3, "purposes", _some(chance, PURPOSES, 2)),
        **_maybe(chance, 0.3, "tlp", _some(chance, TLP, 3)),
        **_maybe(chance, 0.3, "pap", _some(chance, PAP, 2)),
        **_maybe(chance, 0.3, "handling_codes", _some(chance, CODES, 3)),
    }
    return row | _dates(chance)


def _prohibition(chance: Random, number: int) -> dict[str, Any]:
    row = {
        "rule": f"prohibition-{number}",
        **_maybe(chance, 0.8, "forbid", _some(chance, GROUPS + MORE_GROUPS, 2)),
        **_maybe(chance, 0.5, "submitter_sectors", _some(chance, SECTORS, 2)),
        **_maybe(chance, 0.5, "recipient_sectors", _some(chance, SECTORS, 2)),
        **_maybe(chance, 0.3, "organisations", chance.choice(("same", "other"))),
        **_maybe(chance, 0.6, "labels", _some(chance, WORDS, 1)),
        **_maybe(chance, 0.3, "purposes", _some(chance, PURPOSES, 1)),
        **_maybe(chance, 0.3, "tlp", _some(chance, TLP, 2)),
        **_maybe(chance, 0.3, "pap", _some(chance, PAP, 2)),
        **_maybe(chance, 0.3, "handling_codes", _some(chance, CODES, 2)),
    }
    return row | _dates(chance)


def _transfer(chance: Random) -> dict[str, Any]:
    row = {"basis": "generated", "source": _some(chance, COUNTRIES, 3), "destination": _some(chance, COUNTRIES, 3)}
    return row | _dates(chance)


def _dates(chance: Random) -> dict[str, Any]:
    """Around the days of the reports, so that some rows are over and some not yet in force."""
    start = FIRST_DAY + timedelta(days=chance.randint(-5, 5))
    return _maybe(chance, 0.2, "valid_from", start) | _maybe(
        chance, 0.2, "valid_to", start + timedelta(days=chance.randint(1, 8))
    )


def questions(chance: Random, members: Sequence[str], count: int) -> Iterator[Question]:
    """Reports in which every field says something, and a member that may or may not see it."""
    for _ in range(count):
        on = FIRST_DAY + timedelta(days=chance.randint(-4, 8))
        submitter, recipient = chance.sample(members, 2)
        items = tuple(_item(chance, number) for number in range(chance.choice((0, 1, 1, 2))))
        report = a_report(
            submitter=MemberId(submitter),
            governance=a_governance(purpose=chance.choice([*PURPOSES, "statistics", ""])),
            handling=_handling(chance),
            sharing=_choices(chance),
            items=items,
        )
        full = replace(
            a_full_referral(),
            triaged_as_of=Instant(epoch_ms=int(datetime(on.year, on.month, on.day, 23, tzinfo=UTC).timestamp() * 1000)),
            recipient=MemberId(recipient),
            items=items,
            verdicts=tuple(ItemVerdict(content_id=item.content_id, verdict=Verdict.NATIONAL) for item in items),
            incident_types=(chance.choice(("csam", "sextortion", "other")),),
            annotations=_rarely(chance, ANNOTATIONS),
        )
        yield Question(report=report, full=full, recipient=recipient, on=on)


def _item(chance: Random, number: int) -> ContentItem:
    said = chance.choice(SAID_BY_FIELDS) if chance.random() < 0.3 else {}
    plain: dict[str, Any] = {
        "content_id": ContentId(f"item-{number}"),
        "url": f"https://files.example.test/{number}",
        "external_ids": {"iccam": str(number)},
        "hashes": (a_hash(),),
        "labels": tuple(Label(scheme=scheme, label=label) for scheme, label in _rarely(chance, LABELS, 0.8)),
        "annotations": _rarely(chance, ANNOTATIONS),
    }
    return ContentItem(**(plain | said))


SAID_BY_FIELDS: Final[Sequence[dict[str, Any]]] = (
    {"self_generated": Ternary.YES},
    {"self_generated": Ternary.NO},
    {"live_stream": Ternary.YES},
    {"synthetic_origin": SyntheticOrigin.PARTIAL},
    {"synthetic_origin": SyntheticOrigin.NONE},
    {"apparent_age_band": "infant"},
    {"apparent_age_band": "pubescent"},
)


def _handling(chance: Random) -> Handling:
    code = chance.choice(("", "", "H0", "H1", "h2", "H3"))
    return Handling(
        tlp=chance.choice([*TLP[:4], "AMBER", "amber", "RED", "PURPLE"]),
        pap=chance.choice([*PAP, "AMBER", "green"]),
        handling_code=code,
    )


def _choices(chance: Random) -> SharingChoices:
    return SharingChoices(
        deny_members=_rarely(chance, [MemberId("nl-police"), MemberId("de-hotline-a")]),
        deny_sectors=_rarely(chance, SECTORS),
        deny_labels=_rarely(chance, ["A1", "iccam:baseline", "prepubescent"]),
        deny_countries=_rarely(chance, [CountryCode("nl"), CountryCode("US")]),
        hide_submitter=chance.random() < 0.2,
    )


def _some(chance: Random, words: Sequence[T], typical: int) -> list[T]:
    count = min(len(words), max(1, typical + chance.choice((-1, 0, 0, 1, 2))))
    return chance.sample(list(words), count)


def _rarely(chance: Random, words: Sequence[T], share: float = 0.12) -> tuple[T, ...]:
    return (chance.choice(words),) if chance.random() < share else ()


def _maybe(chance: Random, share: float, key: str, value: Any) -> dict[str, Any]:
    return {key: value} if chance.random() < share else {}
