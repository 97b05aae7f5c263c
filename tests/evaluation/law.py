"""Every jurisdiction under each kind of material: what the domain facts, 6.2 and 6.3, allow to be said and no more."""

from collections.abc import Iterator
from typing import Any, Final

from tests.evaluation.writing import Family, a_case, a_label, a_report, an_item

FACTS: Final = """
AT Y N|BE Y P|BG Y? ?|CY Y ?|CZ Y ?|DE Y P|DK Y N|EE P ?|GR Y P|ES Y N|FI Y N|FR Y Y|HR Y N?|HU P ?|IE Y P|IT Y P|LT P ?
NL Y N|PL Y P|PT Y N|RO Y N|SE Y P|SI Y ?|SK Y ?|LV Y? ?|LU Y? ?|MT Y? ?
GB Y Y|US P P|CA Y Y|AU Y Y|NZ Y Y|JP P? N|KR Y Y
TW P P|NO Y Y|CH Y Y|UA ? ?|MD ? ?|AR ? ?|RS ? ?|AL ? ?|BA ? ?|TR P ?|ZA Y Y|BR P N|KH ? ?|NG ? ?
"""
"""Country, realistic synthetic, drawings: as the table of 6.2 has them, JP's N/P read as a doubtful P."""
UNKNOWN: Final = "BY ME MK XK GE AM AZ AD MC SM LI CN IN ID VN PK BD EG MA KE SA AE CL RU"
"""Of 6.3: nothing is known of their law."""
_NATIONAL: Final = [a_label("iccam", "national")]


def jurisdictions() -> Family:
    """Real, synthetic, drawn and self-generated: an unverified row decides nothing, and a plain Y of one is flagged."""
    for country, name, cell, item in _matrix():
        flags = ["classify.unverified_law"] if cell == "Y" else []
        waits = {"waiting": {"none_of": ["route.undetermined"]}} if cell == "Y" else {}
        expect = _judged(country, "undetermined") | {"flags": flags} | waits
        yield _case(country, name, "undetermined", item) | {"expect": [expect]}


def checked() -> Family:
    """The same rows once a lawyer has checked them: N is not illegal, and a guess decides nothing.

    What is not illegal in every country concerned goes to nobody, which a person can see.
    """
    for country, name, cell, item in _matrix():
        verdict = {"Y": "national", "N": "not_illegal"}.get(cell, "undetermined")
        outcome = "no_recipient" if cell == "N" else "routed"
        expect = _judged(country, verdict, verified=True) | {"outcome": outcome, "flags": []}
        yield _case(country, name, verdict, item) | {"expect": [expect], "policy": CHECKED}
    live = _case("AT", "drawn and streamed live", "not_illegal", {"realism": "non_realistic", "live_stream": "yes"})
    waits = {"waiting": ["route.not_illegal_but_urgent"], "members": {"exactly": ["gb-hotline", "intl-police"]}}
    yield live | {"expect": [waits], "policy": CHECKED}


CHECKED: Final = "checked"
"""The folder of the sample policy with every row marked as checked, beside the case files."""


def _matrix() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Country, kind of material, the cell of the facts, and the item."""
    rows = [row.split() for row in FACTS.replace("\n", "|").split("|") if row.strip()]
    for country, synthetic, drawn in rows:
        yield from _kinds(country, "Y", synthetic, drawn)
    for country in UNKNOWN.split():
        yield from _kinds(country, "?", "?", "?")


def _kinds(country: str, real: str, synthetic: str, drawn: str) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    yield country, "real", real, {}
    yield country, "synthetic", synthetic, {"realism": "realistic", "synthetic_origin": "full"}
    yield country, "drawn", drawn, {"realism": "non_realistic"}
    yield country, "self-generated", real, {"self_generated": "yes", "apparent_age_band": "14-15"}


def _judged(country: str, verdict: str, *, verified: bool = False) -> dict[str, Any]:
    return {"verdicts": [{"jurisdiction": country.lower(), "verdict": verdict, "verified": verified}]}


def baseline() -> Family:
    """A real child before puberty and an act or the focus: illegal everywhere, whatever is known of the law (2.2)."""
    for country in ("NL", "US", "JP", "RU", "XK"):
        yield _case(country, "A1", "baseline", {"labels": [a_label("industry", "A1")]})
        yield _case(country, "claimed", "baseline", {"labels": [a_label("iccam", "baseline")]})
    for name, item in _NEVER.items():
        yield _case(
            "NL", f"never: {name}", {"none_of": ["baseline"]}, {"labels": [a_label("iccam", "baseline")]} | item
        )


_NEVER: Final[dict[str, dict[str, Any]]] = {
    "synthetic": {"synthetic_origin": "full"},
    "partly synthetic": {"synthetic_origin": "partial"},
    "realistic": {"realism": "realistic"},
    "drawn": {"realism": "non_realistic"},
    "annotated as synthetic": {"annotations": ["generative_ai"]},
    "annotated as drawn": {"annotations": ["drawing"]},
    "pubescent": {"apparent_age_band": "pubescent"},
    "14 to 15": {"apparent_age_band": "14-15"},
    "B1": {"labels": [a_label("iccam", "baseline"), a_label("industry", "B1")]},
}


def synthetic_or_drawn() -> Family:
    """VICS 3 is a machine's or drawn (2.3): the law of the country has to say the same of both (6.2)."""
    item = {"labels": [a_label("vics_us", "3")]}
    for country, flags in (("NL", []), ("DE", []), ("NO", _FLAGGED), ("FR", _FLAGGED)):
        expect = _judged(country, "undetermined") | {"flags": flags}
        yield _case(country, "synthetic or drawn", "undetermined", item) | {"expect": [expect]}
    for country, verdict in (("NL", "undetermined"), ("NO", "national")):
        case = _case(country, "synthetic or drawn, law checked", verdict, item)
        yield case | {"expect": [_judged(country, verdict, verified=True)], "policy": CHECKED}


_FLAGGED: Final = ["classify.unverified_law"]


def machines() -> Family:
    """A score never decides: without a person's label nothing is judged (2.5)."""
    for score in (0.1, 0.5, 0.97, 1.0):
        signal = {"model_id": "m", "model_version": "1", "score": score, "threshold": 0.8}
        yield _case("NL", f"score {score}", "undetermined", {"labels": [], "ai_signals": [signal]})


def bases() -> Family:
    """A basis that had lapsed at detection is flagged (6.1): the last day was 3 April 2026."""
    for day, flags in (
        ("2026-04-03", []),
        ("2026-04-04", ["classify.basis_lapsed"]),
        ("2026-11-01", ["classify.basis_lapsed"]),
    ):
        report = a_report(detected_at=f"{day}T12:00:00Z", governance={"legal_basis": "eu-2021-1232"}, items=[an_item()])
        yield a_case(f"found on {day}", [report], [{"flags": flags}])


def _case(country: str, name: str, verdict: Any, item: dict[str, Any]) -> dict[str, Any]:
    whole = an_item(**({"labels": _NATIONAL, "apparent_age_band": "pubescent", "hosting": {"country": country}} | item))
    if whole["labels"] and whole["labels"][0]["label"] in {"A1", "baseline"} and "apparent_age_band" not in item:
        whole["apparent_age_band"] = ""
    expected: Any = [{"jurisdiction": country.lower(), "verdict": verdict, "verified": False}]
    return a_case(f"{country} {name}", [a_report(items=[whole])], [{"verdicts": expected}])
