"""Whether a member can go live: each condition with what was found, and the sheet that both sides sign."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import text

from schemas.failures import Refused
from schemas.records.identifiers import MemberId
from schemas.topics import topics_of
from tocsin.policy.bundle import Bundle
from tocsin.policy.members import Member
from tocsin.runtime.database import database_of
from tocsin.runtime.keys.files import Use
from tocsin.runtime.keys.publishing import directory_of
from tocsin.runtime.settings import Settings
from tocsin.stack.certificates import Authority
from tocsin.stack.enrolment import packet_of
from tocsin.stack.membership import barred_now, everybody, latest, plan_for
from tocsin.stack.provision import Plan, Provisioner

_SOON_DAYS: Final = 30


class Condition(Struct, frozen=True, kw_only=True):
    """One thing that must hold; where it does not, what to do."""

    name: str
    holds: bool
    found: str
    fix: str = ""


class Facts(Struct, frozen=True, kw_only=True):
    """What is asked of the home, the broker and the ledger about one member."""

    member: Member
    barred: bool
    plan: Plan
    certificate: str
    certificate_days: int
    key_elsewhere: bool
    live_keys: Mapping[Use, int] | None
    """How many of each use the key directory has for it; None where this home has no directory."""
    last_submitted: datetime | None
    last_delivered: datetime | None


def conditions(facts: Facts, bundle: Bundle, on: date) -> tuple[Condition, ...]:
    """All of them, in the order in which they are met; pure."""
    return (*_standing(facts, bundle, on), *_signed(facts, bundle), *_technical(facts), *_round_trip(facts))


def _standing(facts: Facts, bundle: Bundle, on: date) -> Iterator[Condition]:
    member = facts.member
    dates = f"from {member.valid_from} until {member.valid_to or 'further notice'}"
    yield Condition(
        name="takes part",
        holds=member.takes_part(on) and not facts.barred,
        found="suspended" if facts.barred else f"{member.standing}, {dates}",
        fix="tocsin member resume, or correct its dates in members.toml",
    )
    stand_in = bundle.members.get(member.stand_in) if member.stand_in else None
    fallback = bundle.in_line(bundle.jurisdictions[member.jurisdiction], member.sector)
    if member.receives:
        yield Condition(
            name="somebody in line behind it",
            holds=stand_in is not None or bool(fallback),
            found=f"stand-in {stand_in.id if stand_in else 'none'}, fall-back {', '.join(fallback) or 'none'}",
            fix="name a stand_in, or a fallback of its jurisdiction",
        )
        yield Condition(
            name="on duty",
            holds=bool(member.duty_contact),
            found=f"duty contact {_named(member.duty_contact)}, "
            f"duty {', '.join(member.duty_hours) or 'at any time'} {member.time_zone}",
            fix="set duty_contact in members.toml",
        )
    if not member.canary:  # that one is the operator's own
        yield Condition(
            name="can be reached beside the exchange",
            holds=bool(member.out_of_band),
            found=f"out of band {_named(member.out_of_band)}",
            fix="set out_of_band in members.toml: for a stolen key, and where an incident names it",
        )


def _named(contact: str) -> str:
    return "named" if contact else "missing"


def _signed(facts: Facts, bundle: Bundle) -> Iterator[Condition]:
    member = facts.member
    if member.submits:
        profile = bundle.profiles.get(member.id)
        found = f"signed off by {profile.signed_off_by} on {profile.signed_off_on}" if profile else "none"
        yield Condition(name="profile", holds=profile is not None, found=found, fix=f"profiles/{member.id}.toml")
        yield Condition(
            name="signs what it submits",
            holds=member.signs,
            found="agreed to" if member.signs else "not agreed to: whoever can write to its topic is believed",
            fix="set signs = true in members.toml, once its signing key is in the directory",
        )
        yield from _sealing(member)
    if member.receives:
        rules = [one.rule for one in bundle.sharing.agreement if member.sector in one.recipient_sectors]
        yield Condition(
            name="sharing agreement",
            holds=bool(rules),
            found=", ".join(rules) or "none: it would get empty referrals",
            fix="sharing.toml",
        )
        agreed = member.agreement
        found = f"known content: {agreed.known_content}, by {', '.join(agreed.selectors)}"
        yield Condition(name="duplicate agreement", holds=True, found=found)


def _sealing(member: Member) -> Iterator[Condition]:
    """Whoever runs the broker reads what a submitter leaves open; a canary has no person in it."""
    if not member.canary:
        yield Condition(
            name="seals what names a person",
            holds=member.seals,
            found="agreed to"
            if member.seals
            else "not agreed to: who runs broker or database reads its personal parts",
            fix="set seals = true in members.toml, once its publisher has the key directory",
        )


def _technical(facts: Facts) -> Iterator[Condition]:
    plan = facts.plan
    missing = len(plan.missing_topics) + len(plan.missing_grants)
    yield Condition(
        name="topics and access rules",
        holds=not missing,
        found=f"{len(topics_of(facts.member.topics()))} topics; {missing} missing",
        fix="tocsin acl apply",
    )
    yield Condition(
        name="certificate",
        holds=facts.certificate_days > _SOON_DAYS,
        found=f"{facts.certificate or 'none'}, {max(facts.certificate_days, 0)} days left",
        fix="tocsin member renew",
    )
    yield from _keys(facts)
    yield Condition(
        name="key with the member alone",
        holds=facts.key_elsewhere,
        found="as it should be" if facts.key_elsewhere else "its key lies in this home: right for a local stack only",
        fix="tocsin member request at the member, then tocsin member renew",
    )


def _keys(facts: Facts) -> Iterator[Condition]:
    """Whoever answers signs, and whoever receives can open what names a person."""
    member = facts.member.id
    for use, name, is_wanted in (
        (Use.SIGN, "signing key in the directory", True),
        (Use.SEAL, "sealing key in the directory", facts.member.receives),
    ):
        if facts.live_keys is not None and is_wanted:
            count = facts.live_keys.get(use, 0)
            asked = f"the member runs tocsin keys new --as {member} --use {use} --request {member}.{use}.note"
            yield Condition(
                name=name,
                holds=bool(count),
                found=f"{count} live" if count else "none",
                fix=f"{asked}, and you tocsin keys admit {member}.{use}.note --reason WHY",
            )


def _round_trip(facts: Facts) -> Iterator[Condition]:
    if facts.member.submits:
        yield _went(facts.last_submitted, "a test report came in", "tocsin member check --round-trip")
    if facts.member.receives:
        yield _went(facts.last_delivered, "a test referral went out", "tocsin member check --round-trip")


def _went(at: datetime | None, name: str, fix: str) -> Condition:
    found = f"{at:%Y-%m-%d %H:%M} UTC" if at else "never"
    return Condition(name=name, holds=at is not None, found=found, fix=fix)


def facts_of(home: Path, settings: Settings, member: MemberId, now: datetime) -> tuple[Facts, Bundle]:
    """Ask everything; raises Temporary where broker or database are away."""
    bundle, barred = latest(settings), barred_now(settings)
    plan = Provisioner(settings.kafka.client()).plan(everybody(settings), barred)
    fingerprint, days = _certificate(home, member, now)
    tests = _tests(settings, member)
    facts = Facts(
        member=bundle.members[member],
        barred=member in barred,
        plan=plan_for(plan, member),
        certificate=fingerprint,
        certificate_days=days,
        key_elsewhere=not (home / "certificates" / f"{member}.key").exists(),
        live_keys=_live_keys(settings, member, now),
        last_submitted=tests["submitted"],
        last_delivered=tests["delivered"],
    )
    return facts, bundle


def sheet(facts: Facts, found: Sequence[Condition], authority: Path, now: datetime) -> str:
    """The go-live sheet as Markdown: who, what holds, what does not, and where both sides sign."""
    member = facts.member
    lines = [
        f"# Go-live sheet of {member.id}",
        "",
        f"{member.name}, {member.sector} in {member.country}. Written {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC.",
        f"Submits: {_yes(member.submits)}. Receives: {_yes(member.receives)}.",
        f"Fingerprint of its key: `{facts.certificate or 'none'}`.",
        "",
        "| condition | holds | found | to do |",
        "|---|---|---|---|",
        *(f"| {one.name} | {_yes(one.holds)} | {one.found} | {'' if one.holds else one.fix} |" for one in found),
        "",
        f"Authority: {Authority(authority).certificate.name}. Out of band: {member.out_of_band or 'not named'}.",
        "",
        "For the member, name and date: ______________________",
        "",
        "For the exchange, name and date: ____________________",
        "",
    ]
    return "\n".join(lines)


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _certificate(home: Path, member: MemberId, now: datetime) -> tuple[str, int]:
    try:
        packet = packet_of(home, member)
    except Refused:
        return "", -1
    return packet.fingerprint, (packet.valid_to - now).days


def _live_keys(settings: Settings, member: MemberId, now: datetime) -> Mapping[Use, int] | None:
    look = directory_of(settings.trust)
    if look is None:
        return None
    directory, now_ms = look(), int(now.timestamp() * 1000)
    return {use: len(directory.live(member, use, now_ms)) for use in Use}


def _tests(settings: Settings, member: MemberId) -> dict[str, Any]:
    database = database_of(settings)
    try:
        with database.transaction() as connection:
            row = connection.execute(_TESTS, {"member": member}).one()
    finally:
        database.close()
    return {"submitted": row.submitted, "delivered": row.delivered}


_TESTS: Final = text("""
    select (select max(at) from decisions where submitter = :member and mark = 'TEST') as submitted,
           (select max(state_at) from referrals where recipient = :member and mark = 'TEST'
            and state in ('delivered', 'counted', 'taken_up')) as delivered
""")
