"""Submitting members, 3 to 100, each with topics of its own, and one worker that reads them all."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks.growth.points import Point, Say, Size, measured
from benchmarks.world import World, a_world
from schemas.records.identifiers import MemberId
from tocsin.policy.bundle import SAMPLE, load
from tocsin.stack.charter import charter_of
from tocsin.stack.local import Charter

COUNTS: Final[Sequence[int]] = (3, 10, 30, 100)
_MEMBER: Final = """
[{name}]
name = "Simulated Platform {name}"
country = "US"
jurisdiction = "us"
sector = "platform"
submits = true
signs = true
receives = false
"""


def curve(size: Size, say: Say) -> Iterator[Point]:
    """All topics together hold the same number of reports at each point; the sample's own members stay silent."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-policy-") as folder:
        for count in COUNTS:
            say(f"{count} submitting members: topics, keys and access rules")
            names = [MemberId(f"growth-{number}") for number in range(count)]
            with a_world(charter_with(names, Path(folder) / str(count))) as world:
                _fill(world, names, size.reports)
                yield measured(world, size, count, world.forget)


def charter_with(names: Sequence[MemberId], folder: Path) -> Charter:
    """The sample's bundle with members who submit, and no others who do."""
    shutil.copytree(SAMPLE, folder)
    members, profile = folder / "members.toml", (folder / "profiles" / "plat-a.toml").read_text("utf-8")
    members.write_text(members.read_text("utf-8") + "".join(_MEMBER.format(name=name) for name in names), "utf-8")
    for name in names:
        (folder / "profiles" / f"{name}.toml").write_text(profile, "utf-8")
    return charter_of(load(folder), folder)


def _fill(world: World, names: Sequence[MemberId], reports: int) -> None:
    """As many for each; the first gets what is left over."""
    each, more = divmod(reports, len(names))
    for number, name in enumerate(names):
        extra = more if number == 0 else 0
        first = 0 if number == 0 else more + number * each
        world.fill(each + extra, first=first, member=name)
