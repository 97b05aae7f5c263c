"""A worker's certificate expires in mid-run: what is open goes on, nothing new is let in, a renewed one mends it."""

import socket
import ssl
from datetime import UTC, datetime, timedelta

from tests.chaos.faults.fault import Facts, Fault, Scene, at_once
from tocsin.runtime.settings import load

_LIVES_SECONDS = 6.0
_EXPIRED_SECONDS = 12.0
_PRINCIPAL = "triage"


def strike(scene: Scene) -> Facts:
    """Give triage a certificate for seconds, start it with that, let it run out, break its connections, renew it."""
    lane = "triage-normal"
    now = datetime.now(UTC)
    authority = scene.stack.authority
    pair = authority.pair(_PRINCIPAL)
    authority.issue(_PRINCIPAL, pair, now, now + timedelta(seconds=_LIVES_SECONDS))
    scene.kill(lane)
    scene.start(lane)
    scene.wait(_LIVES_SECONDS + 1)
    scene.say("the certificate has expired")
    scene.kill(lane)
    scene.start(lane)
    scene.wait(_EXPIRED_SECONDS * scene.pace)
    ended = scene.ended(lane)
    refused = _is_refused(scene)
    scene.expect(refused, "the broker lets nobody in with the expired certificate")
    authority.issue(_PRINCIPAL, pair, datetime.now(UTC), datetime.now(UTC) + timedelta(days=90))
    scene.say("renewed")
    return {"refused": refused, "restarts_while_expired": ended}


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
)
