"""The ops page over HTTP: read only, one for all and one for each member, for the address that it is bound to."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from tocsin.stack.watching.asking import Period, Prometheus, answered
from tocsin.stack.watching.member_panels import MEMBERS, is_name, of_member
from tocsin.stack.watching.page import CHARTS, HOURS, SCRIPT, STYLE, View, page
from tocsin.stack.watching.panel import Group
from tocsin.stack.watching.uplot import Library, Served

_POLICY: Final = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'",
    "referrer-policy": "no-referrer",
}
_KEPT: Final = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}
"""Of what another path would have if it were another."""

_LISTED: Final = Group(title=MEMBERS.title, asks="", panels=(MEMBERS,))


def application(prometheus: Prometheus, now: Callable[[], float], library: Library | None = None) -> Starlette:
    """The page for one Prometheus; a panel that gets no answer says so, and the others are shown.

    With a library, a script draws the charts again.
    """
    uplot = library.path if library else ""

    async def shown(request: Request) -> Response:
        return await answer(request, View(uplot=uplot))

    async def of_one(request: Request) -> Response:
        name = request.path_params["name"]
        if not is_name(name):
            return PlainTextResponse("A member's id has letters, digits and dashes.\n", status_code=404)
        return await answer(request, View(title=f"Tocsin: {name}", groups=of_member(name), root="../", uplot=uplot))

    async def answer(request: Request, view: View) -> Response:
        hours = request.query_params.get("hours", str(HOURS[0]))
        if hours not in {str(known) for known in HOURS}:
            return PlainTextResponse(f"hours is one of {', '.join(map(str, HOURS))}.\n", status_code=400)
        period = Period(until_seconds=now(), hours=int(hours))
        answers = await run_in_threadpool(answered, prometheus, (*view.groups, _LISTED), period)
        members = tuple(sorted(one.name for one in answers[MEMBERS.title] or ()))
        return HTMLResponse(page(answers, period, replace(view, members=members)), headers=_POLICY)

    pages = {"/": shown, "/member/{name}": of_one}
    return Starlette(routes=[*(Route(path, served) for path, served in pages.items()), *_OWN, *_of(library)])


def _of(library: Library | None) -> list[Route]:
    """The files of the library, each below its path."""
    if library is None:
        return []
    return [_kept(f"/{library.path}{name}", one) for name, one in library.files.items()]


def _kept(path: str, one: Served) -> Route:
    async def sent(_: Request) -> Response:
        return Response(one.content, media_type=one.media_type, headers=_KEPT)

    return Route(path, sent)


async def _style(_: Request) -> Response:
    return Response(STYLE.read_bytes(), media_type="text/css")


async def _script(_: Request) -> Response:
    return Response(SCRIPT.read_bytes(), media_type="text/javascript")


async def _charts(_: Request) -> Response:
    return Response(CHARTS.read_bytes(), media_type="text/javascript")


async def _live(_: Request) -> Response:
    return PlainTextResponse("live\n")


_OWN: Final = (
    Route("/style.css", _style),
    Route("/again.js", _script),
    Route("/charts.js", _charts),
    Route("/live", _live),
)
