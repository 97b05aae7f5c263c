"""The same promises for one member: its way, its deliveries, its records; for the page of a member."""

import re
from typing import Final

from msgspec.structs import replace

from tocsin.stack.objectives import FILE, whole
from tocsin.stack.watching.panel import Group, Panel, Shape, Unit

MEMBERS: Final = Panel(
    title="Members",
    says="Every member of which a process tells.",
    query="group by (member) (tocsin_canary_round_timestamp_seconds or tocsin_source_newest_timestamp_seconds "
    "or tocsin_oldest_undelivered_timestamp_seconds)",
    shape=Shape.NUMBER,
    legend="{{member}}",
)
"""Whose pages there are."""
_NAME: Final = re.compile(r"[a-z0-9-]{1,40}")
_PROMISED: Final = whole(FILE.read_bytes())


def is_name(text: str) -> bool:
    """Whether a member can be called so: anything else would be a part of a query."""
    return _NAME.fullmatch(text) is not None


def of_member(name: str) -> tuple[Group, ...]:
    """The groups of one member's page; raises ValueError for what is no name."""
    if not is_name(name):
        raise ValueError("expected a member's id")
    return tuple(
        replace(group, panels=tuple(replace(one, query=one.query.replace("$member", name)) for one in group.panels))
        for group in GROUPS
    )


_ITS_PROCESS: Final = 'and on (instance) tocsin_oldest_undelivered_timestamp_seconds{member="$member"}'
"""Of the process alone that delivers to this member: it is the one that tells how long this member has waited."""


GROUPS: Final[tuple[Group, ...]] = (
    Group(
        title="Promises",
        asks="Is what we promised true for this member?",
        panels=(
            Panel(
                title="Newest canary, by lane",
                says="How long ago the newest test was sent that came all the way; three rounds are too long.",
                query='time() - max by (lane) (tocsin_canary_sent_timestamp_seconds{member="$member"})',
                unit=Unit.SECONDS,
                legend="{{lane}}",
                line=float(_PROMISED.canary.late_seconds),
                may_be_empty=True,
            ),
            Panel(
                title="Oldest undelivered",
                says="How long the oldest referral has waited for its sinks; none where nothing waits.",
                query='time() - min(tocsin_oldest_undelivered_timestamp_seconds{member="$member"} > 0)',
                unit=Unit.SECONDS,
                shape=Shape.NUMBER,
                line=3600,
                may_be_empty=True,
            ),
            Panel(
                title="Paused",
                says="1 while a topic of this member is left alone, because too many of its records cannot be read.",
                query='max(tocsin_member_paused{member="$member"})',
                shape=Shape.NUMBER,
                line=0,
                may_be_empty=True,
            ),
        ),
    ),
    Group(
        title="Flow",
        asks="Does it send, and is that read?",
        panels=(
            Panel(
                title="Newest record, by stage",
                says="Time since the newest record of this member that each stage settled; quiet is not broken.",
                query='time() - max by (stage) (tocsin_source_newest_timestamp_seconds{member="$member"})',
                unit=Unit.SECONDS,
                legend="{{stage}}",
                may_be_empty=True,
            ),
        ),
    ),
    Group(
        title="How long it takes",
        asks="Does its process keep up?",
        panels=(
            Panel(
                title="A piece of work of each stage",
                says="99 % of the batches of its inbox, and of the deliveries to its sinks, took no longer.",
                query="histogram_quantile(0.99, sum by (stage, le) "
                f"(rate(tocsin_stage_duration_seconds_bucket[5m]) {_ITS_PROCESS}))",
                unit=Unit.SECONDS,
                legend="{{stage}}",
                may_be_empty=True,
            ),
        ),
    ),
    Group(
        title="What waits",
        asks="Has it got what is its own?",
        panels=(
            Panel(
                title="Behind, by topic and partition",
                says="How old the first record is that its inbox has not taken yet.",
                query='max by (topic, partition) (kafka_consumergroup_lag_seconds{consumergroup="$member.inbox"})',
                unit=Unit.SECONDS,
                legend="{{topic}} {{partition}}",
                may_be_empty=True,
            ),
            Panel(
                title="Records behind",
                says="Records that its inbox has not taken yet.",
                query='sum(kafka_consumergroup_lag{consumergroup="$member.inbox"})',
                may_be_empty=True,
            ),
        ),
    ),
    Group(
        title="Errors",
        asks="What goes wrong?",
        panels=(
            Panel(
                title="Dead letters, by stage",
                says="Its records that could not go on, in the last hour.",
                query='sum by (stage) (increase(tocsin_dead_letters_total{member="$member"}[1h]))',
                legend="{{stage}}",
                may_be_empty=True,
            ),
        ),
    ),
    Group(
        title="Groups",
        asks="Does somebody read what is its own?",
        panels=(
            Panel(
                title="Readers of its groups",
                says="Consumers that the broker counts; 0 of its inbox is nobody who takes delivery.",
                query='sum by (consumergroup) (kafka_consumergroup_members{consumergroup=~"$member[.].*"})',
                legend="{{consumergroup}}",
                may_be_empty=True,
            ),
            Panel(
                title="Version of its process",
                says="Of the process that delivers to it; two while it is upgraded.",
                query=f"count by (version) (tocsin_build_info {_ITS_PROCESS})",
                legend="{{version}}",
                may_be_empty=True,
            ),
        ),
    ),
    Group(
        title="Trust",
        asks="Will it be believed tomorrow?",
        panels=(
            Panel(
                title="Until its certificate ends",
                says="Of the process that delivers to it; without one it can neither read nor answer.",
                query=f"min((tocsin_certificate_expiry_timestamp_seconds > 0) {_ITS_PROCESS}) - time()",
                unit=Unit.SECONDS,
                shape=Shape.NUMBER,
                may_be_empty=True,
            ),
        ),
    ),
    Group(
        title="Saturation",
        asks="Is its process nearly full?",
        panels=(
            Panel(
                title="Memory",
                says="Of the process that delivers to it; a line that only rises is a leak.",
                query=f"sum by (instance) (tocsin_process_resident_memory_bytes {_ITS_PROCESS})",
                unit=Unit.BYTES,
                legend="{{instance}}",
                may_be_empty=True,
            ),
            Panel(
                title="Processor time",
                says="Of the process that delivers to it; 1 is a whole core.",
                query=f"sum by (instance) (rate(tocsin_process_cpu_seconds_total[1m]) {_ITS_PROCESS})",
                legend="{{instance}}",
                may_be_empty=True,
            ),
            Panel(
                title="Room on disk",
                says="Share that is left where its inbox is kept.",
                query=f"min by (instance) (tocsin_state_available_bytes / tocsin_state_size_bytes {_ITS_PROCESS})",
                unit=Unit.SHARE,
                legend="{{instance}}",
                floor=0.1,
                may_be_empty=True,
            ),
        ),
    ),
)
""""$member" stands for its id."""
