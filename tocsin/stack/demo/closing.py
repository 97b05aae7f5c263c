"""The last words of the demo: what happened, where the referrals lie, and what to try next."""

import sys
from collections.abc import Iterator

from tocsin.stack.demo.exchange import Exchange
from tocsin.stack.demo.running import Summary


def closing_words(exchange: Exchange, summary: Summary, *, stays: bool) -> Iterator[str]:
    """For a person who has just watched it."""
    urgent = summary.urgent_p99_seconds
    yield (
        f"In {summary.seconds:.0f} seconds {summary.published} records were published and {summary.triaged} triaged; "
        f"{summary.refused} reports were refused, each with its reason."
    )
    yield (
        f"{summary.referrals} referrals were made, {summary.delivered} arrived, {summary.taken_up} were taken up, "
        f"{summary.bundled} wait for their recipient's daily bundle, {summary.withdrawn} were taken back in time."
    )
    if urgent is not None:
        yield f"Urgent reports had their first referral after {urgent:.2f} seconds (99th percentile)."
    yield "The members are simulated and the reports synthetic. The referrals lie here:"
    for name, place in exchange.places().items():
        yield f"  {name}: {place}"
    yield "Try next:" if stays else "Everything is stopped; the data stay. Try next:"
    home = f" --home {exchange.home}"
    commands = ["ledger", "sent --as plat-a --state refused", "dlq list", "doctor"]
    for command in commands if stays else ["up", *commands, "down"]:
        yield f"  {sys.argv[0]} {command}{home}"
