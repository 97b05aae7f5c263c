"""When what is killed: a seeded sequence, the same for the same seed."""

import random
from collections.abc import Iterator, Sequence

from msgspec import Struct

SERVICES = ("postgresql", "kafka")


class Kill(Struct, frozen=True, kw_only=True):
    """SIGKILL for one process, so many seconds after the kill before."""

    after_seconds: float
    target: str


def process_kills(targets: Sequence[str], seed: int, mean_gap_seconds: float) -> Iterator[Kill]:
    """Without end: every process in an order of its own each round, so that none is spared."""
    chance = random.Random(seed)  # noqa: S311 -- a repeatable run, no secret
    while True:
        for target in chance.sample(list(targets), len(targets)):
            yield Kill(after_seconds=mean_gap_seconds * chance.uniform(0.5, 1.5), target=target)


def service_kills(seed: int, publishing_seconds: float) -> tuple[Kill, ...]:
    """Each service once, while reports still come in; `after_seconds` counts from the start."""
    chance = random.Random(seed)  # noqa: S311 -- as above
    first, second = chance.sample(SERVICES, 2)
    return (
        Kill(after_seconds=publishing_seconds * chance.uniform(0.2, 0.4), target=first),
        Kill(after_seconds=publishing_seconds * chance.uniform(0.55, 0.75), target=second),
    )
