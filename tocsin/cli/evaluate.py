"""`tocsin evaluate`: hold the rules against cases, without Kafka."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import msgspec

from processors.evaluation.cases import Case, case_files, read_cases
from processors.evaluation.running import Runner
from processors.evaluation.scoring import Judged, families, judged
from schemas.failures import Refused
from schemas.records.report import PersonalPart
from tocsin.cli.evaluating.submissions import submission_of
from tocsin.cli.evaluating.telling import lines, summary
from tocsin.policy.bundle import SAMPLE, Bundle, load
from tocsin.runtime.registry import FixedDirectory, RecordCodec


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--policy", type=click.Path(path_type=Path), default=SAMPLE, help="Bundle of cases that name none.")
@click.option("--json", "as_json", is_flag=True, help="One object for programs.")
@click.option("--failures", default=10, show_default=True, help="How many failed cases of a family are shown.")
def command(paths: tuple[Path, ...], policy: Path, as_json: bool, failures: int) -> None:
    """Run the cases of PATHS (files of JSON lines, or folders of them) through the real steps.

    A case is one line: {"name", "as_of", "reports": [...], "expect": [...], "policy"?}. Each report is an object of
    the jsonl feed with `submitter` beside it; each expectation is matched as a part of what triage says of the report
    at its place. docs/guides/evaluate.md describes both with examples. Exit code 3 where a case fails.
    """
    directory = FixedDirectory()
    bundles = cache(load)
    results = [_run(case, bundles(case.policy or policy), directory) for case in _cases(paths)]
    found = families(results)
    if as_json:
        click.echo(msgspec.json.encode(summary(found)).decode())
    else:
        for line in lines(found, failures):
            click.echo(line)
        click.echo(f"{sum(family.passed for family in found)} of {len(results)} cases passed.")
    if any(family.failed for family in found):
        raise click.exceptions.Exit(3)


def _cases(paths: tuple[Path, ...]) -> Iterator[Case]:
    for file in case_files(paths):
        yield from read_cases(file)


def _run(case: Case, bundle: Bundle, directory: FixedDirectory) -> Judged:
    runner = Runner(bundle, RecordCodec(directory), directory.id_of(PersonalPart))
    try:
        found = [runner.run(written, submission_of, case.as_of_ms) for written in case.reports]
    except Refused as failure:
        raise Refused(f"{case.place}, {case.name}: {failure}", code=failure.code) from failure
    return judged(case, found)
