"""A process that runs `tocsin ledger --prove`, and tells what that found and what memory it took."""

import json
import os
import sys

from click.testing import CliRunner

from benchmarks.measuring import peak_bytes
from tocsin.cli.ledger import command


def main(home: str) -> None:
    """The proof's counts and discrepancies, the exit code, and the most memory that this process has had."""
    result = CliRunner().invoke(command, ["--home", home, "--prove", "--json"])
    proof = json.loads(result.stdout)["proof"]
    answer = {"exit_code": result.exit_code, "proof": proof, "peak_bytes": peak_bytes(os.getpid())}
    print(json.dumps(answer))  # noqa: T201  # its answer


if __name__ == "__main__":
    main(*sys.argv[1:])
