"""What each command leaves in the log is said here once: whoever adds a command decides that, and tells SECURITY.md."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from tocsin.cli.main import SECTIONS

ROOT = Path(__file__).parents[2]
ACTS: Final = {
    "acl apply": "test_membership.py",
    "audit epoch": "test_two_names.py",
    "dlq drop": "test_dlq.py",
    "dlq retry": "test_dlq.py",
    "erase": "test_recalls.py",
    "hold legal release": "test_people.py",
    "hold legal set": "test_people.py",
    "hold release": "test_people.py",
    "hold set": "test_people.py",
    "keyring retire": "test_key_rotation.py",
    "keyring rotate": "test_key_rotation.py",
    "keys admit": "test_membership.py",
    "keys destroy": "test_marker.py",
    "keys new": "test_origins.py",
    "keys revoke": "test_recalls.py",
    "keys rotate": "test_origins.py",
    "ledger skip": "test_set_aside.py",
    "member add": "test_membership.py",
    "member leave": "test_membership.py",
    "member renew": "test_membership.py",
    "member resume": "test_membership.py",
    "member suspend": "test_membership.py",
    "policy promote": "test_two_names.py",
    "queue decide": "test_people.py",
    "recall": "test_recalls.py",
    "reroute": "test_reroute.py",
    "subject": "test_erase.py",
}
"""What a person decides with, and the test of tests/integration/ that reads the entry of each."""
LOOKS: Final = {
    "audit export", "audit prove", "disclosures", "dlq show", "dossier", "explain", "policy shadow", "queue list",
    "queue take", "receipts", "subscribe",
}  # fmt: skip
"""Looks, by tests/unit/cli/test_purpose.py; `subject` is one, too, where it changes nothing."""
NOT_LOGGED: Final = {
    "hold legal tell": "tells again what stands",
    "keyring begin": "there is no log yet",
    "keys begin": "there is no log yet",
    "keys keeper": "there is no log yet",
    "policy key": "a key of whoever runs it",
    "policy sign": "the second half of a promotion, whose entry names both",
    "provision": "makes what the log needs, before it is there, and after a restore before its epoch begins",
}
"""Changes that leave no entry, and why."""
MEMBERS: Final = {
    "answer", "correct", "deliver", "generate", "member request", "publish", "purge", "receiver", "sent", "template",
    "validate", "verify", "withdraw",
}  # fmt: skip
"""A member's own, at its own machine: what comes to the exchange is signed, and settled."""
PROCESSES: Final = {"canary", "demo", "down", "lag", "ops", "returns", "triage", "up"}
"""They run until they are stopped, or start and stop what does."""
FIGURES: Final = {
    "acl manifests", "acl plan", "audit checkpoint", "audit keys", "audit verify", "dlq list", "doctor", "evaluate",
    "hold legal list", "hold list", "keyring list", "keys list", "ledger", "member check", "member list",
    "policy check", "policy diff", "policy legal-map", "policy list", "policy show", "policy ucs", "quality", "recalls",
    "schema check", "schema crosswalk", "schema data", "schema diff", "schema draft", "schema inventory", "schema list",
    "schema reference", "schema show", "stats", "status", "top",
}  # fmt: skip
"""Ids, members, codes, states and counts; no field of a report, and nothing changes (ADR 0049)."""


def leaves(name: str, command: click.Command) -> Iterator[str]:
    """Each command as it is typed."""
    if not isinstance(command, click.Group):
        yield name
        return
    if command.invoke_without_command:
        yield name
    for word, inner in command.commands.items():
        yield from leaves(f"{name} {word}", inner)


def test_of_each_command_it_is_said_whether_the_log_keeps_it() -> None:
    known = [*ACTS, *LOOKS, *NOT_LOGGED, *MEMBERS, *PROCESSES, *FIGURES]
    there = [
        leaf
        for names in SECTIONS.values()
        for name in names
        for leaf in leaves(name, importlib.import_module(f"tocsin.cli.{name}").command)
    ]
    assert sorted(known) == sorted(there), "a new command belongs to one of these, and to SECURITY.md, 'The log'"


def test_the_entry_of_each_act_is_read_by_a_test_in_the_words_in_which_it_is_told() -> None:
    for command, test in ACTS.items():
        written = (ROOT / "tests" / "integration" / test).read_text("utf-8")
        words = ", ".join(f'"{word}"' for word in command.split())
        is_read = f"(tocsin {command})" in written or f"command=({words})" in written
        assert is_read, f"{test} does not read the entry of {command}"


def test_security_names_each_act_and_each_change_without_an_entry() -> None:
    (section,) = re.findall(r"## The log\n(.*?)\n## ", (ROOT / "SECURITY.md").read_text("utf-8"), re.DOTALL)
    acts, _, rest = section.partition("**Not logged:**")
    assert {one for one in ACTS if f"`{one}`" not in acts} == set()
    assert {one for one in NOT_LOGGED if f"`{one}`" not in rest} == set()
