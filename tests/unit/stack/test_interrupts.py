"""Ctrl-C, SIGTERM and a closed terminal end a command once, and its clean-up in peace."""

import os
import signal
import subprocess
import sys

import pytest

from tocsin.stack.interrupts import interrupted_once, undisturbed


def interrupted_by(number: signal.Signals, cleaned: list[bool]) -> None:
    with interrupted_once():
        try:
            os.kill(os.getpid(), number)
        finally:
            for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(os.getpid(), again)
            cleaned.append(True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_interrupts_and_the_next_leave_the_clean_up_alone(number: signal.Signals) -> None:
    cleaned: list[bool] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted_by(number, cleaned)
    assert cleaned
    os.kill(os.getpid(), number)  # the process is ending: still nothing


def test_a_block_that_was_not_interrupted_leaves_signals_as_they_were() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interrupted_once():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupted_once():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_undisturbed_block_is_not_interrupted() -> None:
    with undisturbed():
        os.kill(os.getpid(), signal.SIGINT)


ENDS_BY_CTRL_C = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
PRESSED_WHILE_STARTING = f"""
import os, signal, subprocess, sys
from tocsin.stack.interrupts import kept_back
try:
    with kept_back():
        print(subprocess.run([sys.executable, "-c", {ENDS_BY_CTRL_C!r}]).returncode)
        os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_that_is_kept_back_comes_afterwards_and_not_to_a_child() -> None:
    """In a process of one thread: another thread would take the signal, and the main one would hear of it some day."""
    pressed = subprocess.run([sys.executable, "-c", PRESSED_WHILE_STARTING], stdout=subprocess.PIPE, check=True)  # noqa: S603  # our words
    assert pressed.stdout.decode().split() == ["0", "interrupted"]
