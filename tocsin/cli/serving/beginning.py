"""How a process begins again in its own place: the same command, number and surroundings, with everything read anew."""

import os
import sys


def begin_again() -> None:
    """Replace this process by a new one of the same command; its manager sees no end. Does not return."""
    sys.stdout.flush()
    sys.stderr.flush()
    command = [sys.executable, "-m", "tocsin", *sys.argv[1:]]
    os.execv(command[0], command)  # noqa: S606 -- our own command as it was given, without a shell
