"""What the librdkafka clients of a process say of themselves every ten seconds, under our names."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from tocsin.runtime import metrics

_EVERY_MS: Final = 10_000
_SECONDS: Final = 1e-6
"""Its times are microseconds."""

Client = Literal["outputs", "inbox", "post"]
"""What a client is for: outputs of a worker, records of an inbox, returns of a member."""


class RoundTrip(Struct, frozen=True):
    """How long one broker took to answer since the report before."""

    p99: int = 0


class Broker(Struct, frozen=True):
    """What the client says of one connection."""

    txerrs: int = 0
    rxerrs: int = 0
    outbuf_cnt: int = 0
    rtt: RoundTrip = RoundTrip()


class Statistics(Struct, frozen=True):
    """The few figures of the client's report that an operator acts on; the rest is passed over undecoded."""

    msg_cnt: int = 0
    tx_bytes: int = 0
    brokers: Mapping[str, Broker] = {}


_DECODER: Final = msgspec.json.Decoder(Statistics)
"""Made before there are threads (schemas/learning.py): each client reports on one of its own."""


def statistics(client: Client) -> dict[str, Any]:
    """Properties of a client that is polled and whose figures are published; they are sums since its start."""
    return {"statistics.interval.ms": _EVERY_MS, "stats_cb": publisher(client)}


def publisher(client: Client) -> Callable[[str], None]:
    """Publish each report of one client; counters grow by what is new in it."""
    seen = {"bytes": 0, "errors": 0}

    def publish(report: str) -> None:
        found = _DECODER.decode(report)
        errors = sum(broker.txerrs + broker.rxerrs for broker in found.brokers.values())
        metrics.CLIENT_SENT.labels(client).inc(max(0, found.tx_bytes - seen["bytes"]))
        metrics.CLIENT_ERRORS.labels(client).inc(max(0, errors - seen["errors"]))
        seen.update(bytes=found.tx_bytes, errors=errors)
        _show(client, found)

    return publish


def _show(client: Client, found: Statistics) -> None:
    brokers = found.brokers.values()
    metrics.CLIENT_QUEUE.labels(client).set(found.msg_cnt)
    metrics.CLIENT_UNSENT.labels(client).set(sum(broker.outbuf_cnt for broker in brokers))
    metrics.CLIENT_ROUND_TRIP.labels(client).set(max((broker.rtt.p99 for broker in brokers), default=0) * _SECONDS)
