"""One trace from producer to sink, where it is switched on: with OpenTelemetry's SDK and its exporter in memory."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id
from sqlalchemy import create_engine

from consumers import upkeep
from consumers.agreement import Agreement, Treatment
from consumers.sinks.database import DatabaseSink
from consumers.sinks.directory import DirectorySink
from consumers.sinks.https import Endpoint, HttpsSink
from consumers.sinks.port import Sink
from consumers.store.tables import TRACES
from processors.index.memory import MemoryIndex
from processors.referring import Desk
from processors.triage import Tools, TriageStages
from schemas.failures import Temporary
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from schemas.topics import submitted_topic
from tests.builders.deliveries import CODEC, Counter, counters
from tests.builders.identity import KEYS, VEIL
from tests.builders.referrals import a_referral
from tests.builders.reports import a_report
from tests.builders.sinks import SECRET
from tests.unit.runtime.transport.test_runner import Recording, Sending
from tocsin.policy.bundle import SAMPLE, load
from tocsin.runtime.database import Database
from tocsin.runtime.envelope import Envelope, Wrapped
from tocsin.runtime.producer import OutputProducer
from tocsin.runtime.tracing.context import HEADER, context_in
from tocsin.runtime.tracing.spans import UNTRACED, Spans
from tocsin.runtime.tracing.telemetry import Telemetry
from tocsin.runtime.transport.runner import SliceRunner
from tocsin.runtime.transport.slices import OutRecord, RawRecord, Slice

MEMBER = MemberId("plat-a")
NOW_MS = 1_795_000_000_000
A_CONTEXT = f"00-{'1' * 32}-{'2' * 16}-01"
NO_DATABASE = cast(Database, None)
"""Settling is not what these tests are about."""


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Iterator[Telemetry]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield Telemetry(provider.get_tracer("test"))
    provider.shutdown()


def published(spans: Spans, reference: str = "a") -> Wrapped:
    envelope = Envelope(member=MEMBER, codec=CODEC, spans=spans)
    return envelope.wrap(a_report(submitter_reference=reference), reference, NOW_MS)


def a_piece(*wrapped: Wrapped) -> Slice:
    records = (
        RawRecord(offset=n, timestamp_ms=NOW_MS, key=b"k", value=one.value, headers=tuple(one.headers))
        for n, one in enumerate(wrapped)
    )
    return Slice(topic_id="id", topic=submitted_topic(MEMBER), partition=0, records=tuple(records))


def triaged(piece: Slice, *, carries: bool) -> tuple[OutRecord, ...]:
    desk = Desk(bundle=load(SAMPLE), keys=KEYS, personal_schema_id=8)
    tools = Tools(desk=desk, veil=VEIL, codec=CODEC, carries=carries)
    stages = TriageStages(tools, MemoryIndex(), NO_DATABASE, {})
    return stages.finish(stages.claim(stages.decide(piece))).records


def trace_of(span: ReadableSpan) -> str:
    return format_trace_id(span.context.trace_id) if span.context else ""


def names(exporter: InMemorySpanExporter) -> list[str]:
    return [span.name for span in exporter.get_finished_spans()]


def test_one_trace_leads_from_the_producer_over_triage_to_the_https_sink(
    spans: Telemetry, exporter: InMemorySpanExporter, open_counter: Callable[..., Counter]
) -> None:
    outputs = triaged(a_piece(published(spans)), carries=True)
    referrals = [one for one in outputs if one.topic == "referrals.nl.nl-hotline.v1"]
    (context,) = {context_in(record.headers) for record in outputs}
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204, content=iter([b""]))

    endpoint = Endpoint(url="https://hooks.example.test/referrals", secret=SECRET)
    client = httpx.Client(transport=httpx.MockTransport(answer))
    with closing(HttpsSink(endpoint, client, lambda: datetime.now(UTC), lambda _: ("93.184.216.34",))) as sink:
        counter = open_counter(sinks={"https": sink}, spans=spans)
        counter.source.contexts[0] = context_in(referrals[0].headers)
        counter.arrive(CODEC.loads(referrals[0].value, Referral))
        counter.courier.turn()
    assert names(exporter) == ["publish", "deliver"]
    publish, deliver = exporter.get_finished_spans()
    assert context.startswith(f"00-{trace_of(publish)}-{format_span_id(publish.context.span_id)}-")
    assert trace_of(deliver) == trace_of(publish)
    assert deliver.parent is not None
    assert deliver.parent.span_id == publish.context.span_id
    assert seen[0].headers[HEADER].startswith(f"00-{trace_of(deliver)}-{format_span_id(deliver.context.span_id)}-")


def a_directory(folder: Path) -> Sink:
    return DirectorySink(folder / "sink")


def a_database(folder: Path) -> Sink:
    return DatabaseSink(create_engine(f"sqlite:///{folder}/sink.db"), "referrals")


@pytest.mark.parametrize("opened", [a_directory, a_database])
def test_one_trace_leads_to_a_directory_and_to_a_database_as_a_span_and_is_not_written_there(
    opened: Callable[[Path], Sink],
    tmp_path: Path,
    spans: Telemetry,
    exporter: InMemorySpanExporter,
    open_counter: Callable[..., Counter],
) -> None:
    outputs = triaged(a_piece(published(spans)), carries=True)
    (referral,) = [one for one in outputs if one.topic == "referrals.nl.nl-hotline.v1"]
    counter = open_counter(sinks={"sink": opened(tmp_path)}, spans=spans)
    counter.source.contexts[0] = context_in(referral.headers)
    counter.arrive(CODEC.loads(referral.value, Referral))
    counter.courier.turn()
    publish, deliver = exporter.get_finished_spans()
    assert (deliver.name, trace_of(deliver)) == ("deliver", trace_of(publish))
    assert deliver.status.status_code is not StatusCode.ERROR
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("sink*/**/*") if file.is_file())
    kept += b"".join(file.read_bytes() for file in tmp_path.glob("sink.db*"))
    assert kept
    assert trace_of(deliver).encode() not in kept


def test_a_slice_is_one_span_with_a_link_to_each_record_that_carries_a_trace(
    spans: Telemetry, exporter: InMemorySpanExporter
) -> None:
    piece = a_piece(published(spans, "a"), published(spans, "b"), published(UNTRACED, "c"))
    run(piece, spans)
    *publications, one = exporter.get_finished_spans()
    assert names(exporter) == ["publish", "publish", "recording"]
    assert [format_trace_id(link.context.trace_id) for link in one.links] == [trace_of(each) for each in publications]
    assert one.attributes is not None
    assert one.attributes["messaging.batch.message_count"] == 3


def test_no_attribute_of_a_span_tells_of_a_report(spans: Telemetry, exporter: InMemorySpanExporter) -> None:
    piece = a_piece(published(spans))
    run(piece, spans)
    found = {name for span in exporter.get_finished_spans() for name in span.attributes or ()}
    assert found == {
        "messaging.system",
        "messaging.destination.name",
        "messaging.destination.partition.id",
        "messaging.batch.message_count",
    }


def test_what_fails_is_marked_by_its_kind_and_never_by_its_words(
    spans: Telemetry, exporter: InMemorySpanExporter
) -> None:
    with pytest.raises(Temporary), spans.delivering([A_CONTEXT]):
        raise Temporary("secret words", code="sink.away")
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes == {"error.type": "Temporary"}
    assert "secret" not in span.to_json()


def test_a_bundle_is_sent_in_a_trace_of_its_own_that_is_linked_to_its_members(
    spans: Telemetry, exporter: InMemorySpanExporter, open_counter: Callable[..., Counter]
) -> None:
    bundling = Agreement(known_content=Treatment.BUNDLE, bundle_period_seconds=60)
    counter = open_counter(agreement=bundling, spans=spans)
    for offset, name in enumerate("abc"):
        counter.source.contexts[offset] = f"00-{name * 32}-{name * 16}-01"
    for turn in ("a", "bc"):
        counter.arrive(*(a_referral(name, content_keys=("url:c",)) for name in turn))
        counter.courier.turn()
    counter.clock.now_ms += 120_000
    counter.courier.turn()
    bundle = exporter.get_finished_spans()[-1]
    assert bundle.parent is None
    assert {format_trace_id(link.context.trace_id) for link in bundle.links} == {"b" * 32, "c" * 32}


def test_a_trace_is_kept_until_its_referral_is_delivered(open_counter: Callable[..., Counter]) -> None:
    counter = open_counter()
    counter.source.contexts[0] = A_CONTEXT
    counter.arrive(a_referral())
    upkeep.erase(counter.store, counter.desk)
    assert kept(counter) == 1
    counter.courier.turn()
    upkeep.erase(counter.store, counter.desk)
    assert kept(counter) == 0


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        A_CONTEXT.encode()[:-1],
        A_CONTEXT.encode() + b"-and-more",
        A_CONTEXT.upper().replace("1", "A").encode(),
        f"00-{'0' * 32}-{'2' * 16}-01".encode(),
        f"ff-{'1' * 32}-{'2' * 16}-01".encode(),
        b"someone@example.test",
        b"\xff\xfe",
    ],
)
def test_what_has_not_the_standards_form_is_not_passed_on(value: bytes | None) -> None:
    assert context_in([(HEADER, value)]) == ""
    assert context_in(None) == ""


def test_a_record_with_a_bad_context_is_triaged_as_one_without(spans: Telemetry) -> None:
    wrapped = published(UNTRACED)
    hostile = Wrapped(value=wrapped.value, headers=[*wrapped.headers, (HEADER, b"someone@example.test")])
    outputs = triaged(a_piece(hostile), carries=True)
    assert outputs
    assert not [one for one in outputs if HEADER in dict(one.headers)]


def test_switched_off_nothing_is_read_sent_or_imported() -> None:
    wrapped = published(UNTRACED)
    assert HEADER not in dict(wrapped.headers)
    carried = Wrapped(value=wrapped.value, headers=[*wrapped.headers, (HEADER, A_CONTEXT.encode())])
    assert not [one for one in triaged(a_piece(carried), carries=False) if HEADER in dict(one.headers)]
    code = "import sys, processors.app, consumers.service, producers.service; print('opentelemetry' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 -- ours
    assert done.stdout == "False\n"


def run(piece: Slice, spans: Spans) -> None:
    async def once() -> None:
        journal: list[str] = []
        runner = SliceRunner(Recording(journal), cast(OutputProducer, Sending(journal)), spans=spans)
        await runner.take(piece, lambda: None, _raised)
        await runner.drain()
        runner.close()

    asyncio.run(once())


def _raised(failure: BaseException) -> None:
    raise failure


def kept(counter: Counter) -> int:
    with counter.store.begin() as connection:
        return len(connection.execute(TRACES.select()).all())


@pytest.fixture
def open_counter(tmp_path: Path) -> Iterator[Callable[..., Counter]]:
    yield from counters(tmp_path)
