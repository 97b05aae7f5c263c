"""Where a canary goes: to the one member that it names, whatever the evidence, and to nobody where it is no test."""

from datetime import date

from schemas.records.identifiers import MemberId
from schemas.records.report import ReportSubmitted
from schemas.records.triage import RouteRefusal
from schemas.records.values import Mark
from tocsin.policy.bundle import Bundle
from tocsin.policy.members import Member


def is_canary(report: ReportSubmitted, bundle: Bundle) -> bool:
    """Whether the policy says that its submitter publishes canaries; the broker proves who that is."""
    sender = bundle.members.get(report.submitter)
    return sender is not None and sender.canary


def perch(report: ReportSubmitted, bundle: Bundle, on: date) -> Member | RouteRefusal:
    """The member that its reference begins with, or why it is for nobody.

    An external id would be a selector: each canary would be a duplicate of the last one.
    """
    member = bundle.members.get(MemberId(report.submitter_reference.partition("/")[0]))
    if report.mark is not Mark.TEST:
        return RouteRefusal(rule="route.canary_is_no_test")
    if member is None or not member.receives:
        return RouteRefusal(rule="route.canary_names_nobody")
    if not member.takes_part(on):
        return RouteRefusal(member=member.id, country=member.country, rule="route.not_taking_part")
    return member
