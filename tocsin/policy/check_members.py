"""What members and jurisdictions must keep to: ids, names that exist, receivers that receive, periods in order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from schemas.records.identifiers import JurisdictionCode, MemberId
from schemas.topics import PROCESSES, WATCHERS
from schemas.vocabularies import vocabulary
from tocsin.policy.check_fallback import fallback_problems
from tocsin.policy.check_rules import overlaps
from tocsin.policy.dates import reversed_period
from tocsin.policy.duty import hours_of, is_zone
from tocsin.policy.jurisdictions import COLUMNS, Jurisdiction, LegalRow
from tocsin.policy.members import Member, Profile
from tocsin.policy.problems import Problem, one_of, unknown_words
from tocsin.policy.words import DUPLICATE_SELECTORS, DUPLICATE_TREATMENTS, MANDATES

MEMBERS: Final = "members.toml"
MAX_NEAR_DISTANCE: Final = 31
_COLUMNS: Final = frozenset(COLUMNS)
_COUNTRIES: Final = frozenset(vocabulary("country").codes)
_NO_COUNTRY: Final = "XI"
"""The international bureau; not assigned by ISO 3166."""
_RESERVED: Final = frozenset({*PROCESSES, *WATCHERS, "broker"})

_PROFILE_WORDS: Final = {name: frozenset(vocabulary(name).codes) for name in ("purpose", "tlp", "pap")}

Members = Mapping[MemberId, Member]
Place = tuple[str, str]
"""File and key."""


def member_problems(
    members: Members, profiles: Mapping[MemberId, Profile], jurisdictions: Mapping[JurisdictionCode, Jurisdiction]
) -> Iterator[Problem]:
    """Each member by itself, and against profiles and jurisdictions."""
    for member in members.values():
        yield from _id_problems(member)
        yield from _standing_problems(member, members)
        if member.jurisdiction not in jurisdictions:
            yield Problem(
                code="policy.unknown_jurisdiction",
                file=MEMBERS,
                key=f"{member.id}.jurisdiction",
                expected=one_of(jurisdictions),
                found=repr(member.jurisdiction),
            )
        if member.submits and member.id not in profiles:
            yield Problem(
                code="policy.submitter_without_profile",
                file=MEMBERS,
                key=f"{member.id}.submits",
                expected=f"the file profiles/{member.id}.toml",
                found="none",
            )
    for name, profile in profiles.items():
        yield from _profile_problems(f"profiles/{name}.toml", profile)
    for name in profiles.keys() - members.keys():
        yield _unknown_member((f"profiles/{name}.toml", "the file's name"), name)


def _profile_problems(file: str, profile: Profile) -> Iterator[Problem]:
    """What fills a member's reports speaks the vocabularies that reports speak."""
    for key, words in _PROFILE_WORDS.items():
        yield from unknown_words("policy.unknown_word", (file, key), [getattr(profile, key)], words)


def _id_problems(member: Member) -> Iterator[Problem]:
    if not _is_well_formed(member.id):
        expected = "a small letter, then small letters, digits and hyphens"
        yield Problem(
            code="policy.member_id", file=MEMBERS, key=member.id, expected=expected, found="another character"
        )
    if member.id in _RESERVED:
        expected = f"a name other than {', '.join(sorted(_RESERVED))}"
        yield Problem(
            code="policy.reserved_id", file=MEMBERS, key=member.id, expected=expected, found="a name of the exchange's"
        )


def _is_well_formed(name: str) -> bool:
    plain = name.replace("-", "")
    return plain.isalnum() and name.isascii() and name == name.lower() and name[0].isalpha()


def _standing_problems(member: Member, members: Members) -> Iterator[Problem]:
    if member.stand_in is not None:
        yield from receiver_problems((member.stand_in,), members, (MEMBERS, f"{member.id}.stand_in"))
    if member.stand_in == member.id:
        yield Problem(
            code="policy.own_stand_in",
            file=MEMBERS,
            key=f"{member.id}.stand_in",
            expected="another member",
            found="the member itself",
        )
    if member.canary and (member.receives or not member.submits):
        expected = "a member that submits and does not receive: it tests the way to the others"
        yield Problem(
            code="policy.canary", file=MEMBERS, key=f"{member.id}.canary", expected=expected, found="another one"
        )
    if member.mandate and not member.receives:
        yield _no_receiver((MEMBERS, f"{member.id}.mandate"), member.id)
    yield from unknown_words("policy.unknown_mandate", (MEMBERS, f"{member.id}.mandate"), member.mandate, MANDATES)
    yield from _agreement_problems(member)
    if not 0 <= member.near_distance <= MAX_NEAR_DISTANCE:
        yield Problem(
            code="policy.near_distance",
            file=MEMBERS,
            key=f"{member.id}.near_distance",
            expected=f"0 to {MAX_NEAR_DISTANCE}: farther matches are not looked for",
            found=str(member.near_distance),
        )
    if reversed_period([member]):
        yield _reversed((MEMBERS, f"{member.id}.valid_to"))
    yield from _duty_problems(member)


def _agreement_problems(member: Member) -> Iterator[Problem]:
    yield from unknown_words(
        "policy.unknown_treatment",
        (MEMBERS, f"{member.id}.agreement.known_content"),
        [member.agreement.known_content],
        DUPLICATE_TREATMENTS,
    )
    yield from unknown_words(
        "policy.unknown_selector",
        (MEMBERS, f"{member.id}.agreement.selectors"),
        member.agreement.selectors,
        DUPLICATE_SELECTORS,
    )


def _duty_problems(member: Member) -> Iterator[Problem]:
    if not is_zone(member.time_zone):
        expected = "a name of the time zone database, as Europe/Amsterdam"
        yield _odd((f"{member.id}.time_zone", expected), member.time_zone)
    for text in member.duty_hours:
        if hours_of(text) is None:
            expected = "days and hours in order, as mon-fri 08:00-18:00 or sat 10:00-24:00"
            yield _odd((f"{member.id}.duty_hours", expected), text)


def _odd(wanted: tuple[str, str], found: str) -> Problem:
    key, expected = wanted
    return Problem(code="policy.duty", file=MEMBERS, key=key, expected=expected, found=repr(found))


def jurisdiction_problems(jurisdictions: Iterable[Jurisdiction], members: Members) -> Iterator[Problem]:
    """Fall-backs that can take a report, one file a country, and one row of law on any day."""
    jurisdictions = tuple(jurisdictions)
    for jurisdiction in jurisdictions:
        file = f"jurisdictions/{jurisdiction.code}.toml"
        yield from receiver_problems(jurisdiction.fallback, members, (file, "fallback"))
        yield from fallback_problems(jurisdiction, members, file)
        yield from _code_problems(jurisdiction, file)
        for row in jurisdiction.legal:
            yield from unknown_words("policy.unknown_column", (file, "legal.doubtful"), row.doubtful, _COLUMNS)
            yield from _row_problems(row, file)
        if reversed_period(jurisdiction.legal):
            yield _reversed((file, "legal.valid_to"))
        yield from overlaps((file, "legal"), jurisdiction.legal, jurisdiction.legal)
    yield from _name_problems(jurisdictions)


def _row_problems(row: LegalRow, file: str) -> Iterator[Problem]:
    """A row says where it comes from, and a verified one who says so and since when."""
    if not row.source_ref.strip():
        yield Problem(
            code="policy.no_source", file=file, key="legal.source_ref", expected="where it comes from", found="nothing"
        )
    if row.verified and not (row.verified_by.strip() and row.verified_on):
        yield Problem(
            code="policy.unsigned_law",
            file=file,
            key="legal.verified",
            expected="verified_by and verified_on: who checked the row, and when",
            found="nobody" if not row.verified_by.strip() else "no day",
        )


def _name_problems(jurisdictions: Sequence[Jurisdiction]) -> Iterator[Problem]:
    """A code or an alias that two files claim would hide one of them; a file is named after its country."""
    taken: dict[str, str] = {}
    for jurisdiction in jurisdictions:
        file = f"jurisdictions/{jurisdiction.code}.toml"
        for name in (jurisdiction.country, *jurisdiction.aliases):
            if name in taken:
                expected = "a name that no other file has"
                found = f"'{name}', as in {taken[name]}"
                yield Problem(code="policy.country_twice", file=file, key="country", expected=expected, found=found)
            taken[name] = file
        if jurisdiction.code != jurisdiction.country.lower():
            expected = f"the file {jurisdiction.country.lower()}.toml"
            found = f"{jurisdiction.code}.toml"
            yield Problem(code="policy.file_name", file=file, key="country", expected=expected, found=found)


def _code_problems(jurisdiction: Jurisdiction, file: str) -> Iterator[Problem]:
    """ISO 3166 codes, and XI for what is no country."""
    if jurisdiction.country != _NO_COUNTRY:
        yield from unknown_words("policy.unknown_country", (file, "country"), [jurisdiction.country], _COUNTRIES)
    taken = sorted(_COUNTRIES.intersection(jurisdiction.aliases))
    if taken:
        yield Problem(
            code="policy.alias_is_country",
            file=file,
            key="aliases",
            expected="names that are no country's code",
            found=repr(taken[0]),
        )


def receiver_problems(names: Iterable[MemberId], members: Members, where: Place) -> Iterator[Problem]:
    """Whoever is named to take reports must exist and receive."""
    for name in names:
        if name not in members:
            yield _unknown_member(where, name)
        elif not members[name].receives:
            yield _no_receiver(where, name)


def _unknown_member(where: Place, name: MemberId) -> Problem:
    file, key = where
    return Problem(
        code="policy.unknown_member", file=file, key=key, expected=f"a member of {MEMBERS}", found=repr(name)
    )


def _no_receiver(where: Place, name: MemberId) -> Problem:
    file, key = where
    expected = "a member with receives = true"
    return Problem(
        code="policy.not_a_receiver", file=file, key=key, expected=expected, found=f"'{name}', which has not"
    )


def _reversed(where: Place) -> Problem:
    file, key = where
    expected = "a day after valid_from"
    return Problem(code="policy.period_reversed", file=file, key=key, expected=expected, found="one that is not")
