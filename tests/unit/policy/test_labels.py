"""The mapping tables: each code of each list that we keep has a row, and each row says where it comes from."""

import pytest

from schemas.vocabularies import vocabulary, vocabulary_names
from tests.builders.policy import TODAY, the_sample

ROWS = the_sample().labels.mapping
OWN = ("annotation", "incident_type")
LISTS = [*OWN, *(name.removeprefix("labels_") for name in vocabulary_names() if name.startswith("labels_"))]


@pytest.mark.parametrize("scheme", LISTS)
def test_every_label_of_a_scheme_has_a_row_and_no_row_is_of_another(scheme: str) -> None:
    codes = set(vocabulary(scheme if scheme in OWN else f"labels_{scheme}").codes)
    rows = {row.label for row in ROWS if row.scheme == scheme}
    assert codes == rows


def test_every_row_says_where_it_comes_from_when_that_was_looked_at_and_what_is_lost() -> None:
    for row in ROWS:
        assert row.source.startswith("domain facts ")
        assert row.as_of >= TODAY
        assert row.neutral or row.lossy, row.label


def test_the_neutral_vocabulary_and_the_tables_have_versions() -> None:
    assert vocabulary("neutral_label").version
    assert the_sample().policy_version().parts["labels"] == the_sample().labels.version
