"""A recipient's endpoint is slow, hangs, storms, and answers when nobody listens; the other recipient is well."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

from tests.builders.sinks import SECRET, met, serving, told
from tests.chaos.faults.fault import Facts, Fault, Scene, Strike
from tests.chaos.proxy import FaultProxy, Mode
from tocsin.stack.receiving import whole_files

MEMBER = "nl-hotline"
_WELL = "nl-police"
_EACH_SECONDS = 6.0
_MANY = 100_000
_FILE = """
[[sinks]]
kind = "https"
url = "http://127.0.0.1:{port}/referrals"
check_url = "http://127.0.0.1:{port}/referrals"
secret_file = "{secret}"
honours_key = true
this_machine = true
timeout_seconds = 1.0

[limits]
first_retry_seconds = 0.5
longest_retry_seconds = 2.0
longest_pause_seconds = 1.0
max_attempts = 100
"""

_BEHAVIOURS: dict[str, dict[str, Any]] = {
    "storm_429": {"status": 429, "times": _MANY, "retry_after": "1"},
    "storm_500": {"status": 500, "times": _MANY},
    "answers_late": {"status": 200, "times": _MANY, "delay_seconds": 2.0, "keeps": True},
}
"""What the endpoint itself does; the last one answers when the sender has hung up."""
_NO_MORE: dict[str, Any] = {"times": 0}
_MODES = (Mode.SLOW, Mode.HANG, Mode.HALF_CLOSED, Mode.DIES)


@contextmanager
def setting(scene: Scene) -> Iterator[Strike]:
    """The reference receiver behind a proxy takes the hotline's referrals, in the folder where they are looked for."""
    folder = scene.home / "state" / MEMBER / "delivered"
    with serving(folder) as address, closing(FaultProxy(int(address.rpartition(":")[2]))) as proxy:
        secret = scene.home / "config" / f"{MEMBER}.hook"
        secret.touch(mode=0o600)
        secret.write_text(SECRET)
        text = _FILE.format(port=proxy.port, secret=secret)
        (scene.home / "config" / f"{MEMBER}.delivery.toml").write_text(text)
        yield partial(strike, scene, address, proxy)


def strike(scene: Scene, address: str, proxy: FaultProxy) -> Facts:
    """Each misbehaviour in turn, in a chance order, with the other recipient's progress looked at."""
    blows: list[str | Mode] = [*_BEHAVIOURS, *_MODES]
    before = _well(scene)
    for blow in scene.chance.sample(blows, len(blows)):
        scene.say(f"the endpoint: {blow}")
        if isinstance(blow, Mode):
            proxy.mode = blow
        else:
            told(address, **_BEHAVIOURS[blow])
        scene.wait(_EACH_SECONDS * scene.pace)
        proxy.mode = Mode.THROUGH
        told(address, **_NO_MORE)
    posts = _posts(address)
    for blow, count in (posts | {mode: proxy.met[mode] for mode in _MODES}).items():
        scene.expect(count > 0, f"some posts met {blow}")
    scene.expect(_well(scene) > before, "the recipient whose endpoint is well goes on")
    return {**proxy.met, **posts, "other_member_meanwhile": _well(scene) - before}


def _posts(address: str) -> dict[str, int]:
    """How many posts came while the endpoint did each of these, as it counted itself; each has a status of its own."""
    met_posts = met(address)
    return {name: met_posts.get(behaviour["status"], 0) for name, behaviour in _BEHAVIOURS.items()}


def _well(scene: Scene) -> int:
    return sum(1 for _ in whole_files(scene.home / "state" / _WELL / "delivered"))


FAULT = Fault(
    name="sinks",
    says="slow and hanging sinks, 429 and 500 storms, half-closed connections, answers after the connection died",
    setting=setting,
    publishing_seconds=45.0,
)
