"""What all rules together cost beside the codec: the real composition, one report at a time, no broker and no database.

The codec is what triage cannot do without whatever it decides: decode the report, encode every record it leads to.
"""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from msgspec import Struct

from benchmarks.world import reports
from processors.answering import Answering
from processors.decision import Decision, Naming, Proposed, conclude, propose
from processors.index.port import Knowledge
from processors.intake import Accepted
from processors.letters import Writer
from processors.referring import Desk
from processors.steps.deduplicate.near import Veil
from processors.steps.deduplicate.selectors import Keys
from processors.steps.firewall import rules as firewall
from schemas.codec import decode, encode
from schemas.records.answers import Status
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted
from schemas.records.triage import ReportTriaged
from schemas.records.values import Coordinate
from tocsin.policy.bundle import SAMPLE, load
from tocsin.runtime.registry import FixedDirectory, RecordCodec

_NOW_MS: Final = 1_767_268_800_000
_AT_ONCE: Final = 250
"""Each part meets the same slow moments of the machine."""
_ROUNDS: Final = 40
_SEEN: Final = Knowledge()
_SOURCE: Final = Coordinate(topic="t", topic_id="i")
T = TypeVar("T")
R = TypeVar("R")


class _Desk(Struct, frozen=True, kw_only=True):
    """The steps, composed as in production."""

    naming: Naming
    answering: Answering

    def propose(self, report: ReportSubmitted) -> Proposed:
        accepted = Accepted(report=report, personal=None, findings=())
        return propose(accepted, self.answering.desk.bundle, self.naming, _NOW_MS)

    def conclude(self, proposed: Proposed) -> Decision:
        return conclude(proposed, _SEEN, self.answering.desk.bundle)

    def written(self, decision: Decision) -> list[Struct]:
        codec = self.answering.writer.codec
        records = self.answering.decided(decision, _SOURCE, _SEEN).records
        return [codec.loads(record.value, Referral, ReportTriaged, Status) for record in records]


def ratio() -> dict[str, Any]:
    """Medians of CPU-microseconds a report, and rules over codec."""
    desk = _desk()
    made = list(reports(_AT_ONCE * _ROUNDS))
    rounds = [_round(desk, made[start : start + _AT_ONCE]) for start in range(0, len(made), _AT_ONCE)]
    median = {part: statistics.median(found[part] for found in rounds) for part in rounds[0]}
    rules = sum(median[part] for part in _RULES)
    codec = sum(median[part] for part in _CODEC)
    return {name: round(cost, 1) for name, cost in median.items()} | {
        "rules": round(rules, 1),
        "codec": round(codec, 1),
        "rules / codec": round(rules / codec, 2),
    }


_RULES: Final = ("firewall", "propose", "conclude", "refer and release")
_CODEC: Final = ("decode", "encode")


def _desk() -> _Desk:
    keys = Keys(digest=(b"k" * 32,), recipient=b"r" * 32)
    desk = Desk(bundle=load(SAMPLE), keys=keys, personal_schema_id=1)
    writer = Writer(codec=RecordCodec(FixedDirectory()))
    return _Desk(naming=Naming(keys=keys, veil=Veil(b"v")), answering=Answering(desk=desk, writer=writer))


def _round(desk: _Desk, made: Sequence[ReportSubmitted]) -> dict[str, float]:
    cost: dict[str, float] = {}
    read = _timed(cost, "decode", lambda data: decode(ReportSubmitted, data), [encode(report) for report in made])
    _timed(cost, "firewall", firewall.decide, read)
    proposed = _timed(cost, "propose", desk.propose, read)
    decided = _timed(cost, "conclude", desk.conclude, proposed)
    _timed(cost, "refer and release", desk.answering.referrals, decided)
    written = [desk.written(decision) for decision in decided]
    _timed(cost, "encode", lambda records: [encode(record) for record in records], written)
    return cost


def _timed(cost: dict[str, float], part: str, do: Callable[[T], R], inputs: Sequence[T]) -> list[R]:
    gc.collect()
    started = time.process_time()
    done = [do(each) for each in inputs]
    cost[part] = 1e6 * (time.process_time() - started) / len(inputs)
    return done
