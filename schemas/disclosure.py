"""Who may ever see a field and how sensitive it is, as the avsc files say: the ceiling that policy may only narrow."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache

from msgspec import Struct

from schemas.definitions import definition


class Sensitivity(StrEnum):
    """What a field can give away."""

    OPERATIONAL = "operational"
    """Runs the exchange: ids, processing times, codes of ours."""
    CASE = "case"
    """Facts of a case that lead neither to material nor to a person."""
    RESTRICTED = "restricted"
    """Leads to material or to an investigation: addresses, digests, case numbers."""
    PERSONAL = "personal"
    """Identifies a person."""
    FREE_TEXT = "free_text"
    """Words that a person wrote: released only where an agreement names the field, never by a default."""


class Audience(StrEnum):
    """Kinds of readers."""

    SUBMITTER = "submitter"
    HOTLINE = "hotline"
    LEA = "lea"
    INTERNATIONAL = "international"
    PLATFORM = "platform"
    OPERATOR = "operator"


class FieldRule(Struct, frozen=True, kw_only=True, gc=False):
    """One field's sensitivity, and the audiences that may see it at most."""

    sensitivity: Sensitivity
    release: frozenset[Audience]


@cache
def field_rules(record_type: type[Struct]) -> Mapping[str, FieldRule]:
    """The rule of each field of one record; a nested record has rules of its own, and both must allow."""
    return {
        field["name"]: FieldRule(
            sensitivity=Sensitivity(field["sensitivity"]),
            release=frozenset(Audience(audience) for audience in field["release"]),
        )
        for field in definition(record_type.__name__)["fields"]
    }
