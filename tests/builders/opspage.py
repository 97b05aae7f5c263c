"""The ops page before a Prometheus that has two series for whatever is asked."""

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

import httpx
from starlette.applications import Starlette

from tests.builders.waiting import until
from tocsin.cli.serving.listening import loopback
from tocsin.runtime.pacing import Callers
from tocsin.stack.watching.application import application
from tocsin.stack.watching.asking import Prometheus
from tocsin.stack.watching.guarding import guarded_server
from tocsin.stack.watching.uplot import Library

NOW_SECONDS: Final = 1_790_000_000.0
MEMBERS: Final = ("fr-hotline", "nl-hotline")


def answered(request: httpx.Request) -> httpx.Response:
    """Two members and two series for whatever is asked."""
    points = [[NOW_SECONDS - 60, "1"], [NOW_SECONDS, "2"]]
    series = [{"metric": {"member": name}, "value": points[1], "values": points} for name in MEMBERS]
    return httpx.Response(200, json={"status": "success", "data": {"result": series}})


def an_ops_page(library: Library | None = None) -> Starlette:
    """Without what stands before it."""
    prometheus = Prometheus("http://prometheus.test", httpx.Client(transport=httpx.MockTransport(answered)))
    return application(prometheus, lambda: NOW_SECONDS, library)


@contextmanager
def serving_page(
    paces: Callers | None = None, library: Library | None = None, names: Collection[str] = ()
) -> Iterator[str]:
    """Its address, as `tocsin ops` serves it."""
    with loopback(0) as listening:
        server = guarded_server(an_ops_page(library), paces, names)
        serving = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        serving.start()
        until(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            serving.join(10)
