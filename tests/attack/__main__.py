"""`python -m tests.attack`: schemathesis asks receiver, metrics port and ops page what their OpenAPI says."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from consumers.receiver import OPENAPI as RECEIVER
from tests.builders.opspage import serving_page
from tests.builders.paces import at_will
from tests.builders.sinks import serving
from tocsin.runtime.endpoint import OPENAPI as ENDPOINT
from tocsin.runtime.endpoint import Endpoint
from tocsin.runtime.health import Health
from tocsin.stack.watching.guarding import OPENAPI as OPS

_ROOT = Path(__file__).parents[2]
_OPTIONS = (
    "--phases=examples,coverage,fuzzing",
    "--checks=all",
    # Nobody is let in for well-formed data alone: that needs a signature, which is made after the data.
    "--exclude-checks=positive_data_acceptance,negative_data_rejection,missing_required_header",
    "--max-examples=300",
    "--seed=7",
    "--no-color",
)


def main() -> int:
    """1 where something was answered otherwise than the documents say."""
    return max(_asked(name, document, at) for name, document, at in _surfaces())


def _surfaces() -> Iterator[tuple[str, Path, str]]:
    with _receiver() as address:
        yield "receiver", RECEIVER, address
    with _endpoint() as address:
        yield "metrics port", ENDPOINT, address
    with serving_page(at_will()) as address:
        yield "ops page", OPS, address


@contextmanager
def _receiver() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "kept", paces=at_will()) as address:
        yield address


@contextmanager
def _endpoint() -> Iterator[str]:
    endpoint = Endpoint(Health(), "127.0.0.1", 0, paces=at_will())
    try:
        yield f"http://127.0.0.1:{endpoint.port}"
    finally:
        endpoint.close()


def _asked(name: str, document: Path, address: str) -> int:
    click.echo(f"{name}: {document.relative_to(_ROOT)}")
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", str(document), f"--url={address}", *_OPTIONS]
    hooks = {"SCHEMATHESIS_HOOKS": "tests.attack.signing", "PYTHONPATH": str(_ROOT)}
    with tempfile.TemporaryDirectory() as aside:  # what it remembers between runs is of no use here
        return subprocess.run(command, check=False, env=os.environ | hooks, cwd=aside).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
