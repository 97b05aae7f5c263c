"""A worker in a network namespace of its own is cut off from everything, then from the broker alone."""

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

from tests.chaos.faults.fault import Facts, Fault, Impossible, Scene, Strike
from tests.chaos.proxy import FaultProxy, Mode
from tocsin.stack.demo.crew import Child, Launch, commanded

_NAMESPACE = f"tocsin-chaos-{os.getpid()}"
_CLONE_NEWNET = 0x40000000
_BEYOND_SESSION_SECONDS = 14.0
_INSIDE = ("triage", "--lane", "normal", "--home")
"""How the arguments of the worker that is inside begin; its peer has --instance among them."""
_SECOND = "triage-normal-second"


def requires() -> None:
    """Raise Impossible where this machine lets us make no network namespace."""
    tried = _ip("netns", "add", f"{_NAMESPACE}-trial")
    if tried.returncode:
        raise Impossible(
            f"A network namespace was refused: {tried.stderr.strip() or 'ip netns add failed'}. Run it as root.",
            code="chaos.impossible",
        )
    _ip("netns", "del", f"{_NAMESPACE}-trial")


@contextmanager
def setting(scene: Scene) -> Iterator[Strike]:
    """In the namespace, each service's port is a socket of a proxy of ours, which stands outside."""
    _ip("netns", "add", _NAMESPACE)
    try:
        _link("up")
        with ExitStack() as open_proxies:
            stack = scene.stack
            ports = (stack.kafka.port, stack.postgres.port, stack.registry.port)
            proxies = [open_proxies.enter_context(closing(FaultProxy(port, _listener(port)))) for port in ports]
            yield partial(strike, scene, proxies[0])
    finally:
        _ip("netns", "del", _NAMESPACE)


def strike(scene: Scene, broker: FaultProxy) -> Facts:
    """Each time the worker believes that it still has its partitions, and its peer has taken them over."""
    scene.start(_SECOND, "triage", "--lane", "normal", "--instance", "second")
    scene.wait(4)
    before = scene.delivered()
    scene.say("the namespace's only link is down: nothing reaches anybody")
    _link("down")
    scene.wait(_BEYOND_SESSION_SECONDS)
    _link("up")
    scene.wait(4)
    scene.say("cut off from the broker alone, silently")
    broker.mode = Mode.CUT
    scene.wait(_BEYOND_SESSION_SECONDS)
    broker.mode = Mode.THROUGH
    meanwhile = scene.delivered() - before
    scene.expect(meanwhile > 0, "the other worker of the lane goes on")
    scene.expect(broker.met[Mode.CUT] > 0, "the worker tried to reach the broker while it was cut off")
    return {"cut_seconds": 2 * _BEYOND_SESSION_SECONDS, "delivered_meanwhile": meanwhile}


def launch(_: Scene) -> Launch:
    """One worker inside, everybody else outside."""

    def start(arguments: Sequence[str], log: Path) -> Child:
        inside = ("ip", "netns", "exec", _NAMESPACE) if tuple(arguments[:4]) == _INSIDE else ()
        return commanded("tocsin", arguments, log, inside)

    return start


def _link(state: str) -> None:
    _ip("-n", _NAMESPACE, "link", "set", "lo", state)


def _ip(*words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["ip", *words], capture_output=True, text=True, check=False)  # noqa: S603, S607 -- our own words
    except FileNotFoundError as error:
        raise Impossible("The program ip is not there (package iproute2).", code="chaos.impossible") from error


def _listener(port: int) -> socket.socket:
    """A listening socket inside the namespace: a thread goes there, makes it, and ends."""
    made: list[socket.socket] = []
    thread = threading.Thread(target=_listen_inside, args=(port, made))
    thread.start()
    thread.join()
    if not made:
        raise Impossible("No socket could be made inside the namespace.", code="chaos.impossible")
    return made[0]


def _listen_inside(port: int, made: list[socket.socket]) -> None:
    with Path(f"/var/run/netns/{_NAMESPACE}").open() as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _CLONE_NEWNET) == 0:
            made.append(socket.create_server(("127.0.0.1", port)))


FAULT = Fault(
    name="partition",
    says="a partition between a worker and the rest, and between it and the broker, in a network namespace",
    setting=setting,
    launch=launch,
    requires=requires,
    publishing_seconds=50.0,
)
