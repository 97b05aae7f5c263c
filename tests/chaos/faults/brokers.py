"""Three brokers, each record on all of them, two needed: a rolling restart, one is lost, then two are lost."""

from tests.chaos.faults.fault import Facts, Fault, Scene, at_once
from tests.chaos.memory.exchange import Exchange
from tocsin.stack.kafka import Kafka

_BETWEEN_SECONDS = 3.0
_ONE_LOST_SECONDS = 30.0
"""Long enough for a new leader of each partition and a new coordinator of each group, which take about ten."""
_TWO_LOST_SECONDS = 12.0
_STOPPED_AFTER_SECONDS = 5.0
"""What is under way when the second broker goes may still arrive."""


def strike(scene: Scene) -> Facts:
    """With one broker less work goes on; with two less nothing is settled, and with all of them back all is."""
    brokers = scene.chance.sample(scene.stack.brokers, len(scene.stack.brokers))
    for broker in brokers:
        scene.say(f"restarting {broker.name}")
        broker.stop()
        scene.wait(_BETWEEN_SECONDS)
        scene.stack.revive()
    by_one_less = _lost(scene, brokers[:1], _ONE_LOST_SECONDS)
    scene.expect(by_one_less > 0, "with two of three brokers work goes on")
    for broker in brokers[:2]:
        broker.daemon.kill()
    scene.say("two of three brokers are lost")
    by_two_less = _settled_meanwhile(scene)
    scene.expect(by_two_less == 0, f"with one broker of three no report is settled, were {by_two_less}")
    scene.stack.revive()
    for name in scene.plan.commands:
        scene.expect(scene.ended(name) == 0, f"{name} outlives the brokers it asks (ADR 62), ended {scene.ended(name)}")
    return {"delivered_with_one_lost": by_one_less, "settled_with_two_lost": by_two_less}


def _settled_meanwhile(scene: Scene) -> int:
    """Nothing is written, so nothing may be settled; what lay in an inbox before may still be delivered."""
    exchange = Exchange(scene.stack)
    scene.wait(_STOPPED_AFTER_SECONDS)
    before = exchange.settled()
    scene.wait(_TWO_LOST_SECONDS)
    return exchange.settled() - before


def _lost(scene: Scene, brokers: list[Kafka], seconds: float) -> int:
    for broker in brokers:
        broker.daemon.kill()
    scene.say(f"lost {', '.join(broker.name for broker in brokers)}")
    before = scene.delivered()
    scene.wait(seconds)
    delivered = scene.delivered() - before
    scene.stack.revive()
    return delivered


FAULT = Fault(
    name="brokers",
    says="rolling restart and loss of one of three brokers, and loss of two",
    setting=at_once(strike),
    brokers=3,
    publishing_seconds=240.0,
    reports=1500,
)
