"""What the demo shows: counts of the ledger, of this run alone; pure but for one reading."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from tocsin.runtime.ledger.balance import Balance
from tocsin.stack.ledger import balance_of

ARRIVED: Final = ("delivered", "counted", "taken_up", "refused")
"""States of a referral that its recipient has, or has settled."""


class Snapshot(Struct, frozen=True, kw_only=True):
    """The exchange at one moment."""

    came_in: int = 0
    waiting: int = 0
    outcomes: Mapping[str, int] = {}
    referrals: Mapping[str, int] = {}
    """By state."""
    by_recipient: Mapping[str, Mapping[str, int]] = {}
    balanced: bool = False

    @property
    def arrived(self) -> int:
        """Referrals that reached their recipient."""
        return sum(self.referrals.get(state, 0) for state in ARRIVED)

    @property
    def made(self) -> int:
        """All referrals."""
        return sum(self.referrals.values())

    def since(self, before: "Snapshot") -> "Snapshot":
        """What happened after another moment; the verdict is of now."""
        return Snapshot(
            came_in=self.came_in - before.came_in,
            waiting=self.waiting,
            outcomes=_less(self.outcomes, before.outcomes),
            referrals=_less(self.referrals, before.referrals),
            by_recipient={
                name: _less(states, before.by_recipient.get(name, {})) for name, states in self.by_recipient.items()
            },
            balanced=self.balanced,
        )


def snapshot(home: Path) -> Snapshot:
    """Read the ledger now."""
    return snapshot_of(balance_of(home))


def snapshot_of(balance: Balance) -> Snapshot:
    """The numbers of a balance; returns are counted by what they did to referrals."""
    lines = [line for line in balance.lines if line.topic.startswith("reports.")]
    outcomes: Counter[str] = Counter()
    for line in lines:
        outcomes.update(line.outcomes)
    referrals: Counter[str] = Counter()
    by_recipient: dict[str, Counter[str]] = {}
    for count in balance.referrals:
        referrals[count.state] += count.count
        by_recipient.setdefault(count.recipient, Counter())[count.state] += count.count
    return Snapshot(
        came_in=sum(line.came_in for line in lines),
        waiting=sum(line.waiting for line in balance.lines),
        outcomes=outcomes,
        referrals=referrals,
        by_recipient=by_recipient,
        balanced=balance.holds,
    )


def _less(now: Mapping[str, int], before: Mapping[str, int]) -> Mapping[str, int]:
    left = {name: count - before.get(name, 0) for name, count in now.items()}
    return {name: count for name, count in left.items() if count}
