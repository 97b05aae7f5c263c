"""The reference receiver on a free port, sinks that talk to it, and parcels to send."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from consumers.formats.referral_json import write
from consumers.letters import Letter, Parcel, parcel_of
from consumers.serving import Impatient, server_of
from consumers.sinks.destination import Reach
from consumers.sinks.https import Endpoint, HttpsSink
from tests.builders.misbehaving import obedient
from tests.builders.referrals import a_referral
from tocsin.runtime.pacing import Callers

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS10ZXN0cw=="
ANOTHER_SECRET = "whsec_" + "b3RoZXItc2VjcmV0"


def a_parcel(reference: str = "case-1", **changes: Any) -> Parcel:
    """One referral as JSON, ready to be sent."""
    referral = a_referral(reference, **changes)
    return parcel_of(Letter(key=referral.referral_id, referrals=(referral,)), write)


@contextmanager
def serving(folder: Path, protocol: type[Impatient] = Impatient, paces: Callers | None = None) -> Iterator[str]:
    """The reference receiver on a free port of loopback."""
    server = server_of(obedient(folder, SECRET, paces), protocol, port=0)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def an_https_sink(address: str, timeout_seconds: float = 5.0, **changes: Any) -> HttpsSink:
    """A sink for the receiver at this address; the caller closes it."""
    place = f"{address}/referrals"
    values: dict[str, Any] = {"url": place, "check_url": place, "secret": SECRET, "honours_key": True}
    values["reach"] = Reach(this_machine=True)
    endpoint = Endpoint(**(values | changes))
    return HttpsSink(endpoint, httpx.Client(timeout=timeout_seconds, trust_env=False), lambda: datetime.now(UTC))


def told(address: str, **behaviour: Any) -> None:
    """Tell the receiver how to answer the next posts."""
    httpx.post(f"{address}/behaviour", json=behaviour, trust_env=False).raise_for_status()


def met(address: str) -> dict[int, int]:
    """How many posts the receiver answered as it was told, by status."""
    answer = httpx.get(f"{address}/behaviour", trust_env=False).raise_for_status()
    return {int(status): posts for status, posts in answer.json().items()}
