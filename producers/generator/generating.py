"""A stream of synthetic reports with the truth beside them: same seed, same bytes."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from msgspec import Struct

from producers.generator.parameters import Parameters
from producers.generator.seen import broken, content_of
from producers.generator.world import Case, World
from schemas.records.identifiers import MemberId


class Order(Struct, frozen=True, kw_only=True):
    """What to make: how many, for whom, with which references, as of when."""

    count: int
    members: Sequence[MemberId]
    prefix: str
    """Begins every reference, so that two runs never share one."""
    now_ms: int


class Generated(Struct, frozen=True, kw_only=True):
    """One report as its submitter writes it, and what is really behind it."""

    member: MemberId
    content: dict[str, Any]
    """An object of the jsonl feed."""
    truth: dict[str, Any]
    """Never part of the report."""


def generate(order: Order, parameters: Parameters, seed: int) -> Iterator[Generated]:
    """The reports in the order of their arrival."""
    chance = Random(seed)  # noqa: S311  # reproducible on purpose; nothing here is secret
    world = World(parameters, chance)
    last: dict[MemberId, Generated] = {}
    for number in range(1, order.count + 1):
        member = chance.choice(order.members)
        if member in last and chance.random() < parameters.resent:
            yield last[member]
            continue
        made = _made(order, number, member, parameters, (world, chance))
        last[member] = made
        yield made


def _made(
    order: Order, number: int, member: MemberId, parameters: Parameters, source: tuple[World, Random]
) -> Generated:
    world, chance = source
    case, is_known = world.next_case()
    reference = f"{order.prefix}-{number:06d}"
    detected = datetime.fromtimestamp(order.now_ms / 1000, UTC) - timedelta(seconds=chance.randint(60, 40 * 86_400))
    content = {
        "submitter_reference": reference,
        "mark": "live" if parameters.live else "test",
        "detected_at": detected.isoformat(timespec="seconds"),
        **content_of(case, parameters, chance, is_known=is_known),
    }
    is_bad = chance.random() < parameters.bad
    content = broken(content, chance) if is_bad else content
    return Generated(member=member, content=content, truth=_truth(reference, member, case, is_known, is_bad))


def _truth(reference: str, member: MemberId, case: Case, is_known: bool, is_bad: bool) -> dict[str, Any]:
    return {
        "reference": reference,
        "member": member,
        "case": case.number,
        "kind": case.kind,
        "label": case.label,
        "country": case.country,
        "urgent": case.urgent,
        "known": is_known,
        "bad": is_bad,
    }
