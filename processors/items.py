"""Content items by ICCAM's rules: how triage finds them, and what a Return does to them; pure (ADR 0011)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from processors.decision import Proposed
from schemas.item_state import BASELINE, NATIONAL, Act, Actor, ItemState, acts_of, after, is_described, refusal
from schemas.records.answers import Return
from schemas.records.identifiers import ContentId
from schemas.records.report import ContentItem, Hosting, ReportSubmitted
from schemas.records.values import Ternary, Verdict
from schemas.vocabularies import vocabulary
from tocsin.policy.authority import country_named
from tocsin.policy.bundle import Bundle
from tocsin.policy.members import Sector
from tocsin.runtime.ledger.items import ActDone, ItemKey, ItemMade

UNKNOWN_ITEM: Final = "item.unknown"
_ASSESSORS: Final = frozenset({Sector.HOTLINE, Sector.INTERNATIONAL})
"""Whose labels are assessments; a platform's classification is what it detected."""
_ASSESSMENTS: Final = frozenset({"iccam", "interpol"})

Authority = Callable[[str], Actor]
"""How the member that answers stands to an item of that country."""


class Judged(Struct, frozen=True, kw_only=True):
    """What became of one Return: its acts as the ledger keeps them, the states after it, and why it was refused."""

    done: tuple[ActDone, ...] = ()
    states: Mapping[ItemKey, ItemState]
    refused: str = ""


def items_of(proposed: Proposed, bundle: Bundle) -> tuple[ItemMade, ...]:
    """The items of a report as they stand before anybody does anything; without items, the report as a whole."""
    report = proposed.report
    items = report.items or (ContentItem(),)
    described = is_described(report.source_url)
    assesses = bundle.members[report.submitter].sector in _ASSESSORS
    return tuple(
        ItemMade(
            report_id=report.report_id,
            content_id=item.content_id,
            revision=report.revision,
            hosting_country=country,
            assigned_country=country,
            classification=_assessed(item, proposed) if assesses else "",
            is_described=described,
            looked_at_ms=hosting.checked_at.epoch_ms if hosting and hosting.checked_at else None,
        )
        for item in items
        for hosting in (_hosting_of(item, report),)
        for country in (_hosted_in(hosting, bundle),)
    )


def judged(answer: Return, states: Mapping[ItemKey, ItemState], authority: Authority) -> Judged:
    """All of a Return is accepted, or nothing of it; the first broken rule is told."""
    now, done = dict(states), list[ActDone]()
    for key, act in _wanted(answer, states, authority):
        state = now.get(key)
        code = UNKNOWN_ITEM if state is None else refusal(state, act, authority(state.assigned_country))
        if state is None or code:
            return Judged(done=(_done(answer, key, act, 0, code),), states=states, refused=code)
        now[key] = after(state, act)
        done.append(_done(answer, key, act, len(done), ""))
    return Judged(done=tuple(done), states=now)


def _wanted(answer: Return, states: Mapping[ItemKey, ItemState], authority: Authority) -> Iterator[tuple[ItemKey, Act]]:
    """Each act on each item that it concerns: the named one, else all of the report that are the member's to decide.

    A report of which the ledger has no items was triaged before it kept any: nothing is held against its answers.
    """
    known = sorted(key for key in states if key[0] == answer.report_id)
    own = [key for key in known if authority(states[key].assigned_country).is_assigned]
    for outcome in answer.outcomes if known else ():
        keys = [(answer.report_id, outcome.content_id)] if outcome.content_id else own or known
        yield from ((key, act) for act in acts_of(outcome) for key in keys)


def _done(answer: Return, key: ItemKey, act: Act, position: int, refused: str) -> ActDone:
    report_id, content_id = key
    return ActDone(
        return_id=answer.return_id,
        position=position,
        report_id=report_id,
        content_id=content_id,
        member=answer.member,
        act=act,
        refused=refused,
        at_ms=answer.at.epoch_ms,
    )


def _hosting_of(item: ContentItem, report: ReportSubmitted) -> Hosting | None:
    return item.hosting or (report.source_url.hosting if report.source_url else None)


def _hosted_in(hosting: Hosting | None, bundle: Bundle) -> str:
    """Assignment follows the hosting country (domain facts 0.3); a delivery network hosts nowhere."""
    if hosting is None or hosting.content_delivery_network is Ternary.YES:
        return ""
    found = hosting.country or (bundle.country_of(hosting.ip_address) if hosting.ip_address else "")
    return country_named(found, bundle) if found else ""


def _assessed(item: ContentItem, proposed: Proposed) -> str:
    """The last assessment counts; what cannot be baseline (drawn, synthetic, older) is national (domain facts 2.2)."""
    codes = [vocabulary("classification").code_of(x.label, "iccam") for x in item.labels if x.scheme in _ASSESSMENTS]
    known = [code for code in codes if vocabulary("classification").is_known(code)]
    last = known[-1] if known else ""
    return NATIONAL if last == BASELINE and not _can_be_baseline(item.content_id, proposed) else last


def _can_be_baseline(content_id: ContentId, proposed: Proposed) -> bool:
    verdicts = [verdict.verdict for verdict in proposed.verdicts if verdict.content_id == content_id]
    return not verdicts or Verdict.BASELINE in verdicts
