"""The code of before the two newest revisions of the tables: on the new ones, beside the new code, alone again."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Final
from urllib.request import urlopen

import msgspec
from alembic import command
from alembic.config import Config
from prometheus_client.parser import text_string_to_metric_families

from schemas.failures import Broken
from tests.builders.waiting import a_free_port
from tests.chaos.faults.fault import Facts, Fault, Impossible, Scene, Strike
from tests.chaos.former import former, has, unpacked
from tocsin.runtime.database import database_of, one_transaction
from tocsin.runtime.migrating import MIGRATIONS, migrate, revisions
from tocsin.runtime.settings import load
from tocsin.stack.demo.crew import Child, Launch, commanded
from tocsin.stack.provision import register_schemas

_LANE: Final = "triage-normal"
_BESIDE: Final = "triage-normal-new"
_SOME: Final = 40
"""So many reports that a worker decided are more than a slice."""
_LONGEST_SECONDS: Final = 60.0
_KEYED_BY_REPORT: Final = "docs/decisions/0058-revisions-in-order.md"


@contextmanager
def setting(scene: Scene) -> Iterator[Strike]:
    """Code and tables are the former ones; nothing runs yet."""
    found = former()
    unpacked(found.commit, _sources(scene))
    if not has(found.commit, _KEYED_BY_REPORT):
        scene.keyed_otherwise()
    _register_what_it_writes(scene)
    _take_settings_back(scene)
    _take_tables_back(scene, found.tables)
    ports = {name: str(a_free_port()) for name in (_LANE, _BESIDE)}
    _ports_file(scene).write_bytes(msgspec.json.encode(ports))
    yield partial(strike, scene, found.commit)


def strike(scene: Scene, commit: str) -> Facts:
    """The order of docs/guides/upgrade.md, and then one worker goes back."""
    scene.say("the tables go over; every process stays as it was")
    migrate(load(scene.stack.config("ops")))
    alone = _decides_some(scene, _LANE)
    scene.say("readers go over")
    _over(scene, *(name for name in scene.plan.commands if name.startswith("deliver")))
    scene.say("a new worker beside the old one, in one group")
    _marks(scene).joinpath(_BESIDE).touch()
    scene.start(_BESIDE, "triage", "--lane", "normal", "--instance", "new")
    beside_new = _decides_some(scene, _BESIDE)
    beside_old = _decides_some(scene, _LANE)
    scene.say("the others go over, the old worker last")
    _over(scene, "triage-escalated", "returns", _LANE)
    scene.leave(_BESIDE)
    upgraded = _decides_some(scene, _LANE)
    scene.say("and back: the old code decides again, on the new tables")
    _back(scene, _LANE)
    back = _decides_some(scene, _LANE)
    return {
        "former_commit": commit,
        "old_on_new_tables": alone,
        "old_beside_the_new": beside_old,
        "new_beside_the_old": beside_new,
        "new_after_the_upgrade": upgraded,
        "old_after_going_back": back,
        "tables": _seen(scene),
    }


def _seen(scene: Scene) -> str:
    """Which revision the tables have; the newest, and nobody ended on the way there."""
    with closing(database_of(load(scene.stack.config("ops")))) as database:
        present, newest = revisions(database)
    ended = {name: times for name in (*scene.plan.commands, _BESIDE) if (times := scene.ended(name))}
    scene.expect(present == newest, f"the tables are the new ones: {present}, and {newest} is the newest")
    scene.expect(not ended, f"nobody ends by itself: {ended}")
    return present or ""


def _decides_some(scene: Scene, name: str) -> int:
    """How many more reports it has decided, as it says itself, once those are some; or all that it did in time."""
    scene.until(lambda: _decided(scene, name) is not None, _LONGEST_SECONDS)
    before = _decided(scene, name) or 0
    scene.until(lambda: (_decided(scene, name) or 0) - before >= _SOME, _LONGEST_SECONDS)
    more = (_decided(scene, name) or 0) - before
    scene.expect(more >= _SOME, f"{name} decides: {more} of {_SOME}")
    return more


def _decided(scene: Scene, name: str) -> int | None:
    """None while it does not answer."""
    ports = _ports(scene)
    try:
        with urlopen(f"http://127.0.0.1:{ports[name]}/metrics", timeout=5) as answer:
            scraped = answer.read().decode()
    except OSError:
        return None
    families = text_string_to_metric_families(scraped)
    samples = [sample for family in families if family.name == "tocsin_records" for sample in family.samples]
    return int(sum(sample.value for sample in samples if sample.labels["stage"] == "triage"))


def _over(scene: Scene, *names: str) -> None:
    for name in names:
        scene.leave(name)
        _marks(scene).joinpath(name).touch()
        scene.start(name)


def _back(scene: Scene, name: str) -> None:
    scene.leave(name)
    _marks(scene).joinpath(name).unlink()
    scene.start(name)


def launch(scene: Scene) -> Launch:
    """Whoever is not marked runs from the former's folder: what lies there goes before what is installed."""
    _marks(scene).mkdir(exist_ok=True)

    def start(arguments: Sequence[str], log: Path) -> Child:
        words = () if _marks(scene).joinpath(log.stem).exists() else ("env", "-C", str(_sources(scene)))
        ports = _ports(scene)
        served = ("--metrics-port", ports[log.stem]) if log.stem in ports else ()
        return commanded("tocsin", (*arguments, *served), log, words)

    return start


def _register_what_it_writes(scene: Scene) -> None:
    """Its schemas lie in the registry of every exchange that it ran in; this one was made by the code of now."""
    ask = "import json; from tocsin.runtime.registry import subjects; print(json.dumps(dict(subjects())))"
    registry = scene.stack.registry
    register_schemas(
        registry.url, registry.writer, msgspec.json.decode(_asked(scene, ask), type=dict[str, str]), registry.tls
    )


def _asked(scene: Scene, program: str) -> str:
    """What the code of then prints."""
    done = subprocess.run(  # noqa: S603 -- our own words
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=_sources(scene)
    )
    return done.stdout


def _take_settings_back(scene: Scene) -> None:
    """Old code refuses a setting that it does not know: the files of now come with the code of now (upgrade.md)."""
    ask = "import tocsin.runtime.settings as s; print(*s.Settings.__struct_fields__)"
    known = set(_asked(scene, ask).split())
    for file in (scene.home / "config").glob("*.toml"):
        content = msgspec.toml.decode(file.read_bytes())
        file.write_bytes(msgspec.toml.encode({name: value for name, value in content.items() if name in known}))


def _take_tables_back(scene: Scene, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with one_transaction(load(scene.stack.config("ops"))) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def _marks(scene: Scene) -> Path:
    return scene.home / "over"


def _ports(scene: Scene) -> dict[str, str]:
    return msgspec.json.decode(_ports_file(scene).read_bytes(), type=dict[str, str])


def _ports_file(scene: Scene) -> Path:
    return scene.home / "ports-of-workers.json"


def _sources(scene: Scene) -> Path:
    return scene.home / "former"


def require_history() -> None:
    """Raises Impossible where this is no clone, or a shallow one."""
    try:
        former()
    except Broken as failure:
        raise Impossible(str(failure), code=failure.code) from failure


FAULT = Fault(
    name="former",
    says="the code of before the two newest revisions of the tables, on the new ones and beside the new code",
    setting=setting,
    launch=launch,
    requires=require_history,
    reports=2400,
    publishing_seconds=120.0,
)
