"""A worker's certificate expires in mid-run: what is open goes on, nothing new is let in, a renewed one mends it."""

import socket
import ssl
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial

from tests.chaos.faults.fault import Facts, Fault, Scene, at_once
from tests.chaos.memory.exchange import Exchange
from tocsin.runtime.settings import load

_LIVES_SECONDS = 20.0
"""Long enough to start and to be at work."""
_ATTEMPTS = 5
"""On a busy machine a start may take longer."""
_DAYS_SECONDS = 90 * 86_400.0
_OPEN_SECONDS = 3.0
_OPEN_TIMES = 3
_EXPIRED_SECONDS = 12.0
_PRINCIPAL = "triage"
_LANE = "triage-normal"


def strike(scene: Scene) -> Facts:
    """Give triage a certificate for seconds, start it with that, let it run out, break its connections, renew it."""
    with closing(Exchange(scene.stack)) as exchange:
        attempts = _let_run_out(scene, exchange)
        scene.say("the certificate has expired")
        ended = scene.ended(_LANE)
        settled = _settled_on_open_connections(scene, exchange)
    scene.kill(_LANE)
    scene.start(_LANE)
    scene.wait(_EXPIRED_SECONDS * scene.pace)
    restarts = scene.ended(_LANE) - ended
    refused = _is_refused(scene)
    scene.expect(refused, "the broker lets nobody in with the expired certificate")
    _issue(scene, _DAYS_SECONDS)
    scene.say("renewed")
    return {
        "settled_past_the_end": settled,
        "refused": refused,
        "restarts_while_expired": restarts,
        "attempts": attempts,
    }


def _let_run_out(scene: Scene, exchange: Exchange) -> int:
    """Until the certificate with which the lane is at work has ended; tells how many it took."""
    for attempt in range(1, _ATTEMPTS + 1):
        ends_seconds = time.monotonic() + _LIVES_SECONDS
        _issue(scene, _LIVES_SECONDS)
        scene.leave(_LANE)
        settled = exchange.handled(_LANE)
        scene.start(_LANE)
        scene.until(partial(_has_gone_on, scene, exchange, settled), ends_seconds - time.monotonic())
        if time.monotonic() < ends_seconds:
            scene.wait(ends_seconds + 1 - time.monotonic())
            return attempt
        scene.say("the lane was not at work before its certificate ended")
    return _ATTEMPTS


def _has_gone_on(scene: Scene, exchange: Exchange, settled_before: int) -> bool:
    """Or nothing is left of the run: among other faults (tests/chaos/test_faults.py) that may be so by now."""
    return exchange.handled(_LANE) > settled_before or exchange.settled() >= scene.plan.reports


def _issue(scene: Scene, lives_seconds: float) -> None:
    now, authority = datetime.now(UTC), scene.stack.authority
    authority.issue(_PRINCIPAL, authority.pair(_PRINCIPAL), now, now + timedelta(seconds=lives_seconds))


def _settled_on_open_connections(scene: Scene, exchange: Exchange) -> int:
    """What the lane settles after the end of its certificate: some in each of several spans, by one process."""
    ended = scene.ended(_LANE)
    settled = [exchange.handled(_LANE)]
    for span in range(1, _OPEN_TIMES + 1):
        scene.wait(_OPEN_SECONDS)
        goes_on = _has_gone_on(scene, exchange, settled[-1])
        scene.expect(goes_on, f"what is open goes on past the end of the certificate, span {span}")
        settled.append(exchange.handled(_LANE))
    scene.expect(scene.ended(_LANE) == ended, "a worker whose certificate has expired does not end")
    return settled[-1] - settled[0]


def _is_refused(scene: Scene) -> bool:
    kafka = load(scene.stack.config(_PRINCIPAL)).kafka
    context = ssl.create_default_context(cafile=str(kafka.ca))
    context.load_cert_chain(str(kafka.certificate), str(kafka.key))
    host, port = kafka.bootstrap.split(":")
    try:
        with socket.create_connection((host, int(port))) as raw, context.wrap_socket(raw, server_hostname=host) as one:
            one.settimeout(2)
            return one.recv(1) == b""  # TLS 1.3: the refusal comes after the handshake
    except TimeoutError:
        return False
    except (ssl.SSLError, OSError):
        return True


FAULT = Fault(
    name="certificate",
    says="a worker's certificate expires in mid-run and is renewed",
    setting=at_once(strike),
    publishing_seconds=60.0,
)
