"""What ends a command from outside: Ctrl-C, SIGTERM and a terminal that is closed are one thing, and come once."""

import contextlib
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import click

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interrupted_once() -> Iterator[None]:
    """The first signal raises KeyboardInterrupt in the block; those that follow do not disturb what it cleans up."""
    under_nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    heeded = [number for number in _SIGNALS if number != signal.SIGHUP or not under_nohup]
    before = {number: signal.signal(number, _first) for number in heeded}
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is _first:  # otherwise the process is ending, and nothing cuts it short
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """No signal interrupts the block, which must be short."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def kept_back() -> Iterator[None]:
    """A process that is started in the block never heeds Ctrl-C: it keeps the mask. Ours is not lost."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _first(_: int, __: FrameType | None) -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # the terminal may be gone
        click.echo("\nStopping; this takes some seconds.", err=True)
    raise KeyboardInterrupt
