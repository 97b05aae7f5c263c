"""Spans by OpenTelemetry's API; without an SDK, which is the operator's to bring, it records nothing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from schemas.catalogue import message
from schemas.failures import Broken
from tocsin.runtime.tracing.context import HEADER, context_in
from tocsin.runtime.transport.slices import Slice

try:
    from opentelemetry import trace
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ModuleNotFoundError as error:
    raise Broken(message("traces.not_installed"), code="traces.not_installed") from error

_FORM: Final = TraceContextTextMapPropagator()


class Telemetry:
    """A tracer in the port's words."""

    carries = True

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    @classmethod
    def of_process(cls) -> "Telemetry":
        """With whatever SDK this process was started under."""
        return cls(trace.get_tracer("tocsin"))

    @contextmanager
    def producing(self) -> Iterator[str]:
        """The root of a trace: whoever publishes is in no other."""
        span = self._tracer.start_span("publish", context=Context(), kind=trace.SpanKind.PRODUCER)
        with _ended(span):
            yield _written(span)

    @contextmanager
    def slice(self, stage: str, piece: Slice) -> Iterator[str]:
        """One span with links, however many records there are."""
        found = (context_in(record.headers) for record in piece.records)
        span = self._tracer.start_span(
            stage,
            context=Context(),
            kind=trace.SpanKind.CONSUMER,
            links=[trace.Link(_read(context).get_span_context()) for context in found if context],
            attributes={
                "messaging.system": "kafka",
                "messaging.destination.name": piece.topic,
                "messaging.destination.partition.id": str(piece.partition),
                "messaging.batch.message_count": len(piece.records),
            },
        )
        with _ended(span):
            yield _written(span)

    @contextmanager
    def delivering(self, contexts: Sequence[str]) -> Iterator[str]:
        """A child of one, a root with links to several."""
        spans = [_read(context) for context in contexts]
        span = self._tracer.start_span(
            "deliver",
            context=trace.set_span_in_context(spans[0], Context()) if len(spans) == 1 else Context(),
            kind=trace.SpanKind.CLIENT,
            links=[trace.Link(one.get_span_context()) for one in spans] if len(spans) > 1 else None,
        )
        with _ended(span):
            yield _written(span)


@contextmanager
def _ended(span: trace.Span) -> Iterator[None]:
    """Says that it failed, and by which kind of failure; never with its words."""
    try:
        yield
    except BaseException as failure:
        span.set_status(trace.StatusCode.ERROR)
        span.set_attribute("error.type", type(failure).__name__)
        raise
    finally:
        span.end()


def _read(context: str) -> trace.Span:
    return trace.get_current_span(_FORM.extract({HEADER: context}, Context()))


def _written(span: trace.Span) -> str:
    carrier: dict[str, str] = {}
    _FORM.inject(carrier, trace.set_span_in_context(span, Context()))
    return carrier.get(HEADER, "")
