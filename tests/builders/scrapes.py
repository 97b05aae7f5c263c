"""What a scrape of a process breaks of the table of metrics."""

import re
from collections import Counter
from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tocsin.runtime.families import FAMILIES, LABELS, LAGS

OURS = {family.name: family for family in (*FAMILIES, *LAGS)}
TELLING = re.compile(r"[0-9a-fA-F]{16,}|[0-9a-f]{8}-[0-9a-f]{4}|://|@|^\d+\.\d+\.\d+\.\d+$")
"""Identifiers, digests, addresses and mail boxes look so."""


def faults_in(scraped: str) -> list[str]:
    """Every metric, label and value that the table does not know, and every family with too many series."""
    return list(faults_of(text_string_to_metric_families(scraped)))


def faults_of(families: Iterable[Metric]) -> Iterable[str]:
    for found in families:
        name = found.name.removesuffix("_info")
        if name not in OURS:
            yield f"{found.name} is in no table"
            continue
        allowed = set(OURS[name].labels) | {"le"}
        series: Counter[str] = Counter(sample.name for sample in found.samples)
        if found.samples and max(series.values()) > OURS[name].most_series:
            yield f"{found.name} has {max(series.values())} series"
        for sample in found.samples:
            for label, value in sample.labels.items():
                if label not in allowed:
                    yield f"{found.name} may have no label {label}"
                elif label != "le" and not re.fullmatch(LABELS[label], value):
                    yield f"{found.name}: {label} may not be {value}"
                elif TELLING.search(value):
                    yield f"{found.name}: {label} tells too much: {value}"
