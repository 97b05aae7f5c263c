"""A recipient is away for so long that the broker has forgotten its group: it goes on where its own store says.

On its own exchange offsets live for a minute, the shortest that a broker knows, and it waits until the broker itself
has dropped the group. Among other faults (tests/chaos/test_faults.py) an administrator deletes it: that is sooner.
"""

from confluent_kafka.admin import AdminClient

from schemas.topics import OPS
from tests.chaos.faults.fault import Facts, Fault, Scene, at_once

_MEMBER = "nl-hotline"
_ASK_SECONDS = 10.0
_AWAY_SECONDS = 8.0
_TRIES = 20
_OFFSETS_LIVE = {"offsets.retention.minutes": "1", "offsets.retention.check.interval.ms": "1000"}
_FORGETS_SECONDS = 180.0
"""A minute after its last commit, and never before its session is over; the rest is for a busy machine."""


def strike(scene: Scene) -> Facts:
    """Stop its delivery until its group is gone, and start it again."""
    name = f"deliver-{_MEMBER}"
    admin = AdminClient(scene.stack.client(OPS))
    known = _groups(admin)
    scene.kill(name)
    is_by_itself = bool(scene.fault.broker_settings)
    away_seconds = _awaited(scene, admin) if is_by_itself else _deleted(scene, admin)
    forgotten = len(known) - len(_groups(admin))
    scene.expect(forgotten > 0, "the broker forgot the group")
    scene.start(name)
    return {"groups_forgotten": forgotten, "by_the_broker_itself": is_by_itself, "away_seconds": away_seconds}


def _awaited(scene: Scene, admin: AdminClient) -> float:
    return scene.until(lambda: not _groups(admin), _FORGETS_SECONDS)


def _deleted(scene: Scene, admin: AdminClient) -> float:
    """A group whose member was killed is empty only when its session has ended."""
    scene.wait(_AWAY_SECONDS * scene.pace)
    for _ in range(_TRIES):
        if not (groups := _groups(admin)):
            break
        for asked in admin.delete_consumer_groups(groups, request_timeout=_ASK_SECONDS).values():
            asked.exception()
        scene.wait(1)
    return _AWAY_SECONDS * scene.pace


def _groups(admin: AdminClient) -> list[str]:
    listed = admin.list_consumer_groups(request_timeout=_ASK_SECONDS).result().valid
    return [group.group_id for group in listed if _MEMBER in group.group_id]


FAULT = Fault(
    name="away",
    says="a recipient is away for longer than its group's offsets live",
    setting=at_once(strike),
    publishing_seconds=90.0,
    broker_settings=_OFFSETS_LIVE,
)
