"""The legal map as of one day: what each jurisdiction's row says, with what it stands on; pure."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from msgspec import Struct

from schemas.failures import Refused
from tocsin.policy.bundle import Bundle
from tocsin.policy.jurisdictions import COLUMNS, Criminalised, Jurisdiction, LegalRow, Network

WARNING: Final = "Starting data, not legal advice: every cell needs a lawyer's check before real use."
UNVERIFIED: Final = "unverified"
HEADINGS: Final = {
    "real_child": "real child",
    "appears_child": "appears to be a child",
    "realistic_synthetic": "realistic synthetic",
    "non_realistic": "drawings",
    "text": "texts",
    "self_generated_peer": "peers' own images",
}
FACTS: Final = ("child below", "consent", "hotline may view", "police first", "retention", "since", "until")
"""The other columns of a row (domain facts 6.2): `police first` is asked before a host is told."""
_WORDS: Final = {
    Criminalised.YES: "yes",
    Criminalised.PARTLY: "partly",
    Criminalised.NO: "no",
    Criminalised.UNKNOWN: "?",
}
_NETWORKS: Final = {Network.INHOPE: "in the network", Network.NONE: "none known", Network.UNKNOWN: "not known"}


class Cell(Struct, frozen=True):
    """One column of one jurisdiction."""

    column: str
    value: Criminalised
    doubtful: bool

    def text(self) -> str:
        """The value in a word; a guess carries a question mark."""
        word = _WORDS[self.value]
        return f"{word}?" if self.doubtful and word != "?" else word


class Entry(Struct, frozen=True, kw_only=True):
    """One jurisdiction on that day."""

    jurisdiction: Jurisdiction
    law: LegalRow | None
    cells: tuple[Cell, ...]

    def standing(self) -> str:
        """Whether a lawyer has checked the row."""
        if self.law is None:
            return "no row for this day"
        return "verified" if self.law.verified else UNVERIFIED

    def hotline(self) -> str:
        """What is known of a hotline."""
        found = self.jurisdiction.hotline
        if found is None:
            return ""
        known = _NETWORKS[found.network]
        return f"{found.name} ({known})" if found.name and found.name != "yes" else known

    def network(self) -> Network:
        """Whether it has a hotline in the hotlines' network."""
        return self.jurisdiction.hotline.network if self.jurisdiction.hotline else Network.UNKNOWN

    def sources(self) -> str:
        """Where it comes from."""
        return self.law.source_ref if self.law else ""

    def confidence(self) -> str:
        """The standing with how far the sources carry: what nobody has checked says so wherever it is shown."""
        return f"{self.standing()}, {self.law.confidence}" if self.law else self.standing()

    def facts(self) -> tuple[str, ...]:
        """What a row says beside kinds of material, in the order of FACTS."""
        law = self.law
        if law is None:
            return ("",) * len(FACTS)
        days = "?" if law.retention_days is None else f"{law.retention_days} days"
        consent = "?" if law.age_of_consent is None else str(law.age_of_consent)
        until = str(law.valid_to) if law.valid_to else "open"
        seen = (_WORDS[law.hotline_may_view], _WORDS[law.lea_first])
        return (str(law.age_limit), consent, *seen, days, str(law.valid_from), until)


def legal_map(bundle: Bundle, on: date, only: Iterable[str] = ()) -> tuple[Entry, ...]:
    """Every country of the bundle by name, or the named ones; raises Refused for a code that nobody knows."""
    chosen = [_found(bundle, code) for code in only] or sorted(bundle.jurisdictions.values(), key=lambda one: one.name)
    return tuple(_entry(jurisdiction, on) for jurisdiction in chosen if jurisdiction.legal or only)


def differing(entries: Sequence[Entry]) -> tuple[str, ...]:
    """The columns in which the entries do not say the same."""
    return tuple(
        column
        for number, column in enumerate(COLUMNS)
        if len({entry.cells[number].value for entry in entries if entry.cells}) > 1
    )


def _found(bundle: Bundle, code: str) -> Jurisdiction:
    found = bundle.jurisdiction_of(code)  # type: ignore[arg-type]  # any text may be asked for
    if found is None:
        known = ", ".join(sorted(one.country for one in bundle.jurisdictions.values()))
        raise Refused(
            f"The legal map has no '{code}'. Choose of: {known}; UK and EL stand for GB and GR.", code="policy.no_law"
        )
    return found


def _entry(jurisdiction: Jurisdiction, on: date) -> Entry:
    law = jurisdiction.law(on)
    cells = tuple(Cell(column, getattr(law, column), column in law.doubtful) for column in COLUMNS) if law else ()
    return Entry(jurisdiction=jurisdiction, law=law, cells=cells)
