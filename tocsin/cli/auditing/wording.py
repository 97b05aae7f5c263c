"""What the log says, in sentences; pure."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from schemas.catalogue import message
from schemas.disclosure import Sensitivity, field_rules
from schemas.records.referral import Referral
from tocsin.runtime.audit.statements import Act, Decision, Disclosure, Reading, Refusal, Statement

_CLASSES: Final = {
    Sensitivity.CASE: "facts of the case",
    Sensitivity.RESTRICTED: "what leads to material or to an investigation",
    Sensitivity.PERSONAL: "personal parts",
    Sensitivity.FREE_TEXT: "words that a person wrote",
    Sensitivity.OPERATIONAL: "particulars of the exchange",
}
_DIGITS: Final = 12


def when(at_ms: int) -> str:
    """To the second, with its zone."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def sentence(statement: Statement) -> str:
    """Who received what under which rules, or who looked at what and why."""
    match statement:
        case Disclosure():
            return " ".join(_disclosure(statement))
        case Decision():
            again = f" by ruling {statement.ruling}" if statement.ruling else ""
            return (
                f"Report {statement.report}, revision {statement.revision}, was decided{again}: "
                f"{statement.outcome.replace('_', ' ')}, tier {statement.tier.lower()}. {message('tiers.advise')} "
                f"{_rules(statement.policy)}"
            )
        case Refusal():
            return f"A record of {statement.member} was refused: {message(statement.code)}"
        case Reading():
            return (
                f"{statement.person} looked at {statement.what} (tocsin {statement.command}). "
                f"Purpose: {statement.purpose}."
            )
        case Act():
            return f"{statement.person} {statement.what} (tocsin {statement.command}). Reason: {statement.reason}."


def _disclosure(told: Disclosure) -> Iterator[str]:
    marked = "" if told.mark == "LIVE" else f" ({told.mark.lower()})"
    if told.recall:
        yield f"{told.recipient} was told that report {told.report} is not for it any more{marked}."
    else:
        yield f"{told.recipient} was given report {told.report}, revision {told.revision}{marked}:"
        yield "; ".join(_fields(told.fields)) + "."
    if told.sealed_to:
        yield f"Personal parts for the key {', '.join(told.sealed_to)}."
    if told.withheld:
        yield f"Kept back by: {', '.join(told.withheld)}."
    yield _rules(told.policy)
    yield f"Referral {told.referral}, at {told.landed}, SHA-256 {told.sha256[:_DIGITS]}…"


def _fields(names: tuple[str, ...]) -> Iterator[str]:
    rules = field_rules(Referral)
    for kind, words in _CLASSES.items():
        found = [name for name in names if name in rules and rules[name].sensitivity is kind]
        if found:
            yield f"{words} ({', '.join(found)})"


def _rules(policy: str) -> str:
    return f"Rules: bundle {policy[:_DIGITS]}." if policy else "Rules: not recorded."
