"""What this process has counted of a stage so far."""

from tocsin.runtime.metrics import REGISTRY


def timed(stage: str) -> float:
    """How many slices, batches, pages, files or deliveries of it were timed."""
    return REGISTRY.get_sample_value("tocsin_stage_duration_seconds_count", {"stage": stage}) or 0


def left(stage: str, outcome: str) -> float:
    """How many records left it so."""
    return REGISTRY.get_sample_value("tocsin_records_total", {"stage": stage, "outcome": outcome}) or 0


def failed(stage: str, failure: str) -> float:
    """How often a failure of that kind met it."""
    return REGISTRY.get_sample_value("tocsin_errors_total", {"stage": stage, "failure": failure}) or 0
