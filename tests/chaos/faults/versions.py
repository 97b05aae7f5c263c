"""This version and its successor side by side: consumers, processors, producers are upgraded, in that order."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from tests.chaos.faults.fault import Facts, Fault, Scene, Strike
from tests.chaos.publishing import Confirmed, go_file
from tests.chaos.successor import FIELD, VALUE, command, successor
from tocsin.stack.demo.crew import Child, Launch, commanded
from tocsin.stack.receiving import whole_files

_UPGRADED = "nl-hotline"
_NOT_UPGRADED = "nl-police"
_BESIDE = "triage-normal-v2"
_SETTLING_SECONDS = 5.0
_REPORTS = 120
_PUBLISHED_SECONDS = 8.0
_ARRIVAL_SECONDS = 60.0
_SEED = 1000
"""Added to the run's, so that the successor's producers publish reports of their own."""


@contextmanager
def setting(scene: Scene) -> Iterator[Strike]:
    """The successor's sources lie in the home; nothing runs from them yet."""
    successor(_sources(scene))
    yield partial(strike, scene)


def strike(scene: Scene) -> Facts:
    """Each part goes over while everything flows; one delivery and, for a while, one worker stay as they are."""
    command(_sources(scene), "tests.chaos.successor", str(scene.home))
    scene.say("consumers are upgraded: one of two")
    _upgrade(scene, f"deliver-{_UPGRADED}")
    scene.wait(_SETTLING_SECONDS * scene.pace)
    scene.say("processors are upgraded: one worker of the lane stays as it was")
    _mark(scene, _BESIDE)
    scene.start(_BESIDE, "triage", "--lane", "normal", "--instance", "v2")
    for name in ("triage-escalated", "returns"):
        _upgrade(scene, name)
    scene.wait(_SETTLING_SECONDS)
    mixed = _published(scene, 1)
    scene.say("producers are upgraded while both versions decide; then the last worker is")
    _upgrade(scene, "triage-normal")
    scene.leave(_BESIDE)
    upgraded = _published(scene, 2)
    return _seen(scene, mixed, upgraded)


def _seen(scene: Scene, mixed: set[str], upgraded: set[str]) -> Facts:
    """What the successor's producers stated, at the recipient that was upgraded, and at the one that was not."""
    by_both, by_successor = _with_field(scene, mixed), _with_field(scene, upgraded)
    at_old = [each for each in _referrals(scene, _NOT_UPGRADED) if FIELD in each["items"][0]]
    scene.expect(
        0 < by_both < len(mixed), f"both versions decide side by side: {by_both} of {len(mixed)} by the new one"
    )
    scene.expect(by_successor == len(upgraded), f"the field survives: {by_successor} of {len(upgraded)}")
    scene.expect(not at_old, "who is not upgraded reads on without the field")
    return {
        "published_by_the_new": len(mixed) + len(upgraded),
        "decided_by_the_new_beside_the_old": by_both,
        "field_survives_after_the_upgrade": by_successor,
    }


def _published(scene: Scene, number: int) -> set[str]:
    """Reports of the successor's producers, at both recipients."""
    result = scene.home / f"successor-{number}.json"
    go_file(result).touch()
    count = max(20, round(_REPORTS * scene.pace))
    words = (scene.home, count, scene.plan.seed + _SEED + number, _PUBLISHED_SECONDS, "NL", result)
    command(_sources(scene), "tests.chaos.publishing", *map(str, words))
    confirmed = msgspec.json.decode(result.read_bytes(), type=Confirmed)
    scene.also_confirmed(confirmed)
    published = set(confirmed.countries)
    scene.until(lambda: _arrived(scene, published) == confirmed.published, _ARRIVAL_SECONDS)
    return published


def _upgrade(scene: Scene, name: str) -> None:
    scene.leave(name)
    _mark(scene, name)
    scene.start(name)


def _arrived(scene: Scene, reports: set[str]) -> int:
    """Referrals of these reports, each revision one."""
    return sum(1 for each in _referrals(scene, _UPGRADED) if each["report_id"] in reports)


def _with_field(scene: Scene, reports: set[str]) -> int:
    """Reports whose every revision has it; looked at once, because more arrives meanwhile."""
    having: dict[str, bool] = {}
    for each in _referrals(scene, _UPGRADED):
        having[each["report_id"]] = having.get(each["report_id"], True) and each["items"][0].get(FIELD) == VALUE
    return sum(having.get(report, False) for report in reports)


def _referrals(scene: Scene, member: str) -> list[dict[str, Any]]:
    """What lies at its sink."""
    files = whole_files(scene.home / "state" / member / "delivered")
    return [json.loads(file.read_bytes())["referral"] for file in files]


def launch(scene: Scene) -> Launch:
    """Whoever is marked runs from the successor's folder: what lies there goes before what is installed."""

    def start(arguments: Sequence[str], log: Path) -> Child:
        words = ("env", "-C", str(_sources(scene))) if _marks(scene).joinpath(log.stem).exists() else ()
        return commanded("tocsin", arguments, log, words)

    return start


def _mark(scene: Scene, name: str) -> None:
    _marks(scene).mkdir(exist_ok=True)
    _marks(scene).joinpath(name).touch()


def _marks(scene: Scene) -> Path:
    return scene.home / "upgraded"


def _sources(scene: Scene) -> Path:
    return scene.home / "successor"


FAULT = Fault(
    name="versions",
    says="this version and its successor with a field more, side by side",
    setting=setting,
    launch=launch,
    publishing_seconds=60.0,
)
