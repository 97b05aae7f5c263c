"""How the processes themselves are: who reads what, whether it can be believed, what is nearly full."""

from typing import Final

from tocsin.stack.watching.panel import Group, Panel, Shape, Unit

GROUPS: Final[tuple[Group, ...]] = (
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
                title="Time to deal out anew",
                says="From the loss of partitions until the new ones were read, on average since each worker began.",
                query="sum by (group) (tocsin_rebalance_duration_seconds_sum) "
                "/ sum by (group) (tocsin_rebalance_duration_seconds_count)",
                unit=Unit.SECONDS,
                legend="{{group}}",
                may_be_empty=True,
            ),
            Panel(
                title="Workers of each group",
                says="Consumers that the broker counts in a group; 0 is nobody who reads.",
                query="sum by (consumergroup) (kafka_consumergroup_members)",
                legend="{{consumergroup}}",
                may_be_empty=True,
            ),
            Panel(
                title="Processes",
                says="Processes that answer, by what they are and which version runs.",
                query="count by (process, version) (tocsin_build_info)",
                legend="{{process}} {{version}}",
            ),
            Panel(
                title="Running for",
                says="Time since each process began; what falls to 0 was started again.",
                query="time() - tocsin_process_start_time_seconds",
                unit=Unit.SECONDS,
                legend="{{instance}}",
            ),
            Panel(
                title="Policy in use",
                says="Processes by how the digest of their policy begins; two are normal only while one is promoted.",
                query='count by (digest) (tocsin_policy_info{digest!=""})',
                legend="{{digest}}",
            ),
            Panel(
                title="Policy since",
                says="Time since a process last began to use the policy that it uses now.",
                query="time() - max(tocsin_policy_in_force_timestamp_seconds > 0)",
                unit=Unit.SECONDS,
                shape=Shape.NUMBER,
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
                title="Audit log unsigned",
                says="For how long the audit log has not been signed up to its end.",
                query="time() - max(tocsin_audit_signed_timestamp_seconds > 0)",
                unit=Unit.SECONDS,
                shape=Shape.NUMBER,
                line=300,
            ),
            Panel(
                title="Until a certificate ends",
                says="Of the process whose certificate ends first.",
                query="min(tocsin_certificate_expiry_timestamp_seconds > 0) - time()",
                unit=Unit.SECONDS,
                shape=Shape.NUMBER,
            ),
            Panel(
                title="Until a key ends",
                says="Of the member or process whose last key to sign, or to be sealed to, ends first.",
                query="min(tocsin_key_expiry_timestamp_seconds) - time()",
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
                title="Requests that wait",
                says="Requests that a client holds for brokers and has not sent.",
                query="sum by (client) (tocsin_client_unsent_requests)",
                legend="{{client}}",
            ),
            Panel(
                title="Answers of brokers",
                says="99 of 100 answers of the slowest broker took no longer; who reads waits in it for records.",
                query="max by (client) (tocsin_client_round_trip_seconds)",
                unit=Unit.SECONDS,
                legend="{{client}}",
            ),
            Panel(
                title="Sent to brokers",
                says="Of each client, in the last minute.",
                query="sum by (client) (increase(tocsin_client_sent_bytes_total[1m]))",
                unit=Unit.BYTES,
                legend="{{client}}",
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
            Panel(
                title="Open files",
                says="Share of the files and connections that each process may have.",
                query="tocsin_process_open_fds / tocsin_process_max_fds",
                unit=Unit.SHARE,
                legend="{{instance}}",
                line=0.9,
            ),
            Panel(
                title="Room on disk",
                says="Share that is left where each process keeps its own files.",
                query="min by (instance) (tocsin_state_available_bytes / tocsin_state_size_bytes)",
                unit=Unit.SHARE,
                legend="{{instance}}",
                floor=0.1,
            ),
        ),
    ),
)
