"""The list of panels: what each shows, in which words, and the query behind it; promises first.

`deploy/grafana/` is written from it, and `tocsin ops` shows the same. A test holds each query against the
table of metrics, and another asks a real Prometheus that scrapes a real run.
"""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from tocsin.runtime.families import JOURNEY_SECONDS
from tocsin.stack.objectives import FILE, Objective, read


class Unit(StrEnum):
    """What a number is of, in Grafana's words."""

    COUNT = "short"
    PER_SECOND = "cps"
    SECONDS = "s"
    SHARE = "percentunit"
    BYTES = "bytes"


class Shape(StrEnum):
    """A number that is asked for now, or lines over time."""

    NUMBER = "number"
    LINES = "lines"


class Panel(Struct, frozen=True, kw_only=True):
    """One thing to look at; `{{label}}` of a legend stands for the value of that label."""

    title: str
    says: str
    """What it means, and what is good."""
    query: str
    unit: Unit = Unit.COUNT
    shape: Shape = Shape.LINES
    legend: str = ""
    line: float | None = None
    """Where a promise lies: above it, it is broken."""
    floor: float | None = None
    """The same for what has to be at least so much."""
    may_be_empty: bool = False
    """No data is good: nothing of that kind has happened."""


class Group(Struct, frozen=True, kw_only=True):
    """Panels that answer one question."""

    title: str
    asks: str
    panels: tuple[Panel, ...]


def _objectives() -> tuple[Objective, ...]:
    return read(FILE.read_bytes())


def _within(seconds: int) -> str:
    unit, length = next(((unit, length) for unit, length in _SPANS if seconds % length == 0), ("s", 1))
    return f"{seconds // length} {unit}"


_SPANS: Final = (("days", 86_400), ("h", 3_600), ("min", 60))


def _kept(one: Objective) -> Panel:
    metric, tier = f"tocsin_submission_to_{one.step}_seconds", f'tier="{one.tier}"'
    step = one.step.replace("_", " ")
    in_time = f'sum(increase({metric}_bucket{{{tier},le="{float(one.within_seconds)}"}}[$window]))'
    return Panel(
        title=f"{one.tier}: {step} in time",
        says=f"Share that was {step} within {_within(one.within_seconds)}; promised are {100 * one.share:.0f} %.",
        query=f"{in_time} / sum(increase({metric}_count{{{tier}}}[$window]))",
        unit=Unit.SHARE,
        shape=Shape.NUMBER,
        floor=one.share,
        may_be_empty=True,
    )


def _took(step: str, share: float) -> Panel:
    metric, name = f"tocsin_submission_to_{step}_seconds", step.replace("_", " ")
    urgent = next(one.within_seconds for one in _objectives() if (one.step, one.tier) == (step, "URGENT"))
    return Panel(
        title=f"From submission to {name}",
        says=f"{100 * share:.0f} % took no longer, by tier; edges at {JOURNEY_SECONDS[0]} s and above. "
        f"The line is what is promised of URGENT: {_within(urgent)}.",
        query=f"histogram_quantile({share}, sum by (tier, le) (rate({metric}_bucket[5m])))",
        unit=Unit.SECONDS,
        legend="{{tier}}",
        line=float(urgent),
        may_be_empty=True,
    )


_AGE_OF: Final = "time() - min by ({label}) ({metric} > 0)"

GROUPS: Final[tuple[Group, ...]] = (
    Group(
        title="Promises",
        asks="Is what we promised true?",
        panels=(
            *map(_kept, _objectives()),
            Panel(
                title="Urgent without a recipient",
                says="Urgent reports at which nobody looks; anything above 0 is an emergency.",
                query='max(tocsin_queue_entries{alert="urgent_without_recipient"})',
                shape=Shape.NUMBER,
                line=0,
            ),
            Panel(
                title="Late recalls",
                says="Members that were told to give a report up and have not said that they know.",
                query="max(tocsin_recalls_late)",
                shape=Shape.NUMBER,
                line=0,
            ),
        ),
    ),
    Group(
        title="Flow",
        asks="Where do records stop?",
        panels=(
            Panel(
                title="Records by stage",
                says="Records that left each stage; a stage that falls behind the one before it is where they stop.",
                query="sum by (stage) (rate(tocsin_records_total[1m]))",
                unit=Unit.PER_SECOND,
                legend="{{stage}}",
            ),
            Panel(
                title="What triage decided",
                says="By outcome: routed, waiting for a person, refused, and the rest.",
                query='sum by (outcome) (rate(tocsin_records_total{stage="triage"}[1m]))',
                unit=Unit.PER_SECOND,
                legend="{{outcome}}",
            ),
            Panel(
                title="Behind the newest record",
                says="Time since the newest record that each stage settled; it rises where nothing comes in, too.",
                query=_AGE_OF.format(label="stage", metric="tocsin_watermark_timestamp_seconds"),
                unit=Unit.SECONDS,
                legend="{{stage}}",
            ),
        ),
    ),
    Group(
        title="How long it takes",
        asks="How soon do reports reach those who can act?",
        panels=(
            _took("delivered", 0.99),
            _took("taken_up", 0.9),
            Panel(
                title="A slice of each stage",
                says="99 % of slices or deliveries took no longer.",
                query="histogram_quantile(0.99, sum by (stage, le) (rate(tocsin_stage_duration_seconds_bucket[5m])))",
                unit=Unit.SECONDS,
                legend="{{stage}}",
                may_be_empty=True,
            ),
        ),
    ),
    Group(
        title="What waits",
        asks="Who has not got what is theirs?",
        panels=(
            Panel(
                title="Oldest undelivered, by member",
                says="How long the oldest referral has waited for the sinks of its member; none where nothing waits.",
                query=_AGE_OF.format(label="member", metric="tocsin_oldest_undelivered_timestamp_seconds"),
                unit=Unit.SECONDS,
                legend="{{member}}",
                line=3600,
                may_be_empty=True,
            ),
            Panel(
                title="Behind, by group and partition",
                says="How old the first record is that a consumer group has not taken yet; kafka_exporter's names.",
                query="max by (consumergroup, topic, partition) (kafka_consumergroup_lag_seconds) > 0",
                unit=Unit.SECONDS,
                legend="{{consumergroup}} {{topic}} {{partition}}",
                may_be_empty=True,
            ),
            Panel(
                title="Records behind, by group",
                says="Records that a consumer group has not taken yet.",
                query="sum by (consumergroup) (kafka_consumergroup_lag)",
                legend="{{consumergroup}}",
                may_be_empty=True,
            ),
            Panel(
                title="Waits for a person",
                says="Entries of the queue, by how soon their deadline is.",
                query="max by (alert) (tocsin_queue_entries)",
                legend="{{alert}}",
            ),
            Panel(
                title="Oldest entry of the queue",
                says="How long the oldest one has waited; none where the queue is empty.",
                query="time() - max(tocsin_queue_oldest_timestamp_seconds > 0)",
                unit=Unit.SECONDS,
                shape=Shape.NUMBER,
                may_be_empty=True,
            ),
        ),
    ),
    Group(
        title="Errors",
        asks="What goes wrong?",
        panels=(
            Panel(
                title="Failures by kind",
                says="Refused is the record's fault, temporary passes, broken and unexpected end a process.",
                query="sum by (failure) (rate(tocsin_errors_total[5m]))",
                unit=Unit.PER_SECOND,
                legend="{{failure}}",
                may_be_empty=True,
            ),
            Panel(
                title="Dead letters by member",
                says="Records of a member that could not go on, in the last hour.",
                query="sum by (member) (increase(tocsin_dead_letters_total[1h]))",
                legend="{{member}}",
                may_be_empty=True,
            ),
            Panel(
                title="Members that are paused",
                says="Members whose topic is left alone, because too many of its records cannot be read.",
                query="sum(max by (member) (tocsin_member_paused))",
                shape=Shape.NUMBER,
                line=0,
            ),
        ),
    ),
    Group(
        title="Groups",
        asks="Do the workers agree who reads what?",
        panels=(
            Panel(
                title="Dealt out anew",
                says="Times that a consumer group was dealt out anew in the last hour; a few after a start are normal.",
                query="sum by (group) (increase(tocsin_rebalances_total[1h]))",
                legend="{{group}}",
                may_be_empty=True,
            ),
            Panel(
                title="Processes",
                says="Processes that answer, by what they are and which version runs.",
                query="count by (process, version) (tocsin_build_info)",
                legend="{{process}} {{version}}",
            ),
        ),
    ),
    Group(
        title="Trust",
        asks="Can it be believed?",
        panels=(
            Panel(
                title="Signatures that were not accepted",
                says="In the last hour, by stage.",
                query="sum by (stage) (increase(tocsin_signature_failures_total[1h]))",
                legend="{{stage}}",
                may_be_empty=True,
            ),
            Panel(
                title="Kept back by policy",
                says="Members from whom a rule or the submitter kept a report; look at a jump after a promotion.",
                query="sum(rate(tocsin_policy_denials_total[5m]))",
                unit=Unit.PER_SECOND,
            ),
            Panel(
                title="Until a certificate ends",
                says="Of the process whose certificate ends first.",
                query="min(tocsin_certificate_expiry_timestamp_seconds > 0) - time()",
                unit=Unit.SECONDS,
                shape=Shape.NUMBER,
            ),
        ),
    ),
    Group(
        title="Saturation",
        asks="What is nearly full?",
        panels=(
            Panel(
                title="Held by producers",
                says="Records that a process has handed to its producer and the broker has not confirmed.",
                query="sum by (instance) (tocsin_client_queue_records)",
                legend="{{instance}}",
            ),
            Panel(
                title="Memory",
                says="Of each process; a line that only rises is a leak.",
                query="tocsin_process_resident_memory_bytes",
                unit=Unit.BYTES,
                legend="{{instance}}",
            ),
            Panel(
                title="Processor time",
                says="Of each process; 1 is a whole core.",
                query="rate(tocsin_process_cpu_seconds_total[1m])",
                legend="{{instance}}",
            ),
        ),
    ),
)
"""In the order of what matters at a glance."""
