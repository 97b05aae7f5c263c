"""A recipient is away for so long that the broker has forgotten its group: it goes on where its own store says."""

from confluent_kafka.admin import AdminClient

from schemas.topics import OPS
from tests.chaos.faults.fault import Facts, Fault, Scene, at_once

_MEMBER = "nl-hotline"
_ASK_SECONDS = 10.0
_AWAY_SECONDS = 8.0
_TRIES = 20


def strike(scene: Scene) -> Facts:
    """Stop its delivery, delete its group's offsets as their retention would, and start it again."""
    name = f"deliver-{_MEMBER}"
    scene.kill(name)
    scene.wait(_AWAY_SECONDS * scene.pace)
    forgotten = _forget(scene)
    scene.expect(bool(forgotten), "the broker forgot the group")
    scene.start(name)
    return {"groups_forgotten": len(forgotten), "away_seconds": _AWAY_SECONDS * scene.pace}


def _forget(scene: Scene) -> list[str]:
    """A group whose member was killed is empty only when its session has ended."""
    admin = AdminClient(scene.stack.client(OPS))
    listed = admin.list_consumer_groups(request_timeout=_ASK_SECONDS).result().valid
    groups = [group.group_id for group in listed if _MEMBER in group.group_id]
    for _ in range(_TRIES):
        answers = admin.delete_consumer_groups(groups, request_timeout=_ASK_SECONDS)
        if all(future.exception() is None for future in answers.values()):
            return groups
        scene.wait(1)
    return []


FAULT = Fault(
    name="away",
    says="a recipient is away for longer than its group's offsets live",
    setting=at_once(strike),
)
