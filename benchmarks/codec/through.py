"""Reports through an engine of ours, as the worker reads and writes them."""

from benchmarks.codec.alone import Door
from schemas.engines.choosing import engine_for
from schemas.records.report import ReportSubmitted


def through(name: str) -> tuple[Door, Door]:
    """How that engine reads and writes a report."""
    engine = engine_for(name)
    return lambda data: engine.read(ReportSubmitted, data, 0), lambda report: engine.write(report, b"", None)
