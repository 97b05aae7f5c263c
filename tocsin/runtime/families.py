"""The table of metrics: what each is called, what it counts, and which values each of its labels may take.

No label names a report, a digest, an address or a person. A test holds what real processes serve against this table.
"""

from enum import StrEnum
from typing import Final

from msgspec import Struct


class Kind(StrEnum):
    """What Prometheus may do with it."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


class Family(Struct, frozen=True, kw_only=True):
    """One metric; a unit, where it has one, ends its name."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, in its unit."""
    most_series: int = 2_000
    """In one process: 300 members, or 60 jurisdictions with four tiers and their buckets, stay below it."""


_WORK_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_STEP_SECONDS: Final = (0.0001, 0.00025, 0.0005, 0.001, *_WORK_SECONDS[:9])
"""A slice may be one report, and a step of it a twentieth of a millisecond."""
JOURNEY_SECONDS: Final = (5, 30, 60, 300, 900, 3_600, 14_400, 86_400, 259_200, 604_800)
"""An objective should be one of these: a ratio of what was in time is exact only on an edge."""

_MEMBER: Final = "[a-z0-9-]{1,40}"
"""Members are public bodies of the policy, not persons; their number is bounded by it."""
_VERSION: Final = r"[0-9A-Za-z.+-]{1,40}|unknown"
POLICY_PARTS: Final = ("labels", "routing", "sharing", "priority", "identity", "bases", "retention")
"""What a policy bundle is made of, each with a version of its own."""
LABELS: Final = {
    "stage": "triage|returns|courier|inbox|receiver|origin|answers|returns_sent|subscribe|statuses|broker|replies"
    "|progress|recover|expiry|escalation|erasure|lag|canary|canaries|endpoint|retention|holds|journal|clock",
    "outcome": "routed|counted_only|waiting_person|no_recipient|refused|stale|withdrawn|dropped|skipped|applied|lost"
    "|received|sending|delivered|taken_up|expired|parked|uncertain|counted|bundled|escalated|erased"
    "|canary|unreadable|notice|notice_void|replayed|kept|known|confirmed"
    "|verified|altered|revoked|unknown_key|wrong|unsigned|hidden|recall|sealed|question|outcome|hold|release_hold"
    "|paced|let_go|held|hold_ended|done|sinks_cannot|erasure|passed_by",
    "failure": "unreadable|refused|temporary|broken|unexpected",
    "alert": "urgent_without_recipient|overdue|soon|none",
    "member": _MEMBER,
    "jurisdiction": "[A-Za-z]{2,12}(-[A-Za-z0-9]{1,12}){0,2}",
    "tier": "UNKNOWN|URGENT|HIGH|NORMAL|LOW",
    "kind": "same|near",
    "use": "sign|seal",
    "process": r"deliver|canary|receiver|lag|triage\.(escalated|normal)|returns\.all",
    "lane": "escalated|normal",
    "group": r"[a-z0-9-]{1,40}\.[a-z]{1,20}",
    "consumergroup": r"triage\.(escalated|normal)|returns\.all|[a-z0-9-]{1,40}\.inbox",
    "topic": r"(dlq\.)?(reports|returns|referrals|status|rulings|triaged)(\.[A-Za-z0-9-]{1,40}){0,3}\.v[0-9]",
    "partition": "[0-9]{1,4}",
    "codec": "compiled|fastavro",
    "version": _VERSION,
    "step": "classify|completeness|deduplicate|prioritise|route",
    "client": "outputs|inbox|post",
    "digest": "[0-9a-f]{12}",
    **dict.fromkeys(POLICY_PARTS, _VERSION),
}
"""A regular expression of the whole value, for each label there is."""

_COUNTED: Final = (
    Family(
        name="tocsin_records",
        kind=Kind.COUNTER,
        help="Records that left a stage, by how they left it.",
        labels=("stage", "outcome"),
    ),
    Family(
        name="tocsin_errors",
        kind=Kind.COUNTER,
        help="Failures that a stage met, by kind of failure.",
        labels=("stage", "failure"),
    ),
    Family(
        name="tocsin_dead_letters",
        kind=Kind.COUNTER,
        help="Dead letters that a stage wrote, by the member whose record it was.",
        labels=("stage", "member"),
    ),
    Family(
        name="tocsin_links",
        kind=Kind.COUNTER,
        help="Links between reports that triage found.",
        labels=("kind",),
    ),
    Family(
        name="tocsin_policy_denials",
        kind=Kind.COUNTER,
        help="Members that a rule of the policy or a choice of the submitter kept a report from.",
    ),
    Family(
        name="tocsin_signature_failures",
        kind=Kind.COUNTER,
        help="Records whose signature a stage did not accept.",
        labels=("stage",),
    ),
    Family(
        name="tocsin_rebalances",
        kind=Kind.COUNTER,
        help="Times that this worker's consumer group was dealt out anew.",
        labels=("group",),
    ),
    Family(
        name="tocsin_client_errors",
        kind=Kind.COUNTER,
        help="Requests to brokers that failed on their way, as a client of this process counts them.",
        labels=("client",),
    ),
    Family(
        name="tocsin_client_sent_bytes",
        kind=Kind.COUNTER,
        help="What a client of this process has sent to brokers.",
        labels=("client",),
    ),
)

_TIMED: Final = (
    Family(
        name="tocsin_stage_duration_seconds",
        kind=Kind.HISTOGRAM,
        help="Time a stage spent on one slice, batch or page of records, one file of answers, or one delivery.",
        labels=("stage",),
        buckets=_WORK_SECONDS,
    ),
    Family(
        name="tocsin_step_duration_seconds",
        kind=Kind.HISTOGRAM,
        help="Time that a step of triage spent on one slice, observed once the slice is settled.",
        labels=("step",),
        buckets=_STEP_SECONDS,
    ),
    Family(
        name="tocsin_rebalance_duration_seconds",
        kind=Kind.HISTOGRAM,
        help="Time from the loss of partitions until the new ones were read.",
        labels=("group",),
        buckets=_WORK_SECONDS,
    ),
    Family(
        name="tocsin_submission_to_delivered_seconds",
        kind=Kind.HISTOGRAM,
        help="From submission until a recipient's systems had it; live reports only.",
        labels=("jurisdiction", "tier"),
        buckets=JOURNEY_SECONDS,
    ),
    Family(
        name="tocsin_submission_to_taken_up_seconds",
        kind=Kind.HISTOGRAM,
        help="From submission until a person took it up; live reports only.",
        labels=("jurisdiction", "tier"),
        buckets=JOURNEY_SECONDS,
    ),
)

_SHOWN: Final = (
    Family(
        name="tocsin_oldest_undelivered_timestamp_seconds",
        kind=Kind.GAUGE,
        help="Unix time of the oldest referral not yet delivered; 0 where none waits.",
        labels=("member",),
    ),
    Family(
        name="tocsin_canary_sent_timestamp_seconds",
        kind=Kind.GAUGE,
        help="Unix time at which the newest canary was sent that came to a member's courier; not set before the first.",
        labels=("member", "lane"),
    ),
    Family(
        name="tocsin_canary_round_timestamp_seconds",
        kind=Kind.GAUGE,
        help="Unix time at which a canary was last sent to a member by a lane.",
        labels=("member", "lane"),
    ),
    Family(
        name="tocsin_watermark_timestamp_seconds",
        kind=Kind.GAUGE,
        help="Unix time of the newest record that a stage has settled.",
        labels=("stage",),
    ),
    Family(
        name="tocsin_source_newest_timestamp_seconds",
        kind=Kind.GAUGE,
        help="Unix time of the newest record that a member sent to this stage.",
        labels=("stage", "member"),
    ),
    Family(
        name="tocsin_member_paused",
        kind=Kind.GAUGE,
        help="1 while a member's own topic is paused.",
        labels=("member",),
    ),
    Family(
        name="tocsin_queue_entries",
        kind=Kind.GAUGE,
        help="What waits for a person, by the alert under which it stands.",
        labels=("alert",),
    ),
    Family(
        name="tocsin_queue_oldest_timestamp_seconds",
        kind=Kind.GAUGE,
        help="Unix time since when the oldest entry of the queue waits; 0 where none does.",
    ),
    Family(
        name="tocsin_recalls_open",
        kind=Kind.GAUGE,
        help="Recalls that their member has not acknowledged.",
    ),
    Family(
        name="tocsin_recalls_late",
        kind=Kind.GAUGE,
        help="Of the open recalls, those that should have been acknowledged by now.",
    ),
    Family(
        name="tocsin_recalls_oldest_timestamp_seconds",
        kind=Kind.GAUGE,
        help="Unix time since when the oldest open recall waits; 0 where none does.",
    ),
    Family(
        name="tocsin_audit_checkpoint_timestamp_seconds",
        kind=Kind.GAUGE,
        help="Unix time of the newest signed checkpoint of the audit log; 0 where this process does not look.",
    ),
    Family(
        name="tocsin_audit_signed_timestamp_seconds",
        kind=Kind.GAUGE,
        help="Unix time up to which all of the audit log is signed; 0 where this process does not look.",
    ),
    Family(
        name="tocsin_ledger_missing_records",
        kind=Kind.GAUGE,
        help="Records between settled ones of which the ledger knows nothing; 0 where this process does not look.",
    ),
    Family(
        name="tocsin_ledger_read_timestamp_seconds",
        kind=Kind.GAUGE,
        help="Unix time at which the ledger was last searched for them; 0 where this process does not look.",
    ),
    Family(
        name="tocsin_state_available_bytes",
        kind=Kind.GAUGE,
        help="Room that is left on the disk of this process's own files.",
    ),
    Family(
        name="tocsin_state_size_bytes",
        kind=Kind.GAUGE,
        help="Size of the disk of this process's own files.",
    ),
    Family(
        name="tocsin_certificate_expiry_timestamp_seconds",
        kind=Kind.GAUGE,
        help="Unix time at which the certificate that this process shows the broker ends; 0 where it shows none.",
    ),
    Family(
        name="tocsin_key_expiry_timestamp_seconds",
        kind=Kind.GAUGE,
        help="Unix time at which the last key of a member or process for one use ends, or did; told by the returns "
        "worker alone.",
        labels=("use", "member"),
    ),
    Family(
        name="tocsin_client_queue_records",
        kind=Kind.GAUGE,
        help="Records that a producer of this process holds and the broker has not confirmed.",
        labels=("client",),
    ),
    Family(
        name="tocsin_client_unsent_requests",
        kind=Kind.GAUGE,
        help="Requests that a client of this process holds for brokers and has not sent.",
        labels=("client",),
    ),
    Family(
        name="tocsin_client_round_trip_seconds",
        kind=Kind.GAUGE,
        help="Within this time the slowest broker gave 99 of 100 answers of the last ten seconds; "
        "a client that reads has waited in it for records.",
        labels=("client",),
    ),
    Family(
        name="tocsin_policy_in_force_timestamp_seconds",
        kind=Kind.GAUGE,
        help="Unix time at which this process began to use the policy that it uses now.",
    ),
    Family(
        name="tocsin_lag_read_timestamp_seconds",
        kind=Kind.GAUGE,
        help="Unix time at which the broker last said how far its groups are; 0 in a process that does not ask.",
    ),
    Family(
        name="tocsin_build",
        kind=Kind.INFO,
        help="The version that runs, and what it reads and writes records with.",
        labels=("version", "process", "codec"),
    ),
    Family(
        name="tocsin_policy",
        kind=Kind.INFO,
        help="The policy that this process uses: how its digest begins, and the version of each part.",
        labels=("digest", *POLICY_PARTS),
    ),
)

MADE: Final = (*_COUNTED, *_TIMED, *_SHOWN)
OF_PROCESS: Final = (
    Family(name="tocsin_process_cpu_seconds", kind=Kind.COUNTER, help="Processor time, user and system."),
    Family(name="tocsin_process_resident_memory_bytes", kind=Kind.GAUGE, help="Memory that is in use."),
    Family(name="tocsin_process_virtual_memory_bytes", kind=Kind.GAUGE, help="Memory that is addressed."),
    Family(name="tocsin_process_start_time_seconds", kind=Kind.GAUGE, help="Unix time at which it began."),
    Family(name="tocsin_process_open_fds", kind=Kind.GAUGE, help="Files and connections that are open."),
    Family(name="tocsin_process_max_fds", kind=Kind.GAUGE, help="How many there may be."),
)
"""What the library's own collector says of a process, under our name."""
FAMILIES: Final = (*MADE, *OF_PROCESS)

_PLACE: Final = ("topic", "partition")
_MOST_LAGS: Final = 20_000
"""300 members with two partitions a topic have 4,200 that some group reads."""

LAGS: Final = (
    Family(
        name="kafka_topic_partition_oldest_offset",
        kind=Kind.GAUGE,
        help="Offset of the first record that a partition still has.",
        labels=_PLACE,
        most_series=_MOST_LAGS,
    ),
    Family(
        name="kafka_topic_partition_current_offset",
        kind=Kind.GAUGE,
        help="Offset that the next record of a partition will have.",
        labels=_PLACE,
        most_series=_MOST_LAGS,
    ),
    Family(
        name="kafka_consumergroup_members",
        kind=Kind.GAUGE,
        help="Members that a consumer group has at the moment.",
        labels=("consumergroup",),
    ),
    Family(
        name="kafka_consumergroup_current_offset",
        kind=Kind.GAUGE,
        help="Offset from which a group would go on; absent where it has committed none.",
        labels=("consumergroup", *_PLACE),
        most_series=_MOST_LAGS,
    ),
    Family(
        name="kafka_consumergroup_lag",
        kind=Kind.GAUGE,
        help="Records of a partition that a group has not finished.",
        labels=("consumergroup", *_PLACE),
        most_series=_MOST_LAGS,
    ),
    Family(
        name="kafka_consumergroup_lag_seconds",
        kind=Kind.GAUGE,
        help="For how long the first record of a partition that a group has not finished has waited.",
        labels=("consumergroup", *_PLACE),
        most_series=_MOST_LAGS,
    ),
)
"""Under the names that kafka_exporter made usual; `tocsin lag --serve` alone has them."""
