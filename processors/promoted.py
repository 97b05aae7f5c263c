"""Whether everything that was ever promoted is still in the policy store: asked at the start, and every few seconds."""

from datetime import UTC, datetime

from tocsin.policy.policies import Policies
from tocsin.policy.store.promotions import DECODER, Promotion
from tocsin.runtime.audit.recording import record_act
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.promoted import note, seen


class PromotionWatch:
    """The chain of promotions has no end mark of its own: the ledger remembers the last one (ADR 0016)."""

    def __init__(self, policies: Policies, database: Database) -> None:
        self._policies = policies
        self._database = database

    def __call__(self, now_ms: int) -> None:
        """Remember what is there; raises Broken where one is gone that two people signed, or Temporary."""
        with self._database.transaction() as connection:
            known = seen(connection)
            self._policies.require(known)
            here = self._policies.promoted(now_ms)
            for name in note(connection, {name: said for name, said in here.items() if name not in known}):
                record_act(connection, act_of(DECODER.decode(here[name])), now_ms)


def act_of(promotion: Promotion) -> Act:
    """Who changed the rules, and why: in the audit log by whichever worker sees it first, and once."""
    at = datetime.fromtimestamp(promotion.takes_effect_ms / 1000, UTC).isoformat(timespec="seconds")
    what = f"promoted the policy bundle {promotion.digest} for {at}"
    return Act(person=promotion.names(), reason=promotion.reason or "not stated", command="policy promote", what=what)
