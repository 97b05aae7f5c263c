"""The client façade for readers: a member's referrals as a plain iterator."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from consumers.looking import Looking
from consumers.membership import membership_of
from consumers.notices import is_handed_on
from consumers.provenance import Finding, examined
from consumers.reading import Reader
from consumers.takenback import TakenBack
from schemas.failures import Unreadable
from schemas.records.answers import ReferralsRead, Status
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from schemas.records.values import Instant
from tocsin.policy.policies import policies
from tocsin.runtime import settings
from tocsin.runtime.envelope import Envelope
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.keys.publishing import directory_of
from tocsin.runtime.keys.sealing import Opener
from tocsin.runtime.keys.signer import Signer
from tocsin.runtime.metrics import failure_met
from tocsin.runtime.registry import RecordCodec, SchemaDirectory

Span = tuple[int | None, int | None]


class Subscriber:
    """Reads without taking delivery: nothing is committed, answered or counted as delivered.

    >>> with Subscriber(".tocsin/config/nl-hotline.toml") as subscriber:
    ...     for referral in subscriber.read():
    ...         print(referral.priority.tier, referral.referral_id)
    """

    def __init__(self, settings_file: str | Path) -> None:
        process = settings.load(Path(settings_file))
        rules = policies(process.policy, process.policy_trust)
        membership = membership_of(rules.at(_now_ms()), MemberId(process.principal))
        self._directory = directory_of(process.trust)
        self._opener = Opener.of(process.trust, membership.member, _now_ms)
        codec = RecordCodec(SchemaDirectory(process.registry))
        client, member = process.kafka.client(), membership.member
        self._reader = Reader(client, member, membership.topics(), codec, Referral)
        self._told = Reader(client, member, (membership.told_on(),), codec, Status)
        self._taken_back = TakenBack()
        signer = Signer.of(process.trust, member, _now_ms)
        self._looking = Looking(client, Envelope(member=member, codec=codec, signer=signer))
        self._member = member

    def note(self, person: str, purpose: str, *, what: str = "referrals", span: Span = (None, None)) -> None:
        """Say that a person is about to look, and why; the exchange's audit log keeps it. Call it before `read`.

        `span` is what is asked for, in UTC milliseconds. Raises Temporary where it cannot be said: then show nothing.
        """
        since, until = (None if at_ms is None else Instant(epoch_ms=at_ms) for at_ms in span)
        self._looking.say(
            ReferralsRead(
                read_id="",
                member=self._member,
                at=Instant(epoch_ms=_now_ms()),
                person=person,
                purpose=purpose,
                what=what,
                since=since,
                until=until,
            )
        )

    @property
    def refused(self) -> int:
        """How many referrals were not given out, because they had been recalled."""
        return self._taken_back.refused

    def read(self, *, since_ms: int | None = None, until_ms: int | None = None) -> Iterator[Referral]:
        """Referrals from an instant on, in UTC milliseconds; without an end this waits for the next one.

        Personal parts are opened with the member's key; one that does not open stays as it is. What was recalled is
        not given out any more, whatever the end that was asked for; the recall itself is.
        """
        for status in self._told.read(since_ms, _now_ms()):
            self._taken_back.told(status)
        for referral in self._reader.read(since_ms, _now_ms()):
            self._taken_back.note(referral)
        yield from map(self._opened, self._taken_back.standing(self._reader.read(since_ms, until_ms)))

    def notices(self, *, since_ms: int | None = None, until_ms: int | None = None) -> Iterator[Status]:
        """What was told of referrals after they came: a report that one of them is linked to stands no more."""
        return filter(is_handed_on, self._told.read(since_ms, until_ms))

    def provenance(self, referral: Referral) -> Finding:
        """What its submitter's signature says of a referral, by the key directory of this member's settings."""
        return examined(referral, self._directory() if self._directory else Directory())

    def close(self) -> None:
        """Let go of the connections."""
        self._reader.close()
        self._told.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def _opened(self, referral: Referral) -> Referral:
        try:
            return self._opener.referral(referral) if self._opener else referral
        except Unreadable as failure:
            failure_met("subscribe", failure)
            return referral


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
