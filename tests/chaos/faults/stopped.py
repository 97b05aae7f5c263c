"""A process stands still beyond its session and goes on as if nothing had been: another one has its work by then."""

import os
import signal

from tests.chaos.faults.fault import Facts, Fault, Scene, at_once

_BEYOND_SESSION_SECONDS = 14.0
"""Sessions end after 10 s at the latest."""
_SECOND = "triage-normal-second"


def strike(scene: Scene) -> Facts:
    """Stop a worker that has a peer, and those that have none: the other lane, returns and one delivery."""
    scene.start(_SECOND, "triage", "--lane", "normal", "--instance", "second")
    scene.wait(4)
    before = scene.delivered()
    away = f"deliver-{scene.chance.choice(scene.plan.members)}"
    _stand_still(scene, ("triage-normal", "triage-escalated", "returns", away))
    by_peer = scene.delivered() - before
    scene.expect(by_peer > 0, "the other worker of the lane goes on while the first stands still")
    return {"stopped_seconds": _BEYOND_SESSION_SECONDS, "delivered_meanwhile": by_peer}


def _stand_still(scene: Scene, names: tuple[str, ...]) -> None:
    for name in names:
        os.kill(scene.crew.pid(name), signal.SIGSTOP)
    scene.say(f"stopped {', '.join(names)}")
    try:
        scene.wait(_BEYOND_SESSION_SECONDS)
    finally:
        for name in names:
            os.kill(scene.crew.pid(name), signal.SIGCONT)
    scene.say(f"let {', '.join(names)} go on")


FAULT = Fault(
    name="stopped",
    says="SIGSTOP of workers past their sessions, and SIGCONT",
    setting=at_once(strike),
    publishing_seconds=45.0,
)
