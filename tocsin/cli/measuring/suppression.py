"""Which groups are too small to be told, and which others have to go with them so that no total tells them; pure.

A reader subtracts what is shown from the total. So of every line (all groups of a table, or those that share all
dimensions but one) either none is hidden, or two at least that have together no fewer than the smallest group. A group
is hidden as well where a coarser table, which may be published too, hides what it is part of.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations

from msgspec import Struct

By = tuple[str, ...]
"""Dimensions of a table, in their order."""
Key = tuple[str, ...]
Hidden = Mapping[By, frozenset[Key]]


class Line(Struct, frozen=True):
    """Groups that add up to a number that is shown."""

    keys: tuple[Key, ...]


def margins_of(by: By) -> Iterator[By]:
    """The table and all coarser ones, the total first."""
    return chain.from_iterable(combinations(by, size) for size in range(len(by) + 1))


def suppressed(counted: Mapping[By, Mapping[Key, int]], smallest: int, also: Hidden | None = None) -> Hidden:
    """What is hidden in each table: those of fewer than `smallest` but not none, `also` these, and what they need."""
    found: dict[By, frozenset[Key]] = {}
    for by in sorted(counted, key=len):
        small = {key for key, count in counted[by].items() if 0 < count < smallest}
        before = frozenset(small).union((also or {}).get(by, ()), _part_of_hidden(by, counted[by], found))
        found[by] = _completed(before, tuple(_lines(by, counted[by], found)), counted[by], smallest)
    return found


def _part_of_hidden(by: By, counts: Mapping[Key, int], coarser: Hidden) -> Iterator[Key]:
    for margin in _next_coarser(by, coarser):
        yield from (key for key in counts if _projected(key, by, margin) in coarser[margin])


def _lines(by: By, counts: Mapping[Key, int], coarser: Hidden) -> Iterator[Line]:
    for margin in _next_coarser(by, coarser):
        lines: dict[Key, list[Key]] = defaultdict(list)
        for key in counts:
            lines[_projected(key, by, margin)].append(key)
        yield from (Line(tuple(keys)) for total, keys in lines.items() if total not in coarser[margin])


def _next_coarser(by: By, tables: Hidden) -> Sequence[By]:
    return [margin for margin in tables if len(margin) == len(by) - 1 and set(margin) < set(by)]


def _projected(key: Key, by: By, margin: By) -> Key:
    value = dict(zip(by, key, strict=True))
    return tuple(value[name] for name in margin)


def _completed(
    hidden: frozenset[Key], lines: Sequence[Line], counts: Mapping[Key, int], smallest: int
) -> frozenset[Key]:
    """With the smallest others, until no line tells; the whole table where that does not help."""
    alone = {line.keys[0] for line in lines if len(line.keys) == 1}
    while True:
        telling = [line for line in lines if _tells(line, hidden, counts, smallest)]
        if not telling:
            return hidden
        shown = [[key for key in line.keys if counts[key] and key not in hidden | alone] for line in telling]
        if not all(shown):
            return frozenset(counts)
        hidden = hidden.union(min(keys, key=lambda key: (counts[key], key)) for keys in shown)


def _tells(line: Line, hidden: frozenset[Key], counts: Mapping[Key, int], smallest: int) -> bool:
    lost = [counts[key] for key in line.keys if key in hidden]
    return bool(lost) and (len(lost) == 1 or sum(lost) < smallest)
