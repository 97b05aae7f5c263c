"""Load a policy bundle: strict, whole or not at all, with one digest over everything that it says."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import msgspec
from msgspec import Struct

from schemas.documents import toml_table
from schemas.records.identifiers import CountryCode, JurisdictionCode, MemberId
from schemas.records.values import PolicyVersion
from schemas.topics import MemberTopics
from tocsin.policy import check_members, check_priority, check_rules, check_sharing
from tocsin.policy.bases import Bases
from tocsin.policy.dates import in_force
from tocsin.policy.identity import Identity, TrackingNames
from tocsin.policy.jurisdictions import Jurisdiction
from tocsin.policy.lines import placed
from tocsin.policy.members import POLICE, Member, Profile, Sector, Standing
from tocsin.policy.memory import Memory
from tocsin.policy.networks import CountryOf, networks
from tocsin.policy.problems import Problem, refusal
from tocsin.policy.retention import NO_TABLE, RETENTION, Retention
from tocsin.policy.rules import LabelMapping, Labels, PriorityRules, Routing
from tocsin.policy.sharing import Sharing

SAMPLE: Final = Path(__file__).with_name("sample")
T = TypeVar("T")

_UNKNOWN_FIELD: Final = re.compile(r"unknown field `(\w+)`")
_SIGNED: Final = ("*.toml", "*.mmdb")
_FILLED_IN: Final = frozenset({"id", "code"})
"""Fields that the loader takes from the file's name or key."""


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
    identity: Identity
    bases: Bases
    retention: Retention = NO_TABLE
    country_of: CountryOf
    """Of an IP address."""
    files: Mapping[str, str] = {}
    """Name and SHA-256 of everything that was read."""

    def topics(self) -> tuple[MemberTopics, ...]:
        """What the topic table is made from."""
        return tuple(member.topics() for member in self.members.values())

    def policy_version(self) -> PolicyVersion:
        """What a decision carries."""
        return self._version

    def suspending(self, names: AbstractSet[MemberId]) -> Self:
        """The same bundle without these members, whatever it says of them; made once for each set of names."""
        known = frozenset(names & self.members.keys())
        if not known:
            return self
        if known not in self._suspended:
            out = {name: msgspec.structs.replace(self.members[name], standing=Standing.SUSPENDED) for name in known}
            self._suspended[known] = msgspec.structs.replace(self, members={**self.members, **out})
        return self._suspended[known]

    @cached_property
    def memory(self) -> Memory:
        """What was found in this bundle before."""
        return Memory()

    @cached_property
    def _suspended(self) -> dict[frozenset[MemberId], Self]:
        return {}

    def jurisdiction_of(self, country: CountryCode) -> Jurisdiction | None:
        """By ISO code or alias (UK, EL); None where the bundle knows nothing of it."""
        return self._by_country.get(country.upper())

    def owners(self, jurisdiction: JurisdictionCode, sector: Sector) -> tuple[Member, ...]:
        """The members that get what concerns a jurisdiction, whether or not they take part at the moment."""
        return self._owners.get((jurisdiction, sector), ())

    def in_line(self, jurisdiction: Jurisdiction, sector: Sector) -> tuple[MemberId, ...]:
        """Who takes a part that a jurisdiction's own members of that sector do not; nobody but police stands in for
        police, so that a foreign hotline is not told what was meant for an officer.
        """
        police_only = sector in POLICE
        return tuple(name for name in jurisdiction.fallback if not police_only or self.members[name].sector in POLICE)

    def neutral(self, scheme: str, label: str, on: date) -> tuple[str, ...]:
        """What a label of a scheme meant on that day, in neutral words; one that nobody mapped says nothing."""
        return self.memory.recall(("neutral", scheme, label, on), lambda: self._neutral(scheme, label, on))

    def _neutral(self, scheme: str, label: str, on: date) -> tuple[str, ...]:
        mapping = next(in_force(self._mappings.get((scheme, label), ()), on), None)
        return mapping.neutral if mapping else ()

    def priority_for(self, member: MemberId) -> PriorityRules:
        """The rules as that recipient weighs them."""
        return self._overridden.get(member, self.priority)

    @cached_property
    def _overridden(self) -> Mapping[MemberId, PriorityRules]:
        return {override.member: self.priority.of(override) for override in self.priority.override}

    def tracking(self, on: date) -> TrackingNames:
        """The parameters of addresses that say nothing of the content, as of that day."""
        if on not in self._tracking:
            self._tracking[on] = self.identity.tracking(on)
        return self._tracking[on]

    @cached_property
    def _tracking(self) -> dict[date, TrackingNames]:
        return {}

    @cached_property
    def _mappings(self) -> Mapping[tuple[str, str], tuple[LabelMapping, ...]]:
        found: dict[tuple[str, str], tuple[LabelMapping, ...]] = {}
        for mapping in self.labels.mapping:
            key = (mapping.scheme, mapping.label)
            found[key] = (*found.get(key, ()), mapping)
        return found

    @cached_property
    def _version(self) -> PolicyVersion:
        parts = {"labels": self.labels.version, "routing": self.routing.version}
        parts |= {"sharing": self.sharing.version, "priority": self.priority.version}
        parts |= {"identity": self.identity.version, "bases": self.bases.version}
        parts |= {"retention": self.retention.version}
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
    """Read and check a bundle; raises Broken that names every file and key to correct."""
    members = _members(folder)
    digest, files = _digest(folder)
    bundle = Bundle(
        digest=digest,
        files=files,
        members=members,
        profiles=_profiles(folder),
        jurisdictions=_jurisdictions(folder),
        labels=_labels(folder),
        routing=_read(folder, check_rules.ROUTING, Routing),
        sharing=_read(folder, check_sharing.SHARING, Sharing),
        priority=_read(folder, check_priority.PRIORITY, PriorityRules),
        identity=_read(folder, "identity.toml", Identity),
        bases=_read(folder, check_rules.BASES, Bases),
        retention=_retention(folder),
        country_of=networks(folder),
    )
    if problems := list(_problems(bundle)):
        raise refusal([placed(problem, folder) for problem in problems])
    return bundle


def _problems(bundle: Bundle) -> Iterator[Problem]:
    members, routing = bundle.members, bundle.routing
    yield from check_members.member_problems(members, bundle.profiles, bundle.jurisdictions)
    yield from check_members.jurisdiction_problems(bundle.jurisdictions.values(), members)
    yield from check_members.receiver_problems(routing.last_resort, members, (check_rules.ROUTING, "last_resort"))
    yield from check_rules.routing_problems(routing)
    yield from check_sharing.sharing_problems(bundle.sharing, bundle.labels)
    yield from check_rules.label_problems(bundle.labels)
    yield from check_priority.priority_problems(bundle.priority, members)
    yield from check_rules.basis_problems(bundle.bases)
    yield from check_rules.reversed_periods((RETENTION, "rule"), bundle.retention.rule)


def _members(folder: Path) -> dict[MemberId, Member]:
    """One by one, so that a message names the member."""
    table = _table(folder, check_members.MEMBERS)
    place = (folder, check_members.MEMBERS)
    read = {name: _shaped(entry, Member, (*place, name)) for name, entry in sorted(table.items())}
    return {MemberId(name): msgspec.structs.replace(member, id=MemberId(name)) for name, member in read.items()}


def _profiles(folder: Path) -> dict[MemberId, Profile]:
    files = sorted((folder / "profiles").glob("*.toml"))
    return {MemberId(file.stem): _read(folder, f"profiles/{file.name}", Profile) for file in files}


def _jurisdictions(folder: Path) -> dict[JurisdictionCode, Jurisdiction]:
    files = sorted((folder / "jurisdictions").glob("*.toml"))
    read = {JurisdictionCode(file.stem): _read(folder, f"jurisdictions/{file.name}", Jurisdiction) for file in files}
    return {code: msgspec.structs.replace(jurisdiction, code=code) for code, jurisdiction in read.items()}


def _labels(folder: Path) -> Labels:
    """The table of the bundle, and what a deployment adds: labels of schemes that are not public."""
    first = _read(folder, check_rules.LABELS, Labels)
    added = [_read(folder, f"labels/{file.name}", Labels) for file in sorted((folder / "labels").glob("*.toml"))]
    return Labels(
        version="+".join(table.version for table in (first, *added)),
        mapping=tuple(mapping for table in (first, *added) for mapping in table.mapping),
    )


def _retention(folder: Path) -> Retention:
    """A bundle from before there was such a table has none."""
    return _read(folder, RETENTION, Retention) if (folder / RETENTION).exists() else NO_TABLE


def _read(folder: Path, name: str, kind: type[T]) -> T:
    return _shaped(_table(folder, name), kind, (folder, name, ""))


def _table(folder: Path, name: str) -> dict[str, Any]:
    try:
        return toml_table((folder / name).read_bytes())
    except FileNotFoundError as error:
        raise refusal([_misshapen((name, "the file"), "this file in the bundle", "none")]) from error
    except msgspec.DecodeError as error:
        raise refusal([_misshapen((name, "the file"), "TOML in UTF-8", str(error))]) from error


def _shaped(table: object, kind: type[T], where: tuple[Path, str, str]) -> T:
    """`where` is folder, file and the key of the table in it."""
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        found, _, path = str(error).partition(" - at `$")
        folder, file, key = where
        unknown = _UNKNOWN_FIELD.search(found)
        inner = ".".join(
            part for part in (f"{key}{path.rstrip('`')}".strip("."), unknown[1] if unknown else "") if part
        )
        expected = "the shape that the sample bundle shows there" if path else _keys_of(kind)
        problem = _misshapen((file, inner or "the file"), expected, found)
        raise refusal([placed(problem, folder)]) from error


def _keys_of(kind: Any) -> str:
    return f"the keys {', '.join(field.name for field in msgspec.structs.fields(kind) if field.name not in _FILLED_IN)}"


def _misshapen(where: tuple[str, str], expected: str, found: str) -> Problem:
    file, key = where
    return Problem(code="policy.invalid", file=file, key=key, expected=expected, found=found)


def signed_files(folder: Path) -> tuple[Path, ...]:
    """What counts of a bundle: its digest is over these, and nothing else is kept or read."""
    return tuple(sorted(file for suffix in _SIGNED for file in folder.rglob(suffix)))


def _digest(folder: Path) -> tuple[str, dict[str, str]]:
    """Over names and bytes of every file, so that what is reviewed is what is signed; and that of each file."""
    digest, files = hashlib.sha256(), {}
    for file in signed_files(folder):
        content = file.read_bytes()
        name = file.relative_to(folder).as_posix()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
        files[name] = hashlib.sha256(content).hexdigest()
    return digest.hexdigest(), files
