"""The list of panels: what each shows, in which words, and the query behind it; promises first.

`deploy/grafana/` is written from it, and `tocsin ops` shows the same. A test holds each query against the
table of metrics, and another asks a real Prometheus that scrapes a real run.
"""

from typing import Final

from tocsin.runtime.families import JOURNEY_SECONDS
from tocsin.stack.objectives import FILE, Objective, read, whole
from tocsin.stack.watching.panel import Group, Panel, Shape, Unit
from tocsin.stack.watching.process_panels import GROUPS as OF_PROCESSES


def _objectives() -> tuple[Objective, ...]:
    return read(FILE.read_bytes())


def _within(seconds: int) -> str:
    if seconds == _DAY_SECONDS:
        return "1 day"
    unit, length = next(((unit, length) for unit, length in _SPANS if seconds % length == 0), ("s", 1))
    return f"{seconds // length} {unit}"


_DAY_SECONDS: Final = 86_400
_SPANS: Final = (("days", _DAY_SECONDS), ("h", 3_600), ("min", 60))


def _in_time(one: Objective) -> str:
    metric, tier = f"tocsin_submission_to_{one.step}_seconds", f'tier="{one.tier}"'
    in_time = f'sum(increase({metric}_bucket{{{tier},le="{float(one.within_seconds)}"}}[$window]))'
    return f"{in_time} / sum(increase({metric}_count{{{tier}}}[$window]))"


def _kept(one: Objective) -> Panel:
    step = one.step.replace("_", " ")
    return Panel(
        title=f"{one.tier}: {step} in time",
        says=f"Share that was {step} within {_within(one.within_seconds)}; promised are {100 * one.share:.0f} %.",
        query=_in_time(one),
        unit=Unit.SHARE,
        shape=Shape.NUMBER,
        floor=one.share,
        may_be_empty=True,
    )


def _budget(one: Objective) -> str:
    left = f"1 - (1 - {_in_time(one)}) / {1 - one.share:.4g}"
    return f'label_replace(label_replace({left}, "tier", "{one.tier}", "", ""), "step", "{one.step}", "", "")'


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


_OPEN_SINCE: Final = "max(tocsin_recalls_oldest_timestamp_seconds)"
_AGE_OF: Final = "time() - min by ({label}) ({metric} > 0)"

GROUPS: Final[tuple[Group, ...]] = (
    Group(
        title="Promises",
        asks="Is what we promised true?",
        panels=(
            *map(_kept, _objectives()),
            Panel(
                title="Error budget left",
                says="Of each objective, 100 % where nothing was late; below 0 more was late than its promise allows.",
                query=" or ".join(map(_budget, _objectives())),
                unit=Unit.SHARE,
                legend="{{tier}}: {{step}}",
                floor=0,
                may_be_empty=True,
            ),
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
            Panel(
                title="Unknown to the ledger",
                says="Records that were passed over and of which the ledger knows nothing: one is too many.",
                query="max(tocsin_ledger_missing_records)",
                shape=Shape.NUMBER,
                line=0,
            ),
            Panel(
                title="Ledger searched",
                says="Time since the ledger was last searched for them.",
                query="time() - max(tocsin_ledger_read_timestamp_seconds > 0)",
                unit=Unit.SECONDS,
                shape=Shape.NUMBER,
                line=1800,
            ),
            Panel(
                title="Oldest canary",
                says="Of the newest canary of each member and lane that came all the way, the oldest.",
                query="time() - min(max by (member, lane) (tocsin_canary_sent_timestamp_seconds))",
                unit=Unit.SECONDS,
                shape=Shape.NUMBER,
                line=float(whole(FILE.read_bytes()).canary.late_seconds),
                may_be_empty=True,
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
            Panel(
                title="Written to topics",
                says="Records that the broker took in the last five minutes.",
                query="sum by (topic) (delta(kafka_topic_partition_current_offset[5m])) > 0",
                legend="{{topic}}",
                may_be_empty=True,
            ),
            Panel(
                title="Links found",
                says="Reports that triage found to be of the same content, or nearly.",
                query="sum by (kind) (rate(tocsin_links_total[5m]))",
                unit=Unit.PER_SECOND,
                legend="{{kind}}",
                may_be_empty=True,
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
                says="99 % of its slices, batches, pages, files or deliveries took no longer.",
                query="histogram_quantile(0.99, sum by (stage, le) (rate(tocsin_stage_duration_seconds_bucket[5m])))",
                unit=Unit.SECONDS,
                legend="{{stage}}",
                may_be_empty=True,
            ),
            Panel(
                title="A step of triage",
                says="99 % of slices took no longer in this step; where one rises, look at what it asks.",
                query="histogram_quantile(0.99, sum by (step, le) (rate(tocsin_step_duration_seconds_bucket[5m])))",
                unit=Unit.SECONDS,
                legend="{{step}}",
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
            Panel(
                title="Open recalls",
                says="Members that were told to give a report up and have not answered yet; an hour is theirs.",
                query="max(tocsin_recalls_open)",
                shape=Shape.NUMBER,
            ),
            Panel(
                title="Oldest open recall",
                says="How long the oldest one has waited; 0 where none is open.",
                query=f"(time() - {_OPEN_SINCE}) * ({_OPEN_SINCE} > bool 0)",
                unit=Unit.SECONDS,
                shape=Shape.NUMBER,
            ),
            Panel(
                title="Broker last asked",
                says="Time since the broker said how far its groups are: what is behind is no newer than that.",
                query="time() - max(tocsin_lag_read_timestamp_seconds > 0)",
                unit=Unit.SECONDS,
                shape=Shape.NUMBER,
                line=300,
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
                title="Requests that failed on their way",
                says="Of each client, in the last hour; a few while a broker starts again are normal.",
                query="sum by (client) (increase(tocsin_client_errors_total[1h]))",
                legend="{{client}}",
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
    *OF_PROCESSES,
)
"""In the order of what matters at a glance."""
