"""The `tocsin` command: which file answers which sub-command, and what each exit code means."""

import errno
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

import click

from schemas.catalogue import message
from tocsin.runtime.failures import Broken, Failure, Refused, Temporary, Unreadable

SECTIONS: dict[str, dict[str, str]] = {
    "Run the exchange": {
        "demo": "Run the main job with simulated members.",
        "up": "Start the local Kafka, PostgreSQL and schema registry.",
        "down": "Stop the local stack.",
        "status": "Show what runs.",
        "member": "Add, check, suspend, renew and see off members.",
        "provision": "Make tables, schemas and topics on servers that are there.",
        "acl": "Plan or apply the broker's access rules.",
        "triage": "Run the triage worker of one lane.",
        "returns": "Run the worker that reads what recipients answer.",
        "canary": "Send tests of the way to every member.",
        "lag": "Show or serve how far each consumer group is behind.",
    },
    "Submit reports": {
        "template": "Write the empty reporting template.",
        "validate": "Check files of reports.",
        "publish": "Publish files of reports.",
        "sent": "Show what was sent and what became of it.",
        "correct": "Publish new revisions.",
        "withdraw": "Take a report back.",
        "generate": "Make synthetic reports for a local stack.",
        "purge": "Delete the bodies of confirmed reports.",
    },
    "Receive referrals": {
        "deliver": "Run a member's inbox and courier.",
        "answer": "Answer referrals: taken up, refused, outcome, question.",
        "subscribe": "Read a member's referrals.",
        "verify": "Check that referrals say what their submitters signed.",
        "receiver": "Run the reference receiver.",
    },
    "Decide and explain": {
        "queue": "List, take and decide what waits for a person.",
        "hold": "Hold notices to hosts for a police unit; keep reports for a court.",
        "explain": "Show why a report was decided as it was.",
        "quality": "Show what a submitter should add first.",
        "ops": "Show on a page whether every promise holds.",
        "top": "Show in the terminal whether every promise holds.",
        "stats": "Show what improved: counts and times, baselines, objectives.",
        "evaluate": "Hold the rules against cases.",
        "policy": "Check, show and compare policy bundles; the legal map.",
        "keyring": "Make, list, rotate or retire the digest keys of triage.",
    },
    "Prove and repair": {
        "receipts": "Show who said and got what of a report, each signature verified.",
        "keys": "Make, list, rotate and revoke the keys that sign and seal.",
        "audit": "Take, keep and verify the log of decisions, disclosures and reads.",
        "dossier": "Gather one referral for a court: page, signed manifest, proof.",
        "recall": "Take a report, a label or all of a member back from everybody who has it.",
        "recalls": "Show who was told to give a report up, and who has acknowledged it.",
        "disclosures": "Say who received what, and who looked at what and why.",
        "subject": "Say whether an address, digest or account is held, and who has it.",
        "erase": "Take a report's content back from everywhere, and keep it gone.",
        "reroute": "Decide past reports again where rules changed who gets them.",
        "dlq": "List, show, retry or drop dead letters.",
        "doctor": "Say what is wrong, and the next command.",
        "ledger": "Reconcile every record against the broker.",
        "schema": "List, show, check or compare schemas.",
    },
}

EXTRAS: dict[str, tuple[str, ...]] = {
    "submit": ("template", "validate", "publish", "sent", "correct", "withdraw", "generate", "purge"),
    "receive": ("deliver", "answer", "subscribe", "verify"),
    "receiver": ("receiver",),
    "ops": ("ops", "top"),
    "stack": ("demo", "up", "down", "status"),
}
"""What to install for a command; every other one is the operator's, and comes with `triage`."""

_OTHERS: Final = 0o077
"""What a file that a command makes gives nobody but its owner; what is public says so where it is written."""
_EXIT_CODES: dict[type[Failure], int] = {Unreadable: 1, Refused: 1, Temporary: 4, Broken: 4}


class Commands(click.Group):
    """Loads a command's file only when it is called, so that `--help` is quick and extras stay optional."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the help page."""
        return [name for section in SECTIONS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in self.list_commands(ctx):
            return None
        try:
            module = importlib.import_module(f"tocsin.cli.{cmd_name}")
        except ModuleNotFoundError as error:
            raise _missing_part(cmd_name, error) from error
        command = module.command
        assert isinstance(command, click.Command)  # noqa: S101 -- the contract of tocsin/cli, kept by a test
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run what was asked for; what it finds missing only then is said as at its start."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            raise _missing_part(str(ctx.invoked_subcommand), error) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One block a section, without importing any command."""
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(list(section.items()))


def extra_of(command: str) -> str:
    """The extra of the package that brings all that a command needs."""
    return next((extra for extra, commands in EXTRAS.items() if command in commands), "triage")


class Absent(click.ClickException):
    """A part of the package that was not installed here: the environment is at fault, not the words."""

    exit_code = 4


def _missing_part(command: str, error: ModuleNotFoundError) -> Absent:
    return Absent(
        f"'{command}' needs the Python module {error.name}, which is not installed here. "
        f"Install the extra that brings it: pip install 'tocsin[{extra_of(command)}]'"
    )


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="tocsin")
def tocsin() -> None:
    """Exchange child-protection reports: metadata only, never imagery.

    Exit codes: 0 done; 1 some input was refused; 2 wrong usage; 3 a check did not hold;
    4 the environment is broken or away.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code; what it writes is for its owner alone."""
    before = os.umask(_OTHERS)
    try:
        _run(arguments)
    finally:
        os.umask(before)


def _run(arguments: Sequence[str] | None) -> NoReturn:
    """The one place where failures become sentences."""
    try:
        sys.exit(tocsin.main(args=list(arguments) if arguments is not None else None, standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read, such as `head`, has enough
        sys.exit(141)
    except OSError as error:
        code = "file.full" if error.errno == errno.ENOSPC else "file.unusable"
        click.echo(f"{message(code, name=error.filename or 'a connection', reason=error.strerror)} [{code}]", err=True)
        sys.exit(4)
    except Failure as failure:
        click.echo(f"{failure}{f' [{failure.code}]' if failure.code else ''}", err=True)
        sys.exit(next(code for kind, code in _EXIT_CODES.items() if isinstance(failure, kind)))
