"""The page of one day: how long each part took, what had the CPU, how to repeat it; from the figures alone (pure)."""

from collections.abc import Iterator
from typing import Final

from benchmarks.day.results import DAY_REPORTS, Day

_DAY_SECONDS: Final = 86_400
_MOST_BUSY: Final = 0.85
"""Above this share of the cores nothing but more cores would make it faster."""
_HEAD: Final = """# A day of reports at once

*Made by `make bench-day`; do not edit. The figures are in [day.json](day.json).*

60,000 signed reports, taken here as the size of a day at CyberTipline, are published as fast as the broker takes them,
for Germany, France and the Netherlands, two recipients each. One worker for each lane, one for what comes back, one
delivery process for each of the six recipients with a folder as sink; broker, PostgreSQL and they share one machine.
"""
_TAIL: Final = """
The seconds are counted from the first report that was sent; parts overlap. A referral counts as delivered when its
member's own store says so. To repeat it: `make bench-day` (`REPORTS=60000`).
"""


def page(day: Day) -> str:
    """Markdown."""
    return "\n".join((_HEAD, *_times(day), "", *_costs(day), "", _target(day), "", _bound(day), "", _said(day), _TAIL))


def _times(day: Day) -> Iterator[str]:
    yield "| until | seconds | a second |"
    yield "|---|---|---|"
    for what, seconds, count in (
        ("the broker had every report", day.publish_seconds, day.reports),
        ("every report was decided and settled", day.triage_seconds, day.reports),
        ("every sink had its copies", day.delivery_seconds, day.referrals),
        ("every receipt was settled", day.return_seconds, day.referrals),
    ):
        yield f"| {what} | {seconds:.0f} | {count / seconds:.0f} |"


def _costs(day: Day) -> Iterator[str]:
    yield "| processes | CPU-seconds | CPU-ms a report |"
    yield "|---|---|---|"
    for name, seconds in sorted(day.cpu_seconds.items(), key=lambda item: -item[1]):
        yield f"| {name} | {seconds:.0f} | {1000 * seconds / day.reports:.2f} |"


def _bound(day: Day) -> str:
    share = f"They had {100 * day.busy:.0f} % of {day.cores} cores"
    if day.busy >= _MOST_BUSY:
        return f"**What bounds it: the cores.** {share}; {day.longest} had most of it."
    return f"**What bounds it is not the cores.** {share}; {day.longest} had most of it, and the rest was waiting."


def _target(day: Day) -> str:
    flow = DAY_REPORTS / _DAY_SECONDS
    return (
        f"Target: the time until every sink has its copies, and what bounds it; no limit is set for it. Found: "
        f"{day.delivery_seconds:.0f} seconds, {day.reports / day.delivery_seconds / flow:.0f} times as fast as "
        f"{DAY_REPORTS:,} would come in evenly over a day. One run."
    )


def _said(day: Day) -> str:
    return f"{day.said}, {day.reports:,} reports, {day.referrals:,} referrals."
