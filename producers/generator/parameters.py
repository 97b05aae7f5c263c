"""What the synthetic world is like: assumed shares of 2026-11, to be replaced by measured ones when there are any."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct


class Parameters(Struct, frozen=True, kw_only=True):
    """Shares between 0 and 1; each is of all reports unless it says otherwise."""

    known: float = 0.35
    """Show content that was reported before: lists of known content make most hits."""
    urgent: float = 0.002
    """Of the cases: a child is in danger now."""
    escalation_missed: float = 0.1
    """Of the urgent: the submitter did not notice."""
    over_escalated: float = 0.0
    """Of what is not urgent: the submitter escalates all the same; none by default, some in the evaluation."""
    urgent_shown: float = 0.9
    """Of the urgent: the circumstances that are reported show it, whether or not somebody escalates."""
    without_url: float = 0.15
    """Grooming, sextortion and live streams that have no address."""
    thin: float = 0.1
    """Hardly more than an address."""
    burst: float = 0.05
    """Of new content: lies on one host and is reported in a row."""
    misjudged: float = 0.08
    """Of the labelled: the label is one step off."""
    without_hash: float = 0.3
    """Of the content: nobody computed a digest."""
    url_variant: float = 0.25
    """Of known content: the same address, written differently."""
    resent: float = 0.02
    """The same report of the same submitter again."""
    bad: float = 0.0
    """Broken in one of the ways of BREAKAGES; none by default."""
    live: bool = False
    """Mark them as live; only for a stack of one's own."""


HOSTING: Final[Mapping[str, int]] = {"NL": 40, "US": 22, "DE": 12, "FR": 9, "GB": 7, "NO": 6, "BR": 4}
"""Hosting countries with weights: Norway and Brazil have no hotline among the simulated members."""
