"""The reference receiver's log says who asked for what, when, and why it was refused; never what was sent."""

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from standardwebhooks import Webhook

from consumers.serving import MOST_CONNECTIONS, Impatient
from tests.builders import refusals
from tests.builders.refusals import connected, waited_for
from tests.builders.sinks import ANOTHER_SECRET, SECRET, serving
from tocsin.runtime.pacing import Callers, pace
from tocsin.runtime.refusing import Refusals

MARK = "planted-by-the-caller"
KEY = "0b9f8a58-key_1"


class InAHurry(Impatient):
    patience_seconds = 0.3


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Impatient, "refusals", Refusals("receiver"))
    with serving(tmp_path / "kept", InAHurry) as found:
        yield found


def told(caplog: pytest.LogCaptureFixture) -> list[dict[str, str]]:
    """What the log has by now of refused and of signed requests."""
    return refusals.told(caplog, "consumers.receiver")


def posted(address: str, body: bytes = b"{}", secret: str = SECRET, **headers: str) -> httpx.Response:
    at = datetime.now(UTC)
    signature = Webhook(secret).sign(KEY, at, body.decode("latin-1"))
    signed = {"webhook-id": KEY, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(f"{address}/referrals", content=body, headers=signed | more, trust_env=False)


def test_each_refused_signature_is_told_with_its_caller_and_nothing_that_was_sent(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(2):
        assert posted(address, MARK.encode(), ANOTHER_SECRET, user_agent=MARK).status_code == 401
    assert httpx.get(f"{address}/referrals/{MARK}", trust_env=False).status_code == 401
    lines = told(caplog)
    assert [(line["stage"], line["outcome"], line["why"], line["caller"]) for line in lines] == [
        ("receiver", "refused", "the signature does not verify", "127.0.0.1")
    ] * 3
    assert all(line["at"].endswith("Z") and line["level"] == "warning" for line in lines)
    assert MARK not in json.dumps(lines)


def test_who_was_let_in_is_told_with_the_referral(address: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert posted(address).status_code == 200
    (line,) = told(caplog)
    assert (line["outcome"], line["caller"], line["referral_id"]) == ("taken", "127.0.0.1", KEY)


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b'{"a": 1}', 200),
        ("application/json; charset=utf-8", b"[]", 200),
        ("text/csv", b"a,b\r\n1,2\r\n", 200),
        ("application/json", b"a,b\r\n", 415),
        ("application/json", b'{"a": 1, "a": 2}', 415),
        ("application/json", b"[" * 5_000, 415),
        ("application/json", b"", 415),
        ("text/csv", b"GIF89a\x00", 415),
        ("image/gif", b"GIF89a", 415),
        ("text/html", b"<p>", 415),
    ],
)
def test_a_body_that_is_not_what_it_says_is_not_kept(
    kind: str, body: bytes, status: int, address: str, tmp_path: Path
) -> None:
    assert posted(address, body, content_type=kind).status_code == status
    assert len(list((tmp_path / "kept").iterdir())) == (status == 200)


def test_a_flood_is_told_in_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with serving(tmp_path / "kept", paces=Callers(each=pace(0.001, 1), together=pace(1, 100))) as address:
        answers = [httpx.get(f"{address}/referrals/{MARK}", trust_env=False).status_code for _ in range(9)]
    assert answers == [401] + [429] * 8
    assert [line["why"] for line in told(caplog)].count("above its pace") <= 1


def test_no_http_and_a_head_that_never_ends_and_one_connection_too_many_are_told(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    place = ("127.0.0.1", urlsplit(address).port or 0)
    with closing(socket.create_connection(place, timeout=5)) as stranger:
        stranger.sendall(MARK.encode() + b"\x00\r\n\r\n")
        assert waited_for(caplog, "no HTTP")["caller"] == "127.0.0.1"
    with closing(socket.create_connection(place, timeout=5)) as slow:
        slow.sendall(b"POST /referrals HTTP/1.1\r\nx-slow: ")
        assert waited_for(caplog, "no head of a request in time")["caller"] == "127.0.0.1"
    with connected(place, MOST_CONNECTIONS + 1):
        assert waited_for(caplog, "one connection too many")["caller"] == "127.0.0.1"
    assert MARK not in json.dumps(told(caplog))
