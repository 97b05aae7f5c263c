"""Load a policy bundle: strict, whole or not at all, with one digest over everything that it says."""

import hashlib
from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from schemas.failures import Broken
from schemas.records.identifiers import CountryCode, JurisdictionCode, MemberId
from schemas.records.values import PolicyVersion
from schemas.topics import PROCESSES, MemberTopics
from tocsin.policy.jurisdictions import Jurisdiction
from tocsin.policy.members import Member, Profile, Sector
from tocsin.policy.rules import Labels, PriorityRules, Routing, Sharing

SAMPLE: Final = Path(__file__).with_name("sample")
T = TypeVar("T")


class Bundle(Struct, frozen=True, kw_only=True, dict=True):
    """Everything that people signed, as of one version; the digest goes with every decision."""

    digest: str
    members: Mapping[MemberId, Member]
    profiles: Mapping[MemberId, Profile]
    jurisdictions: Mapping[JurisdictionCode, Jurisdiction]
    labels: Labels
    routing: Routing
    sharing: Sharing
    priority: PriorityRules

    def topics(self) -> tuple[MemberTopics, ...]:
        """What the topic table is made from."""
        return tuple(member.topics() for member in self.members.values())

    def policy_version(self) -> PolicyVersion:
        """What a decision carries."""
        return self._version

    def jurisdiction_of(self, country: CountryCode) -> Jurisdiction | None:
        """By ISO code or alias (UK, EL); None where the bundle knows nothing of it."""
        return self._by_country.get(country.upper())

    def owners(self, jurisdiction: JurisdictionCode, sector: Sector) -> tuple[Member, ...]:
        """The members that get what concerns a jurisdiction, whether or not they take part at the moment."""
        return self._owners.get((jurisdiction, sector), ())

    @cached_property
    def neutral_labels(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """Scheme and label to neutral words."""
        return {(mapping.scheme, mapping.label): mapping.neutral for mapping in self.labels.mapping}

    @cached_property
    def _version(self) -> PolicyVersion:
        parts = {"labels": self.labels.version, "routing": self.routing.version}
        parts |= {"sharing": self.sharing.version, "priority": self.priority.version}
        return PolicyVersion(bundle=self.digest, parts=parts)

    @cached_property
    def _by_country(self) -> Mapping[str, Jurisdiction]:
        named = {j.country: j for j in self.jurisdictions.values()}
        return named | {alias: j for j in self.jurisdictions.values() for alias in j.aliases}

    @cached_property
    def _owners(self) -> Mapping[tuple[JurisdictionCode, Sector], tuple[Member, ...]]:
        found: dict[tuple[JurisdictionCode, Sector], tuple[Member, ...]] = {}
        for member in self.members.values():
            if member.receives and member.owner:
                key = (member.jurisdiction, member.sector)
                found[key] = (*found.get(key, ()), member)
        return found


def load(folder: Path) -> Bundle:
    """Read and check a bundle; raises Broken with file and key."""
    members = _members(folder)
    bundle = Bundle(
        digest=_digest(folder),
        members=members,
        profiles=_profiles(folder, members),
        jurisdictions=_jurisdictions(folder),
        labels=_read(folder / "labels.toml", Labels),
        routing=_read(folder / "routing.toml", Routing),
        sharing=_read(folder / "sharing.toml", Sharing),
        priority=_read(folder / "priority.toml", PriorityRules),
    )
    _check(bundle)
    return bundle


def _members(folder: Path) -> dict[MemberId, Member]:
    read = _read(folder / "members.toml", dict[str, Member])
    return {MemberId(name): msgspec.structs.replace(member, id=MemberId(name)) for name, member in sorted(read.items())}


def _profiles(folder: Path, members: Mapping[MemberId, Member]) -> dict[MemberId, Profile]:
    found = {MemberId(file.stem): _read(file, Profile) for file in sorted((folder / "profiles").glob("*.toml"))}
    for name in found:
        if name not in members:
            raise _wrong(f"profiles/{name}.toml", "a member of members.toml", "nobody of that id")
    return found


def _jurisdictions(folder: Path) -> dict[JurisdictionCode, Jurisdiction]:
    files = sorted((folder / "jurisdictions").glob("*.toml"))
    read = {JurisdictionCode(file.stem): _read(file, Jurisdiction) for file in files}
    return {code: msgspec.structs.replace(jurisdiction, code=code) for code, jurisdiction in read.items()}


def _check(bundle: Bundle) -> None:
    for member in bundle.members.values():
        _check_member(bundle, member)
    for jurisdiction in bundle.jurisdictions.values():
        _check_periods(jurisdiction)
        _check_known(bundle, jurisdiction.fallback, f"jurisdictions/{jurisdiction.code}.toml: fallback")
    _check_known(bundle, bundle.routing.last_resort, "routing.toml: last_resort")
    bounds = [tier.least_score for tier in bundle.priority.tier]
    if bounds != sorted(bounds, reverse=True) or len(set(bounds)) != len(bounds):
        raise _wrong("priority.toml: tier", "bounds from the highest to the lowest", "another order")


def _check_member(bundle: Bundle, member: Member) -> None:
    where = f"members.toml: {member.id}"
    if not member.id.replace("-", "").isalnum() or not member.id.isascii() or member.id != member.id.lower():
        raise _wrong(where, "an id of small letters, digits and hyphens", "another character")
    if member.id in PROCESSES or member.id == "broker":
        raise _wrong(where, "an id that no process of the exchange has", "a reserved one")
    if member.jurisdiction not in bundle.jurisdictions:
        raise _wrong(where, "a jurisdiction with a file in jurisdictions/", member.jurisdiction)
    if member.stand_in:
        _check_known(bundle, (member.stand_in,), where)


def _check_periods(jurisdiction: Jurisdiction) -> None:
    rows = sorted(jurisdiction.legal, key=lambda row: row.valid_from)
    where = f"jurisdictions/{jurisdiction.code}.toml: legal"
    for row in rows:
        if row.valid_to is not None and row.valid_to <= row.valid_from:
            raise _wrong(where, "valid_to after valid_from", f"{row.valid_from} to {row.valid_to}")
    for earlier, later in pairwise(rows):
        if earlier.valid_to is None or earlier.valid_to > later.valid_from:
            raise _wrong(where, "rows that do not overlap", f"two that are in force on {later.valid_from}")


def _check_known(bundle: Bundle, members: Iterable[MemberId], where: str) -> None:
    for name in members:
        if name not in bundle.members:
            raise _wrong(where, "a member of members.toml", name)


def _read(file: Path, kind: type[T]) -> T:
    try:
        return msgspec.toml.decode(file.read_bytes(), type=kind)
    except FileNotFoundError as error:
        raise _wrong(file.name, "this file in the bundle", "none") from error
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise Broken(f"Policy file {file.name}: {error}. Correct it and check again.", code="policy.invalid") from error


def _wrong(where: str, expected: str, found: str) -> Broken:
    return Broken(f"Policy, {where}: expected {expected}, found {found}. Correct the file.", code="policy.invalid")


def _digest(folder: Path) -> str:
    """Over names and bytes of every file, so that what is reviewed is what is signed."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.toml")):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
