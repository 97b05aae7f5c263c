"""A Prometheus beside the reference receiver finds it while it serves, and gets the series that the reference names."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from schemas.failures import Failure
from tests.builders.scrapes import OURS, faults_in
from tests.builders.sinks import ANOTHER_SECRET, a_parcel, an_https_sink
from tocsin.stack.metrics_reference import RECEIVER, exposed

GRACE_SECONDS = 10
OF_A_FLOOD = ("tocsin_records_total", "outcome", "paced")
"""tests/unit/consumers/test_receiver_told.py makes one."""


@contextmanager
def a_receiver(home: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """One that serves on a free port, in a process of its own."""
    words = ("receiver", "--home", str(home), "--port", "0", "--metrics-targets", str(home / "targets"))
    program = [sys.executable, "-c", "from tocsin.cli.main import main; main()", *words]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as process:  # noqa: S603 -- ours
        try:
            assert process.stdout
            assert b"Receiving on" in process.stdout.readline()
            yield process
        finally:
            process.kill()


def told(home: Path) -> list[str]:
    """The addresses that lie in the folder."""
    files = (home / "targets").glob("*.json")
    return [address for file in files for one in json.loads(file.read_bytes()) for address in one["targets"]]


def read(address: str) -> str:
    with urlopen(f"http://{address}/metrics", timeout=5) as answer:  # our own loopback address
        return str(answer.read().decode())


def work(address: str, secret: str) -> None:
    """One referral that is new, known, and of a stranger."""
    base = f"http://{address}"
    with (
        closing(an_https_sink(base, secret=secret)) as sink,
        closing(an_https_sink(base, secret=ANOTHER_SECRET)) as who,
    ):
        sink.send(a_parcel())
        sink.send(a_parcel())
        with pytest.raises(Failure):
            who.send(a_parcel())


def series(scraped: str) -> set[tuple[str, str, str]]:
    """Name, label and value of each that says of what it is."""
    families = text_string_to_metric_families(scraped)
    named = [
        (exposed(OURS[family.name.removesuffix("_info")]), sample.labels)
        for family in families
        for sample in family.samples
    ]
    return {
        (name, label, value)
        for name, labels in named
        for label, value in labels.items()
        if label in {"stage", "outcome", "process"}
    }


def test_what_lies_in_the_folder_is_scraped_and_has_the_series_that_the_reference_names(tmp_path: Path) -> None:
    with a_receiver(tmp_path):
        (address,) = told(tmp_path)
        work(address, (tmp_path / "receiver" / "secret").read_text().strip())
        scraped = read(address)
    assert faults_in(scraped) == []
    promised = {
        (name, label, value)
        for name, labels in RECEIVER.items()
        for label, values in labels.items()
        for value in values
    }
    assert series(scraped) == promised - {OF_A_FLOOD}


def test_the_file_goes_when_the_receiver_is_stopped_and_stays_when_it_is_killed(tmp_path: Path) -> None:
    with a_receiver(tmp_path) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(GRACE_SECONDS) == 0
        assert told(tmp_path) == []
    with a_receiver(tmp_path) as process:
        process.kill()
        process.wait(GRACE_SECONDS)
        assert len(told(tmp_path)) == 1, "what should be served and is not is to be seen"
