"""Settings of a home that give up what stands between a process and others: right on a local stack; files alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from consumers import settings as delivering
from consumers.settings import DeliverySettings, HttpsSink
from schemas.failures import Failure
from tocsin.runtime import settings
from tocsin.runtime.settings import Settings
from tocsin.stack.doctor.findings import Finding, Level

PART: Final = "settings"
_DELIVERY: Final = ".delivery.toml"
_TRUST: Final = "policy-trust.toml"


def of_settings(folder: Path, *, local_stack: bool) -> Iterator[Finding]:
    """Each file of the folder that gives something up, and each that cannot be read here; on a local stack none does.

    A process or a member with a home of its own is looked at there.
    """
    if local_stack:
        yield Finding(part=PART, level=Level.OK, says="of a local stack: what they give up is for trying")
        return
    files = [file for file in sorted(folder.glob("*.toml")) if file.name != _TRUST]
    found = [finding for file in files for finding in _of_file(file)]
    yield from found
    if not found:
        yield Finding(part=PART, level=Level.OK, says=f"{len(files)} files, and none gives anything up")


def of_process(file: str, process: Settings) -> Iterator[Finding]:
    """Whether whoever reaches its metrics port is answered in plain."""
    if process.metrics_plaintext:
        at = f"at {process.metrics_host} whoever its network lets through reads counts"
        says = f"{file} has metrics_plaintext = true: {at}"
        yield _warned(says, "write [metrics_tls], or see that the network's rules name who gets there")


def of_delivery(file: str, delivery: DeliverySettings) -> Iterator[Finding]:
    """Whether a sink may post to the machine that it runs on."""
    for sink in delivery.sinks:
        if isinstance(sink, HttpsSink) and sink.this_machine:
            says = f"{file} has this_machine = true for the sink {sink.name}: it posts to whatever listens there"
            yield _warned(says, "take it out, unless the member's receiver is on that machine")


def _of_file(file: Path) -> Iterator[Finding]:
    try:
        if file.name.endswith(_DELIVERY):
            yield from of_delivery(file.name, delivering.load(file, file.parent))
        else:
            yield from of_process(file.name, settings.load(file))
    except Failure as failure:
        yield _warned(str(failure), "correct it, then tocsin doctor")
    except OSError:
        yield _warned(f"{file.name} cannot be read by you: what it gives up is not known", "tocsin doctor, as its user")


def _warned(says: str, instead: str) -> Finding:
    return Finding(part=PART, level=Level.WARN, says=says, next_command=instead)
