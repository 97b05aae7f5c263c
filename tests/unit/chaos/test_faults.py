"""What a verdict is made of, and a proxy that does what it says."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from msgspec.structs import replace

from tests.chaos import faults
from tests.chaos.faults import FAULTS
from tests.chaos.proxy import FaultProxy, Mode
from tests.chaos.publishing import REVISED_EVERY, Confirmed, Wanted, unique_reports
from tests.chaos.verdict import Verdict, compare, is_clean, is_whole, out_of_order
from tocsin.runtime.proof.evidence import Found

CONFIRMED = Confirmed(countries={"once": "NL", "twice": "NL"}, revisions={"once": 1, "twice": 2})


def at_sink(report: str, revision: int, member: str) -> Found:
    return Found(f"{report}-{revision}-{member}", member, member, "sink", report)


COMPLETE = [
    at_sink(report, revision, member)
    for report, revision in (("once", 1), ("twice", 1), ("twice", 2))
    for member in ("nl-hotline", "nl-police")
]


def test_what_arrived_in_each_of_its_revisions_is_clean() -> None:
    assert is_clean(compare(CONFIRMED, COMPLETE))


@pytest.mark.parametrize("missing", range(len(COMPLETE)))
def test_any_revision_that_is_missing_anywhere_is_a_loss(missing: int) -> None:
    assert compare(CONFIRMED, COMPLETE[:missing] + COMPLETE[missing + 1 :]).lost == 1


def test_the_same_referral_twice_at_a_sink_is_doubled() -> None:
    assert compare(CONFIRMED, [*COMPLETE, COMPLETE[0]]).doubled == 1


def test_a_revision_that_was_never_published_is_doubled_too() -> None:
    assert compare(CONFIRMED, [*COMPLETE, at_sink("once", 2, "nl-police")]).doubled == 1


def test_a_referral_at_a_member_that_must_not_have_it_is_seen() -> None:
    assert compare(CONFIRMED, [*COMPLETE, at_sink("once", 1, "de-police")]).wrong_member == 1


def test_a_later_revision_decided_first_is_out_of_order_and_a_replay_is_not() -> None:
    assert out_of_order([("a", 2), ("a", 1)]) == 1
    assert out_of_order([("a", 1), ("a", 2), ("a", 1), ("b", 1)]) == 0


WHOLE = Verdict(
    clean=True,
    seed=7,
    published=3,
    unconfirmed=0,
    deliveries=compare(CONFIRMED, COMPLETE),
    waiting=0,
    balanced=True,
    proven=True,
    findings={},
    replayed=0,
    kills={},
    seconds=1.0,
    commit="abc1234",
)


@pytest.mark.parametrize(
    "lack",
    [
        {"unconfirmed": 1},
        {"out_of_order": 1},
        {"waiting": 1},
        {"balanced": False},
        {"proven": False},
        {"unmet": ("work goes on",)},
        {"deliveries": compare(CONFIRMED, COMPLETE[1:])},
    ],
    ids=lambda lack: next(iter(lack)),
)
def test_a_run_is_clean_only_where_nothing_is_lacking(lack: dict[str, Any]) -> None:
    assert is_whole(WHOLE)
    assert not is_whole(replace(WHOLE, **lack))


def test_the_run_publishes_later_revisions_of_the_same_reports() -> None:
    reports = list(unique_reports(Wanted(reports=20 * REVISED_EVERY, countries=("NL",), seed=7, seconds=1)))
    later = [report for report in reports if report.revision == 2]
    assert len(later) > 10
    first = {report.report_id for report in reports if report.revision == 1}
    assert all(report.report_id in first and not report.escalation for report in later)


def test_every_family_stands_in_the_table_under_its_own_name() -> None:
    families = {name for name in vars(faults) if hasattr(getattr(faults, name), "FAULT")}
    assert {getattr(faults, family).FAULT.name for family in families} == FAULTS.keys()
    assert {fault.name.replace("-", "_") for fault in FAULTS.values()} == families


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that answers what it is sent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def _serve(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection:
        while heard := connection.recv(100):
            connection.sendall(heard)


@pytest.mark.parametrize("mode", [Mode.THROUGH, Mode.SLOW])
def test_a_proxy_passes_what_it_is_given(echo: int, mode: Mode) -> None:
    with closing(FaultProxy(echo)) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 5) as client:
        proxy.mode = mode
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"


@pytest.mark.parametrize("mode", [Mode.HANG, Mode.CUT])
def test_a_proxy_is_silent_and_passes_what_waited_when_the_fault_is_over(echo: int, mode: Mode) -> None:
    with closing(FaultProxy(echo)) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 5) as client:
        proxy.mode = mode
        client.sendall(b"hello")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(100)
        proxy.mode = Mode.THROUGH
        client.settimeout(5)
        assert client.recv(100) == b"hello"


def test_a_proxy_ends_the_answering_side_alone(echo: int) -> None:
    with closing(FaultProxy(echo)) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 5) as client:
        proxy.mode = Mode.HALF_CLOSED
        client.sendall(b"hello")
        assert client.recv(100) == b""


def test_a_proxy_resets_the_client_when_the_answer_comes(echo: int) -> None:
    with closing(FaultProxy(echo)) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 5) as client:
        proxy.mode = Mode.DIES
        client.sendall(b"hello")
        with pytest.raises(ConnectionResetError):
            client.recv(100)
