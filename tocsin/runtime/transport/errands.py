"""What a worker has to say beside its slices: looked up, sent, and written down once the broker has it."""

from collections.abc import Callable

from msgspec import Struct

from tocsin.runtime.transport.slices import OutRecord


def _nothing() -> None:
    """To be written down."""


class Errand(Struct, frozen=True, kw_only=True):
    """Records to send, and what to do when all of them are delivered; a crash in between sends them again."""

    records: tuple[OutRecord, ...] = ()
    done: Callable[[], None] = _nothing


def together(*errands: Errand) -> Errand:
    """Several as one."""

    def done() -> None:
        for errand in errands:
            errand.done()

    return Errand(records=tuple(record for errand in errands for record in errand.records), done=done)


def no_errand() -> Errand:
    """For workers that have nothing to say."""
    return Errand()
