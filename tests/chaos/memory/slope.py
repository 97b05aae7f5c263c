"""How a process's memory follows the reports that it has seen: a line through what was sampled, and its slope."""

from collections.abc import Sequence

from msgspec import Struct

WARM_UP_SHARE = 1 / 3
"""Caches, pools and pages fill at first; what counts is what comes after."""
FEWEST_SAMPLES = 20
"""Of fewer no line is drawn: nothing is called flat then."""
BYTES_PER_RECORD = 20
"""Less than the smallest object that anybody could keep of a record."""
NOISE_BYTES = 12 * 1024 * 1024
"""What an allocator's resident size moves by, whatever the number of reports."""


class Sample(Struct, frozen=True):
    """One look at a process: how many records it had handled by then, and how large it was."""

    records: int
    rss_bytes: int


class Growth(Struct, frozen=True, kw_only=True):
    """One process over the whole run."""

    first_bytes: int
    """After the warm-up."""
    last_bytes: int
    most_bytes: int
    records: int
    """Handled in all: reports that were triaged, referrals that were delivered, reports that were published."""
    slope_bytes_per_1000_records: float
    """Of the line through everything after the warm-up."""
    risen_bytes: int
    """What that line rises by, from the warm-up to the end."""
    flat: bool


def growth(samples: Sequence[Sample]) -> Growth:
    """Of one process, from its samples in their order; raises ValueError where there is none."""
    records = samples[-1].records if samples else 0
    counted = [sample for sample in samples if sample.records >= WARM_UP_SHARE * records]
    if not counted:
        raise ValueError("A process that was never looked at has no slope.")
    slope, handled = _slope(counted), records - counted[0].records
    risen = round(slope * handled)
    return Growth(
        first_bytes=counted[0].rss_bytes,
        last_bytes=counted[-1].rss_bytes,
        most_bytes=max(sample.rss_bytes for sample in counted),
        records=records,
        slope_bytes_per_1000_records=round(1000 * slope, 1),
        risen_bytes=risen,
        flat=len(counted) >= FEWEST_SAMPLES and risen <= max(NOISE_BYTES, BYTES_PER_RECORD * handled),
    )


def _slope(samples: Sequence[Sample]) -> float:
    """Least squares: bytes a record."""
    middle = sum(sample.records for sample in samples) / len(samples)
    mean = sum(sample.rss_bytes for sample in samples) / len(samples)
    spread = sum((sample.records - middle) ** 2 for sample in samples)
    rise = sum((sample.records - middle) * (sample.rss_bytes - mean) for sample in samples)
    return rise / spread if spread else 0.0
