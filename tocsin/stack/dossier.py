"""All that can be shown of one referral, gathered for a reader who was not there: bytes, times, versions, proof."""

import base64
from collections.abc import Iterable
from contextlib import closing
from hashlib import sha256
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from processors.explaining import Node, explained_referral
from schemas.catalogue import catalogue, message
from schemas.failures import Broken, Refused, Unreadable
from schemas.framing import schema_id_of
from schemas.headers import event_type
from schemas.records.identifiers import MemberId, ReferralId, ReportId
from schemas.records.referral import Referral
from schemas.records.values import Coordinate, Mark, PolicyVersion
from tocsin.runtime import metrics
from tocsin.runtime.audit.checkpoints import keys_of
from tocsin.runtime.audit.disclosed import Told, of_referral
from tocsin.runtime.audit.exporting import latest_note
from tocsin.runtime.audit.proving import Proof, proof_of
from tocsin.runtime.audit.recording import record_reading
from tocsin.runtime.audit.statements import Disclosure, Reading
from tocsin.runtime.database import database_of
from tocsin.runtime.keys.publishing import directory_of
from tocsin.runtime.ledger.recalls import is_taken_back
from tocsin.runtime.records import Records
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import Settings
from tocsin.runtime.transport.slices import RawRecord
from tocsin.stack.receipts import Link, chain

FORMAT: Final = "tocsin-dossier/1"
UNNAMED: Final = MemberId("a member that this recipient may not know")
_SUBMISSIONS: Final = frozenset({"submitted", "withdrawn"})


class Received(Struct, frozen=True, kw_only=True):
    """The record as it lies on the recipient's topic."""

    place: Coordinate
    appended_at_ms: int
    schema: str
    schema_id: int
    sha256: str
    content: str
    """Base64 of every byte; personal parts are sealed to the recipient."""


class KeptBack(Struct, frozen=True, kw_only=True):
    """A field that the recipient was not given, and why."""

    path: str
    rule: str
    says: str


class Dossier(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One referral as its recipient was given it, and what became of it."""

    format: str = FORMAT
    referral_id: ReferralId
    report_id: ReportId
    revision: int
    ruling: int
    recipient: MemberId
    mark: Mark
    made_at_ms: int
    made_by: str
    made_with: str
    """The release of Tocsin."""
    purpose: str
    received: Received
    fits_the_log: bool
    """Whether the digest of the bytes is the one that the log commits to."""
    policy: PolicyVersion
    ruleset: str
    decision: Node
    kept_back: tuple[KeptBack, ...]
    chain: tuple[Link, ...]
    proof: Proof


class Wanted(Struct, frozen=True, kw_only=True):
    """What is asked for, by whom, why and when; kept in the audit log."""

    referral_id: str
    by: str
    purpose: str
    now_ms: int
    although: str = ""
    """Why it is made even where the referral was taken back from its recipient; without, it is refused then."""


def gather(settings: Settings, wanted: Wanted) -> Dossier:
    """Read it all, and note in the log that somebody did; raises Refused where the log or the topic has it no more."""
    told, proof, purpose = _logged(settings, wanted)
    links = chain(settings, wanted.referral_id)
    sent = next(link for link in links if link.referral_id == wanted.referral_id and link.what in _SENT)
    raw, referral = _read(settings, sent.place)
    assert isinstance(told.statement, Disclosure)  # noqa: S101 -- of_referral gives no other
    received = _received(sent.place, raw)
    return Dossier(
        referral_id=referral.referral_id,
        report_id=referral.report_id,
        revision=referral.revision,
        ruling=referral.ruling,
        recipient=referral.recipient,
        mark=referral.mark,
        made_at_ms=wanted.now_ms,
        made_by=wanted.by,
        made_with=metrics.release(),
        purpose=purpose,
        received=received,
        fits_the_log=told.holds and told.statement.sha256 == received.sha256,
        policy=referral.policy,
        ruleset=referral.priority.ruleset_version,
        decision=explained_referral(referral),
        kept_back=tuple(KeptBack(path=one.path, rule=one.rule, says=_words(one.rule)) for one in referral.withheld),
        chain=tuple(concerning(links, referral)),
        proof=proof,
    )


def concerning(links: Iterable[Link], referral: Referral) -> Iterable[Link]:
    """The steps that this recipient may know of: its submission, its own referral, recalls to it and its answers."""
    for link in links:
        if link.what in _SUBMISSIONS and link.revision == referral.revision:
            yield replace(link, member=referral.submitter or UNNAMED, place=Coordinate())
        elif link.what == "decided" and link.revision == referral.revision:
            yield replace(link, member=referral.submitter or UNNAMED)
        elif link.member == referral.recipient and (
            link.referral_id == referral.referral_id or link.what == "recalled"
        ):
            yield link


def _logged(settings: Settings, wanted: Wanted) -> tuple[Told, Proof, str]:
    """What the log says, its proof, and the purpose as the log has it now: with why, where it was taken back."""
    current = directory_of(settings.trust)
    if current is None:
        raise Broken("The settings name no keys. Write them anew: tocsin up", code="keys.no_settings")
    with closing(database_of(settings)) as database, database.transaction() as connection:
        told = of_referral(connection, wanted.referral_id)
        if told is None or not isinstance(told.statement, Disclosure):
            raise Refused("The log has no referral of that id, or it was erased.", code="audit.unknown")
        purpose = _purpose(wanted, recalled=is_taken_back(connection, wanted.referral_id))
        reading = Reading(
            person=wanted.by,
            purpose=purpose,
            command="dossier",
            what=f"the dossier of referral {wanted.referral_id}",
            report=told.statement.report,
            referral=told.statement.referral,
            member=told.statement.recipient,
        )
        record_reading(connection, reading, wanted.now_ms)
        return told, proof_of(connection, told, latest_note(connection), keys_of(current())), purpose


def _purpose(wanted: Wanted, *, recalled: bool) -> str:
    """Raises Refused for what was taken back, where nobody says why a court needs it all the same."""
    if recalled and not wanted.although:
        raise Refused(message("dossier.recalled"), code="dossier.recalled")
    return f"{wanted.purpose}; although it was recalled: {wanted.although}" if recalled else wanted.purpose


def _read(settings: Settings, place: Coordinate) -> tuple[RawRecord, Referral]:
    raw = Records(settings.kafka)([place]).get(place)
    if raw is None or raw.value is None:
        raise _gone()
    try:
        referral = RecordCodec(SchemaDirectory(settings.registry)).loads(raw.value, Referral)
    except Unreadable as failure:
        raise _gone() from failure
    assert isinstance(referral, Referral)  # noqa: S101 -- loads gives the type it was asked for
    return raw, referral


def _received(place: Coordinate, raw: RawRecord) -> Received:
    value = raw.value or b""
    return Received(
        place=place,
        appended_at_ms=raw.timestamp_ms,
        schema=event_type(Referral),
        schema_id=schema_id_of(value),
        sha256=sha256(value).hexdigest(),
        content=base64.b64encode(value).decode(),
    )


def _words(rule: str) -> str:
    found = catalogue().get(rule)
    return found.message if found else f"Rule {rule}."


def _gone() -> Refused:
    return Refused(
        "The bytes of this referral are not on its topic any more. What is left of it: tocsin receipts, and tocsin "
        "audit prove",
        code="dossier.gone",
    )


_SENT: Final = frozenset({"referred", "recalled"})
