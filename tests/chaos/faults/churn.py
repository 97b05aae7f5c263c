"""A member of a consumer group joins or leaves every two seconds, for two minutes."""

from tests.chaos.faults.fault import Facts, Fault, Scene, at_once

_EVERY_SECONDS = 2.0
_CHANGES = 60
_MOST = 3


def strike(scene: Scene) -> Facts:
    """Workers of the normal lane come, and go by SIGTERM or SIGKILL, by chance; each change moves partitions."""
    present: list[str] = []
    joined = left = 0
    for number in range(_CHANGES):
        scene.wait(_EVERY_SECONDS)
        if present and (len(present) == _MOST or scene.chance.random() < 0.5):
            scene.leave(present.pop(scene.chance.randrange(len(present))), politely=scene.chance.random() < 0.5)
            left += 1
        else:
            name = f"triage-normal-{number}"
            scene.start(name, "triage", "--lane", "normal", "--instance", str(number))
            present.append(name)
            joined += 1
    for name in present:
        scene.leave(name)
    return {"joined": joined, "left": left, "every_seconds": _EVERY_SECONDS}


FAULT = Fault(
    name="churn",
    says="a worker joins or leaves its group every 2 s for 2 minutes",
    setting=at_once(strike),
    reports=2400,
    publishing_seconds=110.0,
)
