"""Retention overtakes a recipient that stands still: its inbox halts with the count, and a person lets it go on.

The process is stopped (SIGSTOP) and goes on: it meets the gap as one that was too slow, in the middle of its work.
"""

import os
import re
import signal
import time

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from schemas.topics import OPS
from tests.chaos.faults.fault import Facts, Fault, Scene, at_once
from tocsin.runtime.ledger.reading import broker_offsets
from tocsin.runtime.settings import load

_MEMBER = "nl-hotline"
_TOPIC = "referrals.nl.nl-hotline.v1"
_ASK_SECONDS = 10.0
_SHORT = {"retention.ms": "1000", "segment.ms": "1000", "segment.bytes": "1048576"}
_LONG = {"retention.ms": "2592000000", "segment.ms": "604800000"}
_DELETION_SECONDS = 60.0
_HALT_SECONDS = 60.0
_HALTED = 4
_TICK_SECONDS = 0.2
_REASON = "chaos: retention overtook the inbox"


def strike(scene: Scene) -> Facts:
    """Stop its delivery, let the broker delete what it has not read, let it go on, and see how it ends."""
    name = f"deliver-{_MEMBER}"
    said_before = len(_log(scene, name))
    deleted_seconds = _overtaken(scene, scene.crew.pid(name))
    code = _exit_code(scene, name)
    gone = _unread_and_gone(scene)
    counted = _counted(_log(scene, name)[said_before:])
    scene.expect(gone > 0, "retention deleted records that the inbox had not read")
    scene.expect(code == _HALTED, f"the inbox halts with {_HALTED}, and did with {code}")
    scene.expect(counted == gone, f"the alarm counts what is gone: {counted} of {gone}")
    scene.forgive(gone)
    scene.start(name, "deliver", _MEMBER, "--accept-gap", _REASON)
    return {"deleted_unread": gone, "counted": counted, "exit_code": code, "deletion_seconds": deleted_seconds}


def _overtaken(scene: Scene, pid: int) -> float:
    """Records come, the process stands still, and the broker deletes them; tells how long the deletion took."""
    os.kill(pid, signal.SIGSTOP)
    try:
        scene.wait(8 * scene.pace)
        _configure(scene, _SHORT)
        deleted_seconds = scene.until(lambda: _unread_and_gone(scene) > 0, _DELETION_SECONDS)
        _configure(scene, _LONG)
        scene.wait(2)
    finally:
        os.kill(pid, signal.SIGCONT)
    return deleted_seconds


def _exit_code(scene: Scene, name: str) -> int:
    """How it ended by itself; -1 where it did not. Nobody starts it again meanwhile."""
    deadline_seconds = time.monotonic() + _HALT_SECONDS
    while name not in scene.crew.ended() and time.monotonic() < deadline_seconds:
        time.sleep(_TICK_SECONDS)
    return scene.crew.ended().get(name, -1)


def _counted(said: str) -> int:
    """What the last alarm says."""
    found = re.findall(r"(\d+) records were deleted unread", said)
    return int(found[-1]) if found else 0


def _log(scene: Scene, name: str) -> str:
    return scene.crew.log(name).read_text()


def _unread_and_gone(scene: Scene) -> int:
    offsets = broker_offsets(load(scene.stack.config(OPS)).kafka, [_TOPIC])
    read = scene.recipient(_MEMBER).positions()
    return sum(max(0, start - read.get(place, 0)) for place, (start, _) in offsets.items())


def _configure(scene: Scene, values: dict[str, str]) -> None:
    admin = AdminClient(scene.stack.client(OPS))
    entries = [ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in values.items()]
    resource = ConfigResource(ConfigResource.Type.TOPIC, _TOPIC, incremental_configs=entries)
    for future in admin.incremental_alter_configs([resource], request_timeout=_ASK_SECONDS).values():
        future.result()


FAULT = Fault(
    name="retention",
    says="retention overtakes a slow consumer, which must halt with the count",
    setting=at_once(strike),
)
