"""The ops page over HTTP: read only, one page and its style, for the address that it is bound to."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from schemas.failures import Temporary
from tocsin.stack.watching.asking import Period, Prometheus, Series
from tocsin.stack.watching.page import HOURS, SCRIPT, STYLE, Answers, page
from tocsin.stack.watching.panels import GROUPS, Panel

_AT_ONCE: Final = 6
_POLICY: Final = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
}


def application(prometheus: Prometheus, now: Callable[[], float]) -> Starlette:
    """The page for one Prometheus; a panel that gets no answer says so, and the others are shown."""

    async def shown(request: Request) -> Response:
        hours = request.query_params.get("hours", str(HOURS[0]))
        if hours not in {str(known) for known in HOURS}:
            return PlainTextResponse(f"hours is one of {', '.join(map(str, HOURS))}.\n", status_code=400)
        period = Period(until_seconds=now(), hours=int(hours))
        answers = await run_in_threadpool(answered, prometheus, period)
        return HTMLResponse(page(answers, period), headers=_POLICY)

    async def style(_: Request) -> Response:
        return Response(STYLE.read_bytes(), media_type="text/css")

    async def script(_: Request) -> Response:
        return Response(SCRIPT.read_bytes(), media_type="text/javascript")

    async def live(_: Request) -> Response:
        return PlainTextResponse("live\n")

    pages = {"/": shown, "/style.css": style, "/again.js": script, "/live": live}
    return Starlette(routes=[Route(path, served) for path, served in pages.items()])


def answered(prometheus: Prometheus, period: Period) -> Answers:
    """What every panel shows, a few asked at once."""

    def asked(panel: Panel) -> tuple[Series, ...] | None:
        try:
            return prometheus.shown(panel, period)
        except Temporary:
            return None

    panels = [panel for group in GROUPS for panel in group.panels]
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        return {panel.title: found for panel, found in zip(panels, workers.map(asked, panels), strict=True)}
