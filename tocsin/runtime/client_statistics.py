"""What librdkafka says of itself every ten seconds, under our names."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from tocsin.runtime import metrics

_EVERY_MS: Final = 10_000


class Broker(Struct):
    """What the client says of one connection."""

    txerrs: int = 0


class Statistics(Struct):
    """The few figures of the client's report that an operator acts on; the rest is passed over undecoded."""

    msg_cnt: int = 0
    tx_bytes: int = 0
    brokers: Mapping[str, Broker] = {}


def statistics() -> dict[str, Any]:
    """Properties of a client whose figures are published; they are sums since its start."""
    return {"statistics.interval.ms": _EVERY_MS, "stats_cb": publisher()}


def publisher() -> Callable[[str], None]:
    """Publish each report of one client; counters grow by what is new in it."""
    seen = {"bytes": 0, "errors": 0}

    def publish(report: str) -> None:
        found = msgspec.json.decode(report, type=Statistics)
        errors = sum(broker.txerrs for broker in found.brokers.values())
        metrics.CLIENT_QUEUE.set(found.msg_cnt)
        metrics.CLIENT_SENT.inc(max(0, found.tx_bytes - seen["bytes"]))
        metrics.CLIENT_ERRORS.inc(max(0, errors - seen["errors"]))
        seen.update(bytes=found.tx_bytes, errors=errors)

    return publish
