"""The endpoint of the family of sinks counts what it did, so that a storm that nobody met is no storm."""

from contextlib import closing
from pathlib import Path

import pytest

from schemas.failures import Temporary
from tests.builders.sinks import a_parcel, an_https_sink, met, serving, told


def test_only_posts_that_were_answered_as_it_was_told_are_counted_by_their_status(tmp_path: Path) -> None:
    with serving(tmp_path / "kept") as address, closing(an_https_sink(address)) as sink:
        assert met(address) == {}
        told(address, status=429, times=2)
        for _ in range(2):
            with pytest.raises(Temporary):
                sink.send(a_parcel())
        sink.send(a_parcel())
        told(address, status=500, times=1)
        with pytest.raises(Temporary):
            sink.send(a_parcel("case-2"))
        assert met(address) == {429: 2, 500: 1}
