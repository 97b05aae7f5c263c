"""What a member can know before its answer leaves: which of ICCAM's rules the exchange will hold against it; pure.

It warns and refuses nothing: others may have acted meanwhile, and the exchange decides (ADR 0011).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from schemas.item_state import Act, Actor, ItemState, acts_of, after, is_described, refusal
from schemas.records.answers import Return
from schemas.records.identifiers import ContentId
from schemas.records.referral import Referral
from schemas.records.report import ContentItem
from schemas.records.values import Ternary

_ASSESSMENTS: Final = frozenset({"iccam", "interpol"})
_BASELINE: Final = "baseline"
Standing = Callable[[str], Actor]
"""How the member stands to an item that is assigned to that country."""


def broken_rules(said: Return, referral: Referral, earlier: Sequence[Return], standing: Standing) -> tuple[str, ...]:
    """The codes of the rules that an answer breaks, as far as the referral and the member's own answers tell."""
    states = _states(referral)
    for answer in earlier:
        _said(answer, states, standing)
    return tuple(dict.fromkeys(_said(said, states, standing)))


def _said(answer: Return, states: dict[ContentId, ItemState], standing: Standing) -> list[str]:
    """Every rule that the answer breaks; the states go on where it breaks none."""
    broken = []
    for content_id, act in _wanted(answer, states, standing):
        state = states[content_id]
        if code := refusal(state, act, standing(state.assigned_country)):
            broken.append(code)
        else:
            states[content_id] = after(state, act)
    return broken


def _wanted(
    answer: Return, states: Mapping[ContentId, ItemState], standing: Standing
) -> Iterator[tuple[ContentId, Act]]:
    own = [content_id for content_id, state in states.items() if standing(state.assigned_country).is_assigned]
    for outcome in answer.outcomes:
        named: Iterable[ContentId] = [outcome.content_id] if outcome.content_id in states else ()
        concerned = named if outcome.content_id else own or list(states)
        yield from ((content_id, act) for act in acts_of(outcome) for content_id in concerned)


def _states(referral: Referral) -> dict[ContentId, ItemState]:
    items = referral.items or (ContentItem(),)
    return {item.content_id: _state(item, referral) for item in items}


def _state(item: ContentItem, referral: Referral) -> ItemState:
    """Baseline alone is certain: it is final whoever said it; other assessments may have changed since."""
    country = _hosted_in(item, referral)
    labels = [label.label for label in item.labels if label.scheme in _ASSESSMENTS]
    classification = _BASELINE if labels[-1:] == [_BASELINE] else ""
    return ItemState(
        hosting_country=country,
        assigned_country=country,
        classification=classification,
        is_described=is_described(referral.source_url),
    )


def _hosted_in(item: ContentItem, referral: Referral) -> str:
    source = referral.source_url
    hosting = item.hosting or (source.hosting if source else None)
    if hosting is None or hosting.content_delivery_network is Ternary.YES:
        return ""
    return hosting.country
