"""Writes deploy/prometheus/burning.yml and promised.yml from slo.yaml: what has a share burns, the rest is absolute."""

from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml
from msgspec import Struct

from schemas.catalogue import message
from schemas.failures import Broken

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "prometheus"
FILE: Final = next(file for file in (FOLDER / "slo.yaml", Path(__file__).with_name("slo.yaml")) if file.exists())
"""In a checkout, or as a wheel brings it."""
BURNS: Final = (("Fast", 14.4, "1h", "5m", "page"), ("Slow", 6.0, "6h", "30m", "ticket"))
"""Two windows each: the long one says that it matters, the short one that it still goes on."""
_WINDOWS: Final = ("5m", "30m", "1h", "6h")
_MOST_LATE: Final = 0.9
"""Where the allowance is large, more than everything would have to be late for the speed: nine of ten are enough."""


class Objective(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many of a tier reach a step in time."""

    step: str
    """`delivered` or `taken_up`."""
    tier: str
    """Of which priority."""
    within_seconds: int
    """How long it may take from submission."""
    share: float
    """How many of them must be in time, 0 to 1."""


class NeverLost(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many records may be lost before somebody is called."""

    records: int
    """0 means that the first one wakes somebody."""


class Canary(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often one is sent to each member by each lane, and how many in a row may not come."""

    every_seconds: int
    """The same as `tocsin canary --every-seconds`."""
    rounds: int
    """After so many that did not come, `TocsinCanaryLate` fires."""

    @property
    def late_seconds(self) -> int:
        """How long ago the newest one may have been sent."""
        return self.every_seconds * self.rounds


class Objectives(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    objectives: tuple[Objective, ...]
    """What has a share, and burns."""
    never_lost: NeverLost
    """What has none."""
    canary: Canary
    """When a test of the way is late."""


def whole(text: bytes) -> Objectives:
    """All that slo.yaml says; raises Broken for what it cannot mean."""
    try:
        return msgspec.convert(yaml.load(text, Loader=_Once), type=Objectives)  # noqa: S506 -- a SafeLoader
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        why = " ".join(str(error).split())
        raise Broken(message("promises.unreadable", why=why), code="promises.unreadable") from error


def read(text: bytes) -> tuple[Objective, ...]:
    """The objectives per tier of slo.yaml."""
    return whole(text).objectives


class _Once(yaml.SafeLoader):
    """Refuses what YAML allows and one reader of two would miss: a key twice, and a value that stands elsewhere."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """A part of the document; an alias is how a few lines become millions of values."""
        if self.check_event(yaml.AliasEvent):
            place = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="an alias", problem_mark=place)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Keys and values; PyYAML itself would let the last one of a key count."""
        keys = [key.value for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise yaml.MarkedYAMLError(problem="a key twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def written(objectives: tuple[Objective, ...]) -> str:
    """The rules as Prometheus reads them."""
    lines = [
        "# Written by python -m tocsin.stack.objectives from slo.yaml: change that.",
        "groups:",
        "  - name: tocsin-slo",
    ]
    lines.append("    rules:")
    for one in objectives:
        lines += [*_recorded(one), *_alerts(one)]
    return "\n".join(lines) + "\n"


def limit_of(one: Objective, factor: float) -> float:
    """The share of late ones above which the allowance is used up so many times too fast."""
    return min(_MOST_LATE, round(factor * (1 - one.share), 4))


def _late(one: Objective, window: str) -> str:
    return f"slo:{one.step}_late:ratio_rate{window}"


def _recorded(one: Objective) -> Iterator[str]:
    metric, tier = f"tocsin_submission_to_{one.step}_seconds", f'tier="{one.tier}"'
    for window in _WINDOWS:
        in_time = f'sum(rate({metric}_bucket{{{tier},le="{float(one.within_seconds)}"}}[{window}]))'
        yield f"      - record: {_late(one, window)}"
        yield f"        expr: 1 - {in_time} / sum(rate({metric}_count{{{tier}}}[{window}]))"
        yield "        labels:"
        yield f"          tier: {one.tier}"


def _alerts(one: Objective) -> Iterator[str]:
    for speed, factor, long, short, severity in BURNS:
        limit = limit_of(one, factor)
        burning = " and ".join(f'{_late(one, window)}{{tier="{one.tier}"}} > {limit}' for window in (long, short))
        yield f"      - alert: TocsinObjectiveBurns{speed}"
        yield f"        expr: {burning}"
        yield "        labels:"
        yield f"          severity: {severity}"
        yield f"          step: {one.step}"
        yield "        annotations:"
        yield f'          summary: "Too few {one.tier} reports are {one.step} within {one.within_seconds} s"'
        yield "          runbook: docs/runbooks/a-burning-objective.md"


def promised(found: Objectives) -> str:
    """The alerts of what has no share, as Prometheus reads them."""
    limits = {
        "records": found.never_lost.records,
        "late_seconds": found.canary.late_seconds,
        "late_minutes": found.canary.late_seconds // 60,
    }
    text = _PROMISED.read_text("utf-8")
    for name, limit in limits.items():
        text = text.replace(f"<{name}>", str(limit))
    return text


_PROMISED: Final = Path(__file__).with_name("promised.yml")
"""The alerts with names in place of the limits; it is data, as every other file of rules is."""


if __name__ == "__main__":
    (FOLDER / "burning.yml").write_text(written(read(FILE.read_bytes())), "utf-8")
    (FOLDER / "promised.yml").write_text(promised(whole(FILE.read_bytes())), "utf-8")
