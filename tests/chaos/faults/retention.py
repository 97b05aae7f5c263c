"""Retention overtakes a recipient that is away: its inbox stops with the count, and a person lets it go on."""

import re
import subprocess
import sys

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
_REASON = "chaos: retention overtook the inbox"


def strike(scene: Scene) -> Facts:
    """Stop its delivery, let the broker delete what it has not read, and see what its next start says."""
    name = f"deliver-{_MEMBER}"
    scene.kill(name)
    scene.wait(8 * scene.pace)
    _configure(scene, _SHORT)
    deleted_seconds = scene.until(lambda: _unread_and_gone(scene) > 0, _DELETION_SECONDS)
    _configure(scene, _LONG)
    scene.wait(2)
    gone = _unread_and_gone(scene)
    code, said = _deliver_once(scene)
    counted = sum(map(int, re.findall(r"(\d+) records were deleted unread", said)))
    scene.expect(gone > 0, "retention deleted records that the inbox had not read")
    scene.expect(code == 4, f"the inbox halts with 4, and did with {code}")
    scene.expect(counted == gone, f"the alarm counts what is gone: {counted} of {gone}")
    scene.forgive(gone)
    scene.start(name, "deliver", _MEMBER, "--accept-gap", _REASON)
    return {"deleted_unread": gone, "counted": counted, "exit_code": code, "deletion_seconds": deleted_seconds}


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


def _deliver_once(scene: Scene) -> tuple[int, str]:
    words = [sys.executable, "-m", "tocsin", "deliver", _MEMBER, "--once", "--home", str(scene.home)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 -- our own words
    return done.returncode, done.stdout + done.stderr


FAULT = Fault(
    name="retention",
    says="retention overtakes a slow consumer, which must halt with the count",
    setting=at_once(strike),
)
