"""Writes docs/reference/metrics.md from the table of metrics: name, type, labels and meaning of each."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from tocsin.runtime.families import FAMILIES, LABELS, LAGS, Family, Kind

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
_SUFFIXES: Final = {Kind.COUNTER: "_total", Kind.INFO: "_info"}
_SHAPES: Final = {Kind.HISTOGRAM: "histogram (`_bucket`, `_sum`, `_count`)", Kind.INFO: "gauge, always 1"}
_HEAD: Final = """# Metrics

Made by `python -m tocsin.stack.metrics_reference` from the code: do not edit it. A process serves those of which it has
something to say. No label names a report, a digest of content, an address or a person; each has the values of the last
table, and each metric has a limit of series in one process.
"""
_LABELS_HEAD: Final = """
## Labels
Each value matches its regular expression as a whole; ¦ stands for a vertical bar.

| label | values |
|---|---|
"""
_RECEIVER_HEAD: Final = """
## `/metrics` of `tocsin receiver`
It is no process of the exchange. Of the first table it serves these series and those of `tocsin_process_*`; gauges
without labels are 0 there. A Prometheus beside it finds it by `--metrics-targets FOLDER` (`file_sd_configs`, ADR 25).

| name | labels |
|---|---|
"""
RECEIVER: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "tocsin_records_total": {"stage": ("receiver",), "outcome": ("kept", "known", "refused", "paced")},
    "tocsin_stage_duration_seconds": {"stage": ("receiver",)},
    "tocsin_build_info": {"process": ("receiver",)},
}
"""What is served by name, label and values; a test asks a real receiver."""
_TABLES: Final = (
    ("`/metrics` of every process", FAMILIES),
    ("`/metrics` of `tocsin lag --serve`, beside those", LAGS),
)


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(_table(title, families) for title, families in _TABLES) + _receiver() + _labels()


def exposed(family: Family) -> str:
    """The name that a query uses."""
    return family.name + _SUFFIXES.get(family.kind, "")


def _table(title: str, families: Iterable[Family]) -> str:
    rows = "".join(
        f"| `{exposed(family)}` | {_SHAPES.get(family.kind, family.kind.value)} "
        f"| {_code(family.labels)} | {family.most_series} | {family.help} |\n"
        for family in families
    )
    return f"\n## {title}\n\n| name | type | labels | at most series | meaning |\n|---|---|---|---|---|\n{rows}"


def _receiver() -> str:
    rows = "".join(f"| `{name}` | {_series(labels)} |\n" for name, labels in RECEIVER.items())
    return _RECEIVER_HEAD + rows


def _series(labels: Mapping[str, tuple[str, ...]]) -> str:
    return ", ".join(f'`{label}="{"¦".join(values)}"`' for label, values in labels.items())


def _labels() -> str:
    rows = "".join(f"| `{label}` | `{pattern.replace('|', '¦')}` |\n" for label, pattern in LABELS.items())
    return _LABELS_HEAD + rows


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
