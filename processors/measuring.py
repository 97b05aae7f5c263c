"""Under which published labels a report is counted, also once it is erased: codes of known schemes alone."""

from typing import Final

from schemas.records.report import Label, ReportSubmitted
from schemas.vocabularies import vocabulary, vocabulary_names

OTHER: Final = "other"
"""For a label that its scheme does not publish: what a submitter wrote freely is not kept in statistics."""
_LISTS: Final = "labels_"
_PUBLISHED: Final = {
    name.removeprefix(_LISTS): frozenset(vocabulary(name).codes)
    for name in vocabulary_names()
    if name.startswith(_LISTS)
}


def labels_of(report: ReportSubmitted) -> tuple[str, ...]:
    """As `scheme:code`, each once and in order; a scheme that nobody knows is `other`."""
    return tuple(sorted({_counted(label) for item in report.items for label in item.labels}))


def _counted(label: Label) -> str:
    published = _PUBLISHED.get(label.scheme)
    if published is None:
        return OTHER
    return f"{label.scheme}:{label.label if label.label in published else OTHER}"
