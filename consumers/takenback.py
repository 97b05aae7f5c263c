"""Which referrals were recalled: nobody reads them through Tocsin any more."""

from collections.abc import Iterable, Iterator

from schemas.records.answers import Status, StatusKind
from schemas.records.identifiers import ReportId
from schemas.records.referral import Referral

_Order = tuple[int, int]


class TakenBack:
    """The latest recall of each report that was met; as many entries as reports were recalled."""

    def __init__(self) -> None:
        self._recalls: dict[ReportId, _Order] = {}
        self.refused = 0

    def note(self, referral: Referral) -> None:
        """Remember a recall; anything else changes nothing."""
        if referral.withdrawn:
            self._remember(referral.report_id, _order(referral))

    def told(self, status: Status) -> None:
        """Remember what the status topic says of one: a report, or a copy that another one stands for."""
        if status.kind is StatusKind.RECALL:
            self._remember(status.report_id, (status.revision, status.ruling))

    def standing(self, referrals: Iterable[Referral]) -> Iterator[Referral]:
        """Those that stand, and the recalls; what is met on the way counts for what follows."""
        for referral in referrals:
            self.note(referral)
            if referral.withdrawn or not self._is_recalled(referral):
                yield referral
            else:
                self.refused += 1

    def _remember(self, report: ReportId, order: _Order) -> None:
        self._recalls[report] = max(self._recalls.get(report, order), order)

    def _is_recalled(self, referral: Referral) -> bool:
        """A later revision or ruling may give the report out again."""
        recall = self._recalls.get(referral.report_id)
        return recall is not None and recall > _order(referral)


def _order(referral: Referral) -> _Order:
    return referral.revision, referral.ruling
