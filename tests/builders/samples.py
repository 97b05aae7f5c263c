"""What a block makes a counter of the live registry rise by, and nothing that other tests have counted."""

from collections.abc import Iterator
from contextlib import contextmanager

from tocsin.runtime.metrics import REGISTRY

Labels = tuple[tuple[str, str], ...]


@contextmanager
def risen(name: str) -> Iterator[dict[Labels, float]]:
    """Filled at the end of the block: by how much each series of this name rose, those alone that did."""
    before, found = _values(name), dict[Labels, float]()
    yield found
    found |= {at: value - before.get(at, 0) for at, value in _values(name).items() if value != before.get(at, 0)}


def _values(name: str) -> dict[Labels, float]:
    samples = (sample for family in REGISTRY.collect() for sample in family.samples)
    return {tuple(sorted(one.labels.items())): one.value for one in samples if one.name == name}
