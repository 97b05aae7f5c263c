"""`python -m tests.engines`: compares as much as it is told and prints a line of JSON; a difference ends it with 1."""

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import TypeVar

import click

from tests.engines.comparing import Differs, mutations, records, schemas_by_chance
from tests.engines.memory import flat

Found = TypeVar("Found", int, float)


@click.command()
@click.option("--seed", default=1, show_default=True, help="The same seed compares the same.")
@click.option("--records", "record_count", default=1_000_000, show_default=True, help="Records of our schemas.")
@click.option("--schemas", "schema_count", default=5_000, show_default=True, help="Schemas made by chance.")
@click.option("--mutations", "mutation_count", default=500_000, show_default=True, help="Records cut and changed.")
@click.option("--calls", "call_count", default=1_000_000, show_default=True, help="Calls over which memory is flat.")
def main(seed: int, record_count: int, schema_count: int, mutation_count: int, call_count: int) -> None:
    """Hold the compiled codec against fastavro; about an hour at the size that is the default."""
    started = time.monotonic()
    verdict = {
        "seed": seed,
        "records": _counted(records, seed, record_count),
        "schemas": _counted(schemas_by_chance, seed, schema_count),
        "mutations": _counted(mutations, seed, mutation_count),
        "growth_bytes_per_call": _counted(flat, seed, call_count),
        "seconds": round(time.monotonic() - started, 1),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    click.echo(json.dumps(verdict))


def _counted(compare: Callable[[int, int], Found], seed: int, count: int) -> Found:
    try:
        return compare(seed, count)
    except Differs as difference:
        click.echo(f"The engines differ: {difference}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
