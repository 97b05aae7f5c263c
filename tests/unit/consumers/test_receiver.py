"""The reference receiver says of itself what every process says: that it lives, whether it could work, what it did."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from consumers.sinks.port import Sink
from schemas.failures import Failure
from tests.builders.sinks import ANOTHER_SECRET, a_parcel, an_https_sink, serving


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path / "kept") as found:
        yield found


def get(address: str, path: str) -> tuple[int, str]:
    answer = httpx.get(address + path, trust_env=False)
    return answer.status_code, answer.text


def counted(address: str, outcome: str) -> float:
    start = f'tocsin_records_total{{outcome="{outcome}",stage="receiver"}} '
    lines = get(address, "/metrics")[1].splitlines()
    return sum(float(line.removeprefix(start)) for line in lines if line.startswith(start))


def sent(sink: Sink) -> None:
    sink.send(a_parcel())


def test_a_receiver_whose_folder_is_gone_lives_and_is_not_ready(address: str, tmp_path: Path) -> None:
    assert get(address, "/live") == (200, "live\n")
    assert get(address, "/ready") == (200, "ready\n")
    shutil.rmtree(tmp_path / "kept")
    while (said := get(address, "/ready")) == (200, "ready\n"):
        """The last proof holds for a second."""
    assert said == (503, "stale: folder\n")
    assert get(address, "/live") == (200, "live\n")


def test_a_receiver_counts_what_it_kept_what_it_knew_and_what_it_refused(address: str) -> None:
    before = {outcome: counted(address, outcome) for outcome in ("kept", "known", "refused")}
    with closing(an_https_sink(address)) as sink, closing(an_https_sink(address, secret=ANOTHER_SECRET)) as stranger:
        sent(sink)
        sent(sink)
        with pytest.raises(Failure):
            sent(stranger)
    assert {outcome: counted(address, outcome) - before[outcome] for outcome in before} == dict.fromkeys(before, 1)
