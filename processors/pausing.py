"""When a member's own topic is left alone: more dead letters in an hour than its limit; the others never wait."""

from collections.abc import Iterable, Mapping
from typing import Final

from processors.letters import Writer, status_id
from schemas.records.answers import Status, StatusKind
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.values import Instant
from tocsin.policy.bundle import Bundle
from tocsin.policy.policies import Policies
from tocsin.runtime import metrics
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.limits import open_letters_per_topic
from tocsin.runtime.transport.pauses import Pause

HOUR_MS: Final = 3_600_000


class Pauses:
    """Asks the ledger how many dead letters wait, and says which topics are paused; one per process."""

    def __init__(self, policies: Policies, writer: Writer, database: Database, topics: Iterable[str]) -> None:
        self._policies = policies
        self._writer = writer
        self.database = database
        self._topics = frozenset(topics)

    def __call__(self, now_ms: int) -> Pause:
        """What is paused now; a letter that a person has decided on counts no more. May raise Temporary."""
        with self.database.transaction() as connection:
            letters = open_letters_per_topic(connection, HOUR_MS)
        own = {topic: count for topic, count in letters.items() if topic in self._topics}
        over = over_limit(own, self._policies.at(now_ms))
        for topic in self._topics:
            metrics.PAUSED.labels(topic_member(topic)).set(0)
        for member in over.values():
            metrics.PAUSED.labels(member).set(1)
        return Pause(
            notices={topic: (self._writer.status(paused_status(member, now_ms)),) for topic, member in over.items()}
        )


def over_limit(letters: Mapping[str, int], bundle: Bundle) -> dict[str, MemberId]:
    """The topics with more open letters of the last hour than their member may have, and whose they are."""
    members = {topic: topic_member(topic) for topic in letters}
    return {
        topic: member
        for topic, member in members.items()
        if member in bundle.members and letters[topic] > bundle.members[member].dead_letter_limit_per_hour
    }


def topic_member(topic: str) -> MemberId:
    """The second part of every member's topic."""
    return MemberId(topic.split(".")[1])


def paused_status(member: MemberId, now_ms: int) -> Status:
    """Told once an hour at most: both lanes and every worker say it with the same id."""
    return Status(
        status_id=status_id(member, now_ms // HOUR_MS, StatusKind.PAUSED),
        member=member,
        report_id=ReportId(""),
        kind=StatusKind.PAUSED,
        at=Instant(epoch_ms=now_ms),
        code="member.paused",
    )
