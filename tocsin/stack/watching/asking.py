"""Asks a Prometheus what a panel shows: one value of each series now, or lines over some hours."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx
import msgspec
from msgspec import Struct

from schemas.catalogue import message
from schemas.failures import Temporary
from tocsin.stack.watching.panel import Group, Panel, Shape

_ASK_SECONDS: Final = 5.0
MOST_SERIES: Final = 40
"""More lines than these nobody can tell apart; the largest are taken."""
POINTS: Final = 120
_AT_ONCE: Final = 6


class Series(Struct, frozen=True, kw_only=True):
    """One line, or one number where it has one point; instants are Unix seconds."""

    name: str
    points: tuple[tuple[float, float], ...]

    @property
    def latest(self) -> float:
        """Its last value."""
        return self.points[-1][1]


Answers = Mapping[str, tuple[Series, ...] | None]
"""Of each panel, by its title; None where Prometheus did not answer."""


class Period(Struct, frozen=True, kw_only=True):
    """What is looked at: until an instant, for so long."""

    until_seconds: float
    hours: int


class Prometheus:
    """One server of an ops team."""

    def __init__(self, address: str, client: httpx.Client | None = None) -> None:
        self._client = client or httpx.Client(timeout=_ASK_SECONDS, follow_redirects=False, trust_env=False)
        self._address = address.rstrip("/")

    def shown(self, panel: Panel, period: Period) -> tuple[Series, ...]:
        """The largest series of a panel; raises Temporary where the server is away or does not understand."""
        query = panel.query.replace("$window", f"{period.hours}h")
        if panel.shape is Shape.NUMBER:
            found = self._asked("query", {"query": query, "time": str(period.until_seconds)})
            named = ((one["metric"], [one["value"]]) for one in found)
        else:
            found = self._asked("query_range", {"query": query} | _range(period))
            named = ((one["metric"], one["values"]) for one in found)
        return _largest(Series(name=_name(panel, labels), points=_points(values)) for labels, values in named)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _asked(self, what: str, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        try:
            answer = self._client.get(f"{self._address}/api/v1/{what}", params=dict(parameters))
            answer.raise_for_status()
            return _DECODER.decode(answer.content).data.result
        except (httpx.HTTPError, msgspec.MsgspecError) as error:
            raise Temporary(message("watching.away"), code="watching.away") from error


def answered(prometheus: Prometheus, groups: Sequence[Group], period: Period) -> Answers:
    """What every panel of these groups shows, a few asked at once."""

    def asked(panel: Panel) -> tuple[Series, ...] | None:
        try:
            return prometheus.shown(panel, period)
        except Temporary:
            return None

    panels = [panel for group in groups for panel in group.panels]
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        return {panel.title: found for panel, found in zip(panels, workers.map(asked, panels), strict=True)}


class _Data(Struct, frozen=True):
    result: list[dict[str, Any]]


class _Answer(Struct, frozen=True):
    data: _Data


_DECODER: Final = msgspec.json.Decoder(_Answer)
"""Made before there are threads (schemas/learning.py)."""


def _range(period: Period) -> dict[str, str]:
    span = period.hours * 3600
    start = period.until_seconds - span
    return {"start": str(start), "end": str(period.until_seconds), "step": str(max(1, span // POINTS))}


def _points(values: Sequence[Sequence[Any]]) -> tuple[tuple[float, float], ...]:
    """Without what is no number, such as a quantile of nothing."""
    found = ((float(at), float(value)) for at, value in values)
    return tuple((at, value) for at, value in found if abs(value) < float("inf"))


def _name(panel: Panel, labels: Mapping[str, str]) -> str:
    name = panel.legend
    for label, value in labels.items():
        name = name.replace(f"{{{{{label}}}}}", value)
    return name or panel.title


def _largest(found: Iterable[Series]) -> tuple[Series, ...]:
    """By their last value; those without any point say nothing."""
    told = sorted((one for one in found if one.points), key=lambda one: (-one.latest, one.name))
    return tuple(told[:MOST_SERIES])
