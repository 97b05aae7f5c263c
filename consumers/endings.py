"""How the tries of one turn end, and what that means for the delivery: pure, so that every case can be listed."""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from consumers.settings import Limits
from consumers.sinks.port import Presence
from consumers.states import Event


class Result(StrEnum):
    """What became of one parcel at one sink, the gravest first."""

    PARK = "park"
    DOUBT = "doubt"
    ASK_LATER = "ask_later"
    """Whether it arrived can be asked, but not now."""
    RETRY = "retry"
    HELD = "held"
    """The sink was away: not tried, or tried in vain, and not counted as an attempt."""
    DELIVERED = "delivered"


class Ending(Struct, frozen=True, kw_only=True):
    """The result at one sink, with the code of its reason."""

    sink: str
    result: Result
    code: str = ""
    wait_seconds: float = 0.0
    """How long the sink asked to be left alone."""


class Verdict(Struct, frozen=True, kw_only=True):
    """What happens to the delivery; no event means that it stays as it is, and is asked about later."""

    event: Event | None
    code: str = ""
    counts: bool = True
    """Whether the turn counts as one of the bounded attempts."""
    wait_seconds: float = 0.0
    """At least so long until the next try."""


_EVENTS: dict[Result, Event | None] = {
    Result.PARK: Event.PARK,
    Result.DOUBT: Event.DOUBT,
    Result.ASK_LATER: None,
    Result.RETRY: Event.RETRY,
    Result.HELD: Event.RETRY,
    Result.DELIVERED: Event.CONFIRM,
}
_GRAVITY = list(Result)


def verdict(endings: Sequence[Ending], attempts: int, limits: Limits) -> Verdict:
    """The gravest ending decides; with none, every sink has it already."""
    if not endings:
        return Verdict(event=Event.CONFIRM)
    gravest = min(endings, key=lambda ending: _GRAVITY.index(ending.result))
    if gravest.result is Result.RETRY and attempts >= limits.max_attempts:
        return Verdict(event=Event.PARK, code="courier.exhausted")
    return Verdict(
        event=_EVENTS[gravest.result],
        code=gravest.code,
        counts=gravest.result is not Result.HELD,
        wait_seconds=max(ending.wait_seconds for ending in endings),
    )


def after_silence(presence: Presence, *, honours_key: bool) -> tuple[Result, str]:
    """A parcel was sent and the answer is missing: what the sink says decides, else its promise, else nobody knows."""
    if presence is Presence.PRESENT:
        return Result.DELIVERED, ""
    if presence is Presence.ABSENT or honours_key:
        return Result.RETRY, "courier.sent_again"
    return Result.DOUBT, "courier.uncertain"


def retry_delay_ms(attempts: int, limits: Limits, chance: float) -> int:
    """Doubling up to a bound, then half to the whole of that by chance, so that retries do not march in step."""
    exponent = min(max(attempts - 1, 0), 30)
    bounded_seconds = min(limits.first_retry_seconds * 2**exponent, limits.longest_retry_seconds)
    return int(bounded_seconds * 1000 * (0.5 + chance / 2))
