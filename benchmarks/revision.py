"""Which code is measured."""

import subprocess


def commit() -> str:
    """Of the working tree's head."""
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], check=False, capture_output=True, text=True)  # noqa: S607  # git from the path
    return found.stdout.strip() or "unknown"
