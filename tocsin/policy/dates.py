"""Rules with a history: from which day each holds and until which, so that a decision can be made again later."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import pairwise
from typing import TypeVar

from msgspec import Struct


class Dated(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds from `valid_from` on and no longer on `valid_to`; without dates it holds always."""

    valid_from: date = date.min
    valid_to: date | None = None

    def in_force(self, on: date) -> bool:
        """Whether it holds on that day."""
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)


T = TypeVar("T", bound=Dated)


def in_force(rules: Iterable[T], on: date) -> Iterator[T]:
    """Those of the rules that hold on that day, in their order."""
    return (rule for rule in rules if rule.in_force(on))


def reversed_period(rules: Iterable[Dated]) -> Dated | None:
    """A rule that ends before it begins."""
    return next((rule for rule in rules if rule.valid_to is not None and rule.valid_to <= rule.valid_from), None)


def overlap(rules: Iterable[T]) -> T | None:
    """The first rule that begins while another still holds, where only one may."""
    for earlier, later in pairwise(sorted(rules, key=lambda rule: rule.valid_from)):
        if earlier.valid_to is None or earlier.valid_to > later.valid_from:
            return later
    return None
