"""What a proof looks at: ids and places, never contents."""

from enum import StrEnum

from msgspec import Struct, field


class Place(Struct, frozen=True, order=True):
    """Where a record lies on the broker."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """`topic[partition]@offset`, as every command prints it."""
        return f"{self.topic}[{self.partition}]@{self.offset}"


class Triaged(Struct, frozen=True):
    """One decision found on triaged.v1: which record it answers, and the referrals it promises, by recipient."""

    source: Place
    referrals: dict[str, str]
    """Referral id to recipient; empty where nobody gets the report."""


class Found(Struct, frozen=True):
    """A referral found somewhere: its id, whose place that is, and whom the record itself names."""

    referral_id: str
    owner: str
    recipient: str
    """Empty where the record cannot be read."""
    place: str
    report_id: str = ""


class Evidence(Struct, frozen=True, kw_only=True):
    """All that was read back, each list in the order of reading."""

    submitted: tuple[Place, ...] = ()
    triaged: tuple[Triaged, ...] = ()
    dead_letters: tuple[Place, ...] = ()
    """The source coordinate that each dead letter names."""
    settled: dict[Place, str] = field(default_factory=dict)
    """What the ledger says of each coordinate: an outcome's name."""
    waiting_reports: frozenset[str] = frozenset()
    """Report ids of records that are not settled: a crash may have left some of their outputs on the topics."""
    referrals: tuple[Found, ...] = ()
    """On the recipients' topics."""
    inboxes: tuple[Found, ...] = ()
    unread: dict[str, int] = field(default_factory=dict)
    """Member to the number of records on its topics that its inbox has not read yet."""
    sinks: tuple[Found, ...] = ()
    """One entry a file or row at the far side, where the sink can be listed."""
    delivered: dict[str, str] = field(default_factory=dict)
    """Referral id to member, for what the listable sinks of that member must hold."""


class Finding(StrEnum):
    """What can be wrong; each is a failed proof."""

    LOST_REPORT = "lost_report"
    UNSETTLED_REPORT = "unsettled_report"
    LOST_REFERRAL = "lost_referral"
    LOST_AT_INBOX = "lost_at_inbox"
    LOST_AT_SINK = "lost_at_sink"
    DOUBLED_AT_INBOX = "doubled_at_inbox"
    DOUBLED_AT_SINK = "doubled_at_sink"
    FOREIGN_REFERRAL = "foreign_referral"
    UNEXPLAINED_REFERRAL = "unexplained_referral"


class Discrepancy(Struct, frozen=True, order=True):
    """One thing that is wrong, and where to look."""

    finding: Finding
    what: str
    """A coordinate or a referral id."""
    where: str = ""


class Verdict(Struct, frozen=True, kw_only=True):
    """The outcome of a proof: counts of what was compared, and every discrepancy."""

    submitted: int
    answered: int
    referrals: int
    at_inboxes: int
    at_sinks: int
    unread: int
    replayed: int
    """Referrals that stand more than once on a topic: harmless, the inbox knows them by id."""
    discrepancies: tuple[Discrepancy, ...]

    @property
    def holds(self) -> bool:
        """True where nothing is wrong."""
        return not self.discrepancies
