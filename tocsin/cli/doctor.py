"""`tocsin doctor`: what is wrong with a home, and the next command."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from tocsin.stack.doctor.examining import examine
from tocsin.stack.doctor.findings import Finding, Level, worst

FAILED = 3
AWAY = 4


@click.command(name="doctor")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
def command(home: Path, as_json: bool) -> None:
    """Look at services, certificates, policy, settings, topics, access rules, schemas, migrations and consumer groups.

    Each line that is not ok names the command to run next. Exit codes: 0 nothing failed; 3 a check failed;
    4 a service does not answer, or the home has no stack.
    """
    found = examine(home, datetime.now(UTC))
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    else:
        for finding in found:
            click.echo(_line(finding))
    sys.exit(_exit_code(found))


def _line(finding: Finding) -> str:
    hint = f"  → {finding.next_command}" if finding.next_command else ""
    return f"{finding.level:<5} {finding.part:<13} {finding.says}{hint}"


def _exit_code(found: tuple[Finding, ...]) -> int:
    services = {"kafka", "postgresql", "registry"}
    if any(finding.part in services and finding.level is Level.FAIL for finding in found):
        return AWAY
    return FAILED if worst(found) is Level.FAIL else 0
