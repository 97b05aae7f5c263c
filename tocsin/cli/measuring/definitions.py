"""What each figure is, in words that are printed with it; a figure whose words change gets another name."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from tocsin.runtime.ledger.measures import Group, Times

VERSION: Final = "2026-11"
"""Figures are compared only with those of the same definitions."""
COUNT, SHARE, SCORE, SECONDS = "count", "share", "score", "seconds"
LAW: Final = "law_verified_share"

Found = tuple[float | None, int]
"""A figure, and how many reports, referrals or items it was taken from."""


class Measure(Struct, frozen=True, kw_only=True):
    """One figure of a group."""

    heading: str
    unit: str
    sentence: str
    of: Callable[[Group], Found]

    def reaches(self, value: float, target: float) -> bool:
        """Whether it is as good as the target: of times, less is better; of all else, more."""
        return value <= target if self.unit == SECONDS else value >= target


def _times(which: Callable[[Group], Times], part: str) -> Callable[[Group], Found]:
    return lambda group: (getattr(which(group), part), which(group).count)


def _share(part: str, whole: str) -> Callable[[Group], Found]:
    def found(group: Group) -> Found:
        among = getattr(group, whole)
        return (getattr(group, part) / among if among else None), among

    return found


def _count(name: str) -> Callable[[Group], Found]:
    return lambda group: (getattr(group, name), getattr(group, name))


def _delivered(group: Group) -> Times:
    return group.delivered


def _taken_up(group: Group) -> Times:
    return group.taken_up


def _decided(group: Group) -> Times:
    return group.decided


def _first_answer(group: Group) -> Times:
    return group.first_answer


def _escalated(group: Group) -> Times:
    return group.escalated


def _removed(group: Group) -> Times:
    return group.removed


MEASURES: Final[Mapping[str, Measure]] = {
    "reports": Measure(
        heading="reports",
        unit=COUNT,
        sentence="Live reports that the exchange first decided on in these months; a later revision is no new report.",
        of=_count("reports"),
    ),
    "referrals": Measure(
        heading="referrals",
        unit=COUNT,
        sentence="Members that were given one of these reports, each counted once a report; recalls are none.",
        of=_count("referrals"),
    ),
    "decided_median": Measure(
        heading="decided, median",
        unit=SECONDS,
        sentence="From submission until the first decision on a report that somebody was given: half took no longer.",
        of=_times(_decided, "median"),
    ),
    "decided_ninetieth": Measure(
        heading="decided, 90 %",
        unit=SECONDS,
        sentence="The same: nine of ten took no longer.",
        of=_times(_decided, "ninetieth"),
    ),
    "delivered_median": Measure(
        heading="delivered, median",
        unit=SECONDS,
        sentence="From submission until the member's system said that it had the referral: half took no longer.",
        of=_times(_delivered, "median"),
    ),
    "delivered_ninetieth": Measure(
        heading="delivered, 90 %",
        unit=SECONDS,
        sentence="The same: nine of ten took no longer.",
        of=_times(_delivered, "ninetieth"),
    ),
    "taken_up_median": Measure(
        heading="taken up, median",
        unit=SECONDS,
        sentence="From submission until the member said that somebody works on it: half of those took no longer.",
        of=_times(_taken_up, "median"),
    ),
    "taken_up_ninetieth": Measure(
        heading="taken up, 90 %",
        unit=SECONDS,
        sentence="The same: nine of ten took no longer.",
        of=_times(_taken_up, "ninetieth"),
    ),
    "answered_share": Measure(
        heading="answered",
        unit=SHARE,
        sentence="Of referrals, those that were taken up, refused, or had an outcome; delivery alone is no answer.",
        of=_share("answered", "referrals"),
    ),
    "answered_median": Measure(
        heading="answered, median",
        unit=SECONDS,
        sentence="From submission until the first such answer: half of those took no longer.",
        of=_times(_first_answer, "median"),
    ),
    "answered_ninetieth": Measure(
        heading="answered, 90 %",
        unit=SECONDS,
        sentence="The same: nine of ten took no longer.",
        of=_times(_first_answer, "ninetieth"),
    ),
    "escalated": Measure(
        heading="escalated",
        unit=COUNT,
        sentence="Referrals for which somebody was called, because nobody had taken them up in time.",
        of=lambda group: (group.escalated.count, group.escalated.count),
    ),
    "escalated_median": Measure(
        heading="escalated, median",
        unit=SECONDS,
        sentence="From submission until somebody was called first: half of those took no longer.",
        of=_times(_escalated, "median"),
    ),
    "complete_share": Measure(
        heading="complete",
        unit=SHARE,
        sentence="Of reports, those in which nothing that an officer needs was missing, by their latest revision.",
        of=_share("complete", "reports"),
    ),
    "completeness_average": Measure(
        heading="completeness",
        unit=SCORE,
        sentence="0 to 100: how much an officer would find, on average.",
        of=lambda group: (group.completeness, group.reports),
    ),
    "labelled_share": Measure(
        heading="labelled by a scheme",
        unit=SHARE,
        sentence="Of reports, those with at least one label of a published scheme.",
        of=_share("labelled", "reports"),
    ),
    "linked_share": Measure(
        heading="linked",
        unit=SHARE,
        sentence="Of reports, those that were found to share content, an account or an incident with another one.",
        of=_share("linked", "reports"),
    ),
    "links": Measure(
        heading="links found",
        unit=COUNT,
        sentence="Other reports that these were linked to when they were decided on; a pair may count in both.",
        of=lambda group: (group.links, group.linked),
    ),
    "items": Measure(
        heading="items found",
        unit=COUNT,
        sentence="Content items in these reports; one that two reports have counts in both.",
        of=_count("items"),
    ),
    "removed": Measure(
        heading="removed",
        unit=COUNT,
        sentence="Of items, how many a hotline said are removed or no longer available.",
        of=lambda group: (group.removed.count, group.removed.count),
    ),
    "removed_share": Measure(
        heading="items removed",
        unit=SHARE,
        sentence="Of items, those that a hotline said are removed or no longer available.",
        of=lambda group: (group.removed.count / group.items if group.items else None, group.items),
    ),
    "removed_median": Measure(
        heading="removed, median",
        unit=SECONDS,
        sentence="From the first decision on the report until a hotline said so: half of the removed took no longer.",
        of=_times(_removed, "median"),
    ),
    LAW: Measure(
        heading="law checked",
        unit=SHARE,
        sentence="Of the rows of the legal map that are in force as this is written, those that a lawyer has checked.",
        of=lambda _group: (None, 0),
    ),
}
"""`law_verified_share` is of the exchange and of no group: it stands with all reports alone."""
