"""Who gets it, how soon, what is missing and what is seen (domain facts 0, 3.3, 5.3, 6.1)."""

from itertools import combinations
from typing import Any, Final

from tests.evaluation.writing import Family, a_case, a_label, a_report, an_item

_MEMBERS: Final = {
    "NL": ["nl-hotline", "nl-police"],
    "DE": ["de-hotline-a", "de-police"],
    "FR": ["fr-hotline", "fr-police"],
    "GB": ["gb-hotline", "gb-police"],
    "US": ["us-hotline", "us-police"],
}
_NEXUS: Final = ("offence", "suspect", "victim")


def routes() -> Family:
    """Fan-out to every state concerned; countries without a hotline are a main path (0.3, 6.1)."""
    countries = list(_MEMBERS)
    for chosen in (some for count in range(5) for some in combinations(countries, count)):
        claims = [{"kind": _NEXUS[n % 3], "country": country} for n, country in enumerate(chosen)]
        reached = [member for country in chosen for member in _MEMBERS[country]]
        expect = {"members": {"exactly": reached}} if reached else {"waiting": ["route.no_evidence"]}
        name = f"{len(chosen)} countries concerned: {' '.join(chosen)}"
        yield a_case(name, [a_report(incident_types=["grooming"], nexus=claims)], [expect])
    for country, members in _MEMBERS.items():
        for name, content in _WAYS.items():
            report = a_report(**_placed(content, country))
            yield a_case(f"{country} by {name}", [report], [{"members": {"exactly": members}}])
    for country in ("NO", "BR", "JP", "RU", "XK", "IN"):
        report = a_report(declared_country=country, incident_types=["grooming"])
        yield a_case(f"no member in {country}", [report], [{"members": {"exactly": ["gb-hotline", "intl-police"]}}])
    network = an_item(url="https://cdn.example.test/1", hosting={"country": "NL", "content_delivery_network": "yes"})
    yield a_case("a delivery network alone", [a_report(items=[network])], [{"waiting": ["route.no_evidence"]}])
    by_address = an_item(url="https://a.example.test/1", hosting={"ip_address": "198.51.100.3"})
    yield a_case("by the address", [a_report(items=[by_address])], [{"members": {"exactly": _MEMBERS["DE"]}}])
    denied = a_report(items=[an_item()], sharing={"deny_members": ["nl-police"]})
    refused = {"members": {"none_of": ["nl-police"]}, "refusals": [{"member": "nl-police"}]}
    yield a_case("the submitter narrows", [denied], [refused])
    own = a_report(submitter="nl-hotline", items=[an_item()])
    yield a_case("nobody gets its own back", [own], [{"members": {"none_of": ["nl-hotline"]}}])
    child = an_item(self_generated="yes", labels=[a_label("iccam", "national")])
    yield a_case("a child's own content", [a_report(items=[child])], [{"members": {"exactly": ["nl-hotline"]}}])
    coerced = a_report(items=[child], incident_types=["sextortion"])
    yield a_case("a child's own content, coerced", [coerced], [{"members": {"exactly": _MEMBERS["NL"]}}])


_INCIDENT: Final[dict[str, Any]] = {"incident_types": ["grooming"]}
_WAYS: Final[dict[str, dict[str, Any]]] = {
    "hosting": {"items": [{"url": "https://files.example.test/1", "hosting": {"country": "@"}}]},
    "offence": {"nexus": [{"kind": "offence", "country": "@"}], **_INCIDENT},
    "suspect": {"nexus": [{"kind": "suspect", "country": "@"}], **_INCIDENT},
    "victim": {"nexus": [{"kind": "victim", "country": "@"}], **_INCIDENT},
    "declaration": {"declared_country": "@", **_INCIDENT},
}


def _placed(content: Any, country: str) -> Any:
    if isinstance(content, dict):
        return {key: _placed(value, country) for key, value in content.items()}
    if isinstance(content, list):
        return [_placed(value, country) for value in content]
    return country if content == "@" else content


def tiers() -> Family:
    """Gates make urgent whatever else is known; caps keep down; missing is uncertainty (5.3)."""
    for name, content in _GATES.items():
        whole = {"declared_country": "NL", "incident_types": ["other"]} | content
        yield a_case(f"gate: {name}", [a_report(**whole)], [{"tier": "urgent"}])
        spread = whole | {"annotations": [*whole.get("annotations", []), "viral"]}
        yield a_case(f"gate lifts a cap: {name}", [a_report(**spread)], [{"tier": "urgent"}])
    for name in ("viral", "meme", "batched", "spam", "informational"):
        report = a_report(annotations=[name], items=[_SEVERE])
        yield a_case(f"cap: {name}", [report], [{"tier": "low", "members": ["nl-police"]}])
    for key, value in (("victim_identified", "yes"), ("series", "s-17")):
        known = a_report(items=[_SEVERE | {key: value}])
        rule = {"victim_identified": "reduction.identified_victim", "series": "reduction.known_series"}[key]
        yield a_case(
            f"known, and forwarded all the same: {key}", [known], [{"members": ["nl-police"], "rules": [rule]}]
        )
    abuse: dict[str, Any] = {"items": [_SEVERE], "incident_types": ["molestation"]}
    yield a_case("severe, new and fresh", [a_report(incident_at="2026-11-19T12:00:00Z", **abuse)], [{"tier": "urgent"}])
    for name, item, counts in _LOOKS:
        rules: Any = ["factor.realistic"] if counts else {"none_of": ["factor.realistic"]}
        yield a_case(f"looks: {name}", [a_report(items=[_SEVERE | item])], [{"rules": rules}])
    older: dict[str, Any] = abuse | {"items": [_SEVERE | {"apparent_age_band": "7-10"}]}
    yield a_case("severe and new", [a_report(incident_at="2026-08-19T12:00:00Z", **older)], [{"tier": "high"}])
    old = a_report(incident_at="2020-01-01T12:00:00Z", **abuse)
    yield a_case("long ago", [old], [{"rules": {"none_of": ["factor.recent_incident"]}}])
    model = an_item(ai_signals=[{"model_id": "m", "score": 0.99, "threshold": 0.5}], apparent_age_band="infant")
    yield a_case("only a model spoke", [a_report(items=[model], incident_types=["molestation"])], [{"tier": "normal"}])
    thin = a_report(escalation={"reason_code": "imminent_danger"}, declared_country="NL", incident_types=["other"])
    told = {"tier": "urgent", "completeness": {"at_most": 60}, "missing": ["accounts", "incident_at"]}
    yield a_case("thin and urgent is forwarded", [thin], [told | {"outcome": "routed"}])


_SEVERE: Final = an_item(labels=[a_label("industry", "A1")], apparent_age_band="infant")
_LOOKS: Final[tuple[tuple[str, dict[str, Any], bool], ...]] = (
    ("a photo", {"realism": "photo"}, True),
    ("realistic", {"realism": "realistic"}, True),
    ("realistic, and partly a machine's", {"realism": "realistic", "synthetic_origin": "partial"}, True),
    ("realistic, and all a machine's", {"realism": "realistic", "synthetic_origin": "full"}, False),
    ("drawn", {"realism": "non_realistic"}, False),
    ("not said", {}, False),
)
"""Realism raises what may show a real child, and takes nothing off (2.4, 5.3: synthetic is not down by default)."""
_GATES: Final[dict[str, dict[str, Any]]] = {
    "escalated": {"escalation": {"reason_code": "other"}},
    "imminent danger": {"annotations": ["imminent_danger"]},
    "live stream": {"incident_types": ["live_streaming"]},
    "sextortion": {"incident_types": ["sextortion"]},
    "annotated sextortion": {"annotations": ["sextortion"]},
    "sadistic network": {"annotations": ["sadistic_online_exploitation"]},
    "trafficking": {"incident_types": ["trafficking"]},
}


def completeness() -> Family:
    """What is missing is told in the submitter's terms, heaviest first (3.3)."""
    whole: dict[str, Any] = {
        "declared_country": "NL",
        "incident_at": "2026-11-01T12:00:00Z",
        "items": [
            an_item(url="https://files.example.test/1", viewed_by_reporter="yes", detection_method="manual_review")
            | {"labels": [a_label("industry", "A1")], "apparent_age_band": "prepubescent"}
        ],
        "external_ids": {"ncmec": "1"},
        "personal": {"accounts": [{"role": "suspect", "platform": "Chat", "kind": "user_id", "value": "u-1"}]},
    }
    yield a_case("everything", [a_report(**whole)], [{"completeness": 100, "missing": []}])
    alone = {"incident_at": "incident_at", "personal": "accounts", "external_ids": "external_ids"}
    for left_out, missing in alone.items():
        part = {key: value for key, value in whole.items() if key != left_out}
        yield a_case(f"without {left_out}", [a_report(**part)], [{"missing": [missing]}])
    yield a_case("hardly anything", [a_report(incident_types=["other"])], [{"completeness": {"at_most": 50}}])


def release() -> Family:
    """Nobody sees a field that nothing allows, whoever asks and whatever the report says (6.1, default deny)."""
    personal: dict[str, Any] = {
        "personal": {"accounts": [{"role": "suspect", "platform": "Chat", "kind": "user_id", "value": "u-1"}]}
    }
    full: dict[str, Any] = {"items": [an_item()], "memo": {"text": "A note.", "language": "en"}} | personal
    for tlp in ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT"):
        report = a_report(handling={"tlp": tlp}, **full)
        yield a_case(f"free text under {tlp}", [report], [_withheld("memo")])
        shown = {"released": {"nl-hotline": {"none_of": ["sealed", "memo"]}, "nl-police": ["sealed"]}}
        yield a_case(f"personal data to police only under {tlp}", [report], [shown])
    red = a_report(handling={"tlp": "RED"}, **full)
    closed = {"none_of": ["items", "source_url", "memo", "sealed", "submitter", "nexus"]}
    yield a_case("red", [red], [{"released": {"nl-hotline": closed, "nl-police": closed}}])
    hidden = a_report(sharing={"hide_submitter": True}, platform="Simulated Chat", **full)
    away = {"none_of": ["submitter", "submitter_reference", "platform"]}
    yield a_case("a hidden submitter", [hidden], [{"released": {"nl-hotline": away, "nl-police": away}}])
    nowhere = a_report(submitter="nl-hotline", declared_country="US", incident_types=["grooming"], **personal)
    no_basis = {"us-police": [_field("personal", "release.no_transfer_basis")]}
    yield a_case("no basis, no personal part", [nowhere], [{"withheld": no_basis}])


def _field(path: str, rule: str) -> dict[str, str]:
    return {"path": path, "rule": rule}


def _withheld(path: str) -> dict[str, Any]:
    return {"withheld": {"nl-hotline": [{"path": path}], "nl-police": [{"path": path}]}}
