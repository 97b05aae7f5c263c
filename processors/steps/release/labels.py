"""The labels that decide who may see an item or a report: each in its own words and in neutral ones; pure."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import chain
from typing import Final

from msgspec import Struct

from schemas.records.referral import Referral
from schemas.records.report import ContentItem
from schemas.records.values import SyntheticOrigin, Ternary
from tocsin.policy.bundle import Bundle

Words = frozenset[str]
"""One label: `scheme:label`, and what it means in neutral words."""
_UNLABELLED: Final[tuple[Words, ...]] = (frozenset(),)
_SYNTHETIC: Final = frozenset({SyntheticOrigin.PARTIAL, SyntheticOrigin.FULL})

SAID_BY_FIELDS: Final[tuple[tuple[str, Callable[[ContentItem], bool]], ...]] = (
    ("self_generated", lambda item: item.self_generated is Ternary.YES),
    ("live_streaming", lambda item: item.live_stream is Ternary.YES),
    ("generative_ai", lambda item: item.synthetic_origin in _SYNTHETIC),
    ("infant", lambda item: item.apparent_age_band in {"infant", "0-2"}),
)
"""What a field says counts as the annotation that says the same: no way of saying it goes around an agreement."""


class Labels(Struct, frozen=True, kw_only=True, gc=False):
    """What one report is labelled: the same for every recipient."""

    whole: tuple[Words, ...]
    """Each label of the report and of its items: what stands beside the items speaks of all of them."""
    items: tuple[tuple[Words, ...], ...]
    """Each label of each item; what has none is one label without words, which only an agreement for all covers."""


def labels_of(report: Referral, bundle: Bundle, on: date) -> Labels:
    """Look up once for a report."""
    found = [_words("incident_type", code, bundle, on) for code in report.incident_types]
    found += (_words("annotation", code, bundle, on) for code in report.annotations)
    items = [list(_of_item(item, bundle, on)) for item in report.items]
    return Labels(whole=_each_once(chain(found, *items)), items=tuple(map(_each_once, items)))


def _each_once(labels: Iterable[Words]) -> tuple[Words, ...]:
    return tuple(dict.fromkeys(labels)) or _UNLABELLED


def _of_item(item: ContentItem, bundle: Bundle, on: date) -> Iterator[Words]:
    for label in item.labels:
        yield _words(label.scheme, label.label, bundle, on)
    for code in item.annotations:
        yield _words("annotation", code, bundle, on)
    for code, is_said in SAID_BY_FIELDS:
        if is_said(item):
            yield _words("annotation", code, bundle, on)


def _words(scheme: str, label: str, bundle: Bundle, on: date) -> Words:
    return bundle.memory.recall(
        ("words", scheme, label, on), lambda: frozenset((f"{scheme}:{label}", *bundle.neutral(scheme, label, on)))
    )
