"""The last words of the demo: what happened, where the referrals lie, and what to try next."""

import os
import shlex
import sys
from collections.abc import Iterator

from tocsin.stack.demo.exchange import Exchange
from tocsin.stack.demo.running import Account
from tocsin.stack.settings_files import targets_of


def closing_words(exchange: Exchange, account: Account, whole_seconds: float) -> Iterator[str]:
    """For a person who has just watched it."""
    yield from numbers(account)
    yield (
        f"All of it took {whole_seconds:.0f} seconds on {os.cpu_count()} cores, "
        f"{whole_seconds - account.seconds:.0f} of them to start."
    )
    yield "The members are simulated and the reports synthetic. The referrals lie here:"
    for name, place in exchange.places().items():
        yield f"  {name}: {place}"
    yield "Try next:" if exchange.stays else "Everything is stopped; the data stay. Try next:"
    home = f" --home {shlex.quote(str(exchange.home))}"
    commands = ["ledger", "sent --as plat-a --state refused", "dlq list", "doctor"]
    for command in commands if exchange.stays else ["up", *commands, "down"]:
        yield f"  {sys.argv[0]} {command}{home}"
    if exchange.stays:
        yield f"A Prometheus finds what to scrape by file_sd_configs: {targets_of(exchange.home)}/*.json"
        yield "Everything stays up until you press Ctrl-C."


def numbers(account: Account) -> Iterator[str]:
    """What came in, what was made of it, and where every referral is."""
    told = account.summary
    yield (
        f"In {account.seconds:.0f} seconds {told.published} records were published and {told.triaged} triaged; "
        f"{told.refused} reports were refused, each with its reason."
    )
    yield (
        f"{told.referrals} referrals were made, {told.delivered} arrived, {told.taken_up} were taken up, "
        f"{account.bundled} wait for their recipient's daily bundle, {account.withdrawn} were taken back in time."
    )
    if told.parked or account.unexplained > 0:
        yield f"{told.parked} are parked and {account.unexplained} are on their way: tocsin ledger names them."
    if account.unexplained < 0:
        yield f"Of what arrived, at least {-account.unexplained} had been left waiting by an earlier run in this home."
    if told.urgent_p99_seconds is not None:
        yield f"Urgent reports had their first referral after {told.urgent_p99_seconds:.2f} seconds (99th percentile)."
