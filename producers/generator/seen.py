"""What a submitter sees of a case and writes down: the noise; pure, in the words of the jsonl feed."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from producers.generator.parameters import Parameters
from producers.generator.world import Case, Kind

_LABELS: Final = ("A1", "A2", "B1", "B2")
_REASONS: Final = ("imminent_danger", "live_now", "contact_abuse", "suicide_risk")
_SIGNS: Final = ("imminent_danger", "imminent_danger", "contact_abuse")
_BASE64_OF_NOTHING: Final = "iVBORw0KGgo" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo" * 8
"""The start of an encoded file with letters behind it: what the firewall is for, and no image."""


def content_of(case: Case, parameters: Parameters, chance: Random, *, is_known: bool) -> dict[str, Any]:
    """One report of this case, without reference and times."""
    if case.kind is not Kind.CONTENT:
        return _incident(case, chance) | _plea(case, parameters, chance)
    if chance.random() < parameters.thin:
        return {"source_url": {"url": _url(case)}} | _plea(case, parameters, chance)
    item = _item(case, parameters, chance, is_known=is_known)
    report = {
        "incident_types": ["csam"],
        "items": [item],
        "source_kind": chance.choice(("moderation", "public_report")),
    }
    return report | _plea(case, parameters, chance)


def broken(content: dict[str, Any], chance: Random) -> dict[str, Any]:
    """The same report with a mistake in it that must be refused."""
    return content | chance.choice(list(BREAKAGES.values()))()


BREAKAGES: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "no reference": lambda: {"submitter_reference": ""},
    "unknown country": lambda: {"declared_country": "XQ"},
    "day and month": lambda: {"detected_at": "03/04/2026"},
    "a file in a text": lambda: {"submitter_reference": _BASE64_OF_NOTHING},
    "an address too long": lambda: {"source_url": {"url": "https://long.example.test/" + "a" * 10_000}},
    "no zone and no such time": lambda: {"detected_at": "2026-02-30T10:00:00Z"},
}


def _incident(case: Case, chance: Random) -> dict[str, Any]:
    types = {Kind.GROOMING: "grooming", Kind.SEXTORTION: "sextortion", Kind.LIVE_STREAM: "live_streaming"}
    account = {"role": "suspect", "platform": "Simulated Chat", "kind": "screen_name", "value": case.account}
    if chance.random() < 0.3:  # noqa: PLR2004  # some platforms count, most do not
        account["prior_reports"] = str(chance.randint(0, 4))
    return {
        "incident_types": [types[case.kind]],
        "incident_medium": "chat",
        "victim_age_band": case.age_band,
        "declared_country": case.country,
        "personal": {"accounts": [account]},
    }


def _item(case: Case, parameters: Parameters, chance: Random, *, is_known: bool) -> dict[str, Any]:
    vary = is_known and chance.random() < parameters.url_variant
    item = {
        "url": _variant(case, chance) if vary else _url(case),
        "hosting": {"country": case.country, "ip_address": case.ip_address, "source": "submitter"},
        "content_type": chance.choice(("image", "image", "video")),
        "labels": [{"scheme": "industry", "scheme_version": "2022", "label": _label(case, parameters, chance)}],
        "apparent_age_band": case.age_band,
        "detection_method": "hash_match" if is_known else "manual_review",
        "viewed_by_reporter": "no" if is_known else "yes",
    }
    if chance.random() >= parameters.without_hash:
        item["hashes"] = [{"algorithm": "sha256", "value": case.sha256}, {"algorithm": "md5", "value": case.md5}]
    return item


def _label(case: Case, parameters: Parameters, chance: Random) -> str:
    place = _LABELS.index(case.label)
    if chance.random() < parameters.misjudged:
        place = min(len(_LABELS) - 1, max(0, place + chance.choice((-1, 1))))
    return _LABELS[place]


def _plea(case: Case, parameters: Parameters, chance: Random) -> dict[str, Any]:
    if not case.urgent:
        return _false_alarm(parameters, chance)
    shown: dict[str, Any] = {}
    if chance.random() < parameters.urgent_shown:
        shown["annotations"] = [chance.choice(_SIGNS)]
    if chance.random() >= parameters.escalation_missed:
        shown["escalation"] = {"reason_code": chance.choice(_REASONS)}
    return shown


def _false_alarm(parameters: Parameters, chance: Random) -> dict[str, Any]:
    """In the same words as a true one: nothing that is written tells them apart."""
    if not parameters.over_escalated or chance.random() >= parameters.over_escalated:
        return {}
    return {"escalation": {"reason_code": chance.choice(_REASONS)}}


def _url(case: Case) -> str:
    return f"https://{case.host}{case.path}"


def _variant(case: Case, chance: Random) -> str:
    """The same page in another spelling."""
    return chance.choice(
        (
            f"https://{case.host.upper()}{case.path}",
            f"https://{case.host}:443{case.path}",
            f"https://{case.host}{case.path}?utm_source=mail",
            f"https://{case.host}/.{case.path}#top",
        )
    )
