"""A canary in each text, on the real stack: it comes to whom the ceilings name, and no process shows it elsewhere."""

import base64
import importlib
import json
import re
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from psycopg import sql

from schemas.disclosure import Audience
from schemas.records.identifiers import MemberId
from schemas.topics import RULINGS, TRIAGED, dead_letter_topic, status_topic
from tests.builders import commands
from tests.builders.answering import AUTHOR
from tests.builders.balances import settled
from tests.builders.planting import CANARY, MEMBER
from tests.builders.sung import TOPICS, Planted, fields_of, send, songs, sung_in
from tests.builders.sung_back import (
    ANSWERED_FROM,
    BACK,
    RECIPIENT,
    TYPED_FROM,
    Referred,
    answers,
    referred,
    send_back,
    typed,
)
from tests.builders.waiting import a_free_port, until
from tests.integration.test_sealed import on_topics
from tests.integration.test_serving import is_ready
from tocsin.cli.main import SECTIONS
from tocsin.policy.bundle import SAMPLE, load
from tocsin.policy.sharing import AUDIENCES
from tocsin.stack.demo.crew import Crew
from tocsin.stack.postgres import DATABASE

pytestmark = pytest.mark.stack
MEMBERS = load(SAMPLE).members
POLICE = "de-police"
COMMANDS = {
    "normal": ("triage", "--lane", "normal"),
    "escalated": ("triage", "--lane", "escalated"),
    "returns": ("returns",),
    "deliver": ("deliver", RECIPIENT),
    "lag": ("lag", "--serve"),
    "canary": ("canary", "--every-seconds", "60"),
}
READERS = {
    **dict.fromkeys((TRIAGED, RULINGS), frozenset({Audience.OPERATOR})),
    status_topic(MEMBER): frozenset({Audience.SUBMITTER}),
    status_topic(RECIPIENT): frozenset({AUTHOR}),
    **{
        topic: frozenset({AUDIENCES[member.sector]})
        for name, member in MEMBERS.items()
        for topic in (f"referrals.{member.jurisdiction}.{name}.v1", f"referrals.{member.jurisdiction}.{name}.urgent.v1")
    },
}
"""Which classes read a topic, but for those of members' own records; what is not here may hold no canary."""
LETTERS = tuple(dead_letter_topic(topic) for topic in TOPICS)
OWN = frozenset({*TOPICS, *LETTERS, BACK, dead_letter_topic(BACK)})
BYTES = re.compile(r"\\\\x((?:[0-9a-f]{2})+)")
"""As PostgreSQL writes what is no text, within a row."""
PRIVATE = (".sign.pem", ".seal.pem")
"""How files of private keys end; a certificate's key ends in `.key`."""
SEED_BYTES = 32
"""At the end of such a file's one line: the key itself, whatever stands before it."""
LONG_ENOUGH = 16
"""Bytes of a secret, below which it could stand somewhere by chance."""


class Heard(Struct, frozen=True):
    """What an exchange did with the canaries, and all that its processes showed while they did it."""

    stack: Any
    planted: Mapping[int, Planted]
    shown: Mapping[str, bytes]
    logs: Mapping[str, bytes]


@pytest.fixture(scope="module")
def heard(busy_stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Heard]:
    folder, stack = tmp_path_factory.mktemp("canaries"), busy_stack
    ports = {name: a_free_port() for name in COMMANDS}
    with Crew(stack.home, folder) as crew:  # in full: what is forked shows its nursery's words and environment
        for name, command in COMMANDS.items():
            crew.start(name, (*command, "--metrics-port", str(ports[name])))
        until(lambda: all(is_ready(port) for port in ports.values()))
        found, before = songs(), settled(stack.home, TOPICS)
        send(stack, found)
        said = publish_canaries(stack, folder)
        until(lambda: settled(stack.home, TOPICS) >= before + len(found))
        said += tocsin(stack, "deliver", POLICE, "--once")
        until(lambda: len(given(stack, RECIPIENT)) > 4)
        found = {**found, **answer(stack), **type_canaries(stack)}
        places = {"said by commands": said.encode()} | shown(stack)
        places |= {f"metrics of {name}": scraped(port) for name, port in ports.items()}
        assert {str(crew.pid(name)) for name in COMMANDS} <= {name.split()[0] for name in places}, "ours were looked at"
        yield Heard(stack, found, places, logs_of(stack.home / "logs", folder))


def publish_canaries(stack: Any, folder: Path) -> str:
    """What the command says of a file whose lines hold the canary where nothing of the kind is expected."""
    fields = ("submitter_reference", "detected_at", "declared_country", "incident_types", "legal_basis")
    lines = [json.dumps({"submitter_reference": f"line-{name}", name: CANARY}) for name in fields]
    file = folder / "reports.jsonl"
    file.write_text("\n".join((*lines, CANARY)))
    return tocsin(stack, "publish", "--as", MEMBER, str(file), ends=1)


def answer(stack: Any) -> Mapping[int, Planted]:
    """A hotline answers a referral in every way and leaves another, with a canary in each of its texts."""
    found, before = answers(*given(stack, RECIPIENT)[:2]), settled(stack.home, {BACK})
    send_back(stack, found)
    until(lambda: settled(stack.home, {BACK}) >= before + len(found))
    return found


def type_canaries(stack: Any) -> Mapping[int, Planted]:
    """Operators give a canary for each name, reason and purpose that a command asks them for."""
    letter = str(listed(stack, "dlq")[0]["id"])
    kept, recalled, erased = (one.report_id for one in given(stack, RECIPIENT)[-3:])
    found, commands_ = typed(
        (
            ("explain", kept, "--by", "?", "--purpose", "?"),
            ("queue", "list", "--by", "?", "--purpose", "?"),
            *(
                ("queue", "take", str(one["number"]), "--by", "?", "--purpose", "?")
                for one in listed(stack, "queue")[:1]
            ),
            ("dlq", "show", letter, "--by", "?", "--purpose", "?"),
            ("dlq", "drop", letter, "--by", "?", "--reason", "?"),
            ("hold", "set", kept, "--owner", RECIPIENT, "--by", "?", "--reason", "?"),
            ("hold", "legal", "set", kept, "--owner", "?", "--by", "?", "--reason", "?"),
            ("recall", "report", recalled, "--by", "?", "--reason", "?"),
            ("erase", "--report", erased, "--by", "?", "--reason", "?"),
        )
    )
    for words in commands_:
        done = commands.tocsin(stack.home, *words)
        assert done.returncode in {0, 3}, (words, done.stdout, done.stderr)
    return found


def listed(stack: Any, command: str) -> list[dict[str, Any]]:
    """What `queue list` or `dlq list` shows."""
    done = commands.tocsin(stack.home, command, "list", "--json")
    return [json.loads(line) for line in done.stdout.splitlines()]


def given(stack: Any, member: str) -> list[Referred]:
    return referred(stack.home / "state" / member / "delivered")


def tocsin(stack: Any, *words: str, ends: int = 0) -> str:
    done = commands.tocsin(stack.home, *words)
    assert done.returncode == ends, done.stderr
    return done.stdout + done.stderr


def delivered(stack: Any, member: str) -> bytes:
    folder = stack.home / "state" / member / "delivered"
    return b"".join(file.read_bytes() for file in folder.glob("[!.]*.json"))


def logs_of(*folders: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for folder in folders for file in folder.rglob("*.log")}


def scraped(port: int) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read()
    finally:
        connection.close()


def shown(stack: Any) -> dict[str, bytes]:
    """Command line and environment of each process that works in the home: the stack's, and ours."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words, environment = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        except OSError:
            continue  # it has ended, or is not ours to look at
        if str(stack.home).encode() in words + environment:
            found[f"{process.name} {words[:80]!r}"] = words + environment
    return found


def secrets(home: Path) -> dict[str, list[bytes]]:
    """Each secret of a home, in the forms in which it could be written down: raw, hexadecimal, base64, lines of PEM."""
    found = {}
    for file in sorted(one for one in home.rglob("*") if one.is_file() and is_secret(one)):
        content = file.read_bytes()
        lines = content.split() if content.startswith(b"-----BEGIN") else [content.strip()]
        long = [line for line in lines if len(line) >= LONG_ENOUGH and b"-----" not in line]
        pem = long[1:] if len(long) > 1 else long  # the first line of a key says of which kind it is
        bare = [base64.b64decode(one)[-SEED_BYTES:] for one in pem if file.name.endswith(PRIVATE)]
        found[file.name] = [form for one in (*pem, *bare) for form in forms_of(one)]
    return found


def forms_of(secret: bytes) -> tuple[bytes, ...]:
    return secret, secret.hex().encode(), base64.b64encode(secret), base64.urlsafe_b64encode(secret)


def is_secret(file: Path) -> bool:
    named = file.suffix in {".password", ".key", ".hook"} or file.name == "secret" or file.name.endswith(PRIVATE)
    return named and not re.search("public", file.name)


def hits(wanted: list[bytes], places: dict[str, bytes]) -> list[str]:
    return [place for place, content in places.items() if any(one in content for one in wanted)]


def kept(stack: Any) -> dict[str, bytes]:
    """Each table of the exchange's database, all that its superuser can read."""
    found = {}
    with stack.postgres.connect(database=DATABASE) as connection:
        tables = connection.execute(
            "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            rows = connection.execute(sql.SQL("select t::text from {} t").format(sql.Identifier(schema, table)))
            said = "\n".join(str(row[0]) for row in rows)
            found[f"{schema}.{table}"] = said.encode() + b"".join(map(bytes.fromhex, BYTES.findall(said)))
    return found


def stored(stack: Any) -> dict[tuple[str, ...], bytes]:
    """Each file of each member and process, and of whatever else is in the home; topics and tables are read as such."""
    return {
        file.relative_to(stack.home).parts: file.read_bytes()
        for folder in stack.home.iterdir()
        if folder.is_dir() and not folder.name.startswith(("kafka", "postgresql"))
        for file in folder.rglob("*")
        if file.is_file()
    }


def of_members(file: tuple[str, ...]) -> frozenset[str]:
    """Who may see what lies in a file of a home."""
    if file[0] != "state" or (name := MemberId(file[1])) not in MEMBERS:
        return frozenset()
    return frozenset({Audience.SUBMITTER if name == MEMBER else AUDIENCES[MEMBERS[name].sector]})


def untold(heard: Heard, contents: Mapping[Any, bytes], readers: Mapping[Any, frozenset[str]]) -> dict[Any, list[str]]:
    """Where a canary stands that those who read there may not see, and in which field it was planted."""
    found = {}
    for place, content in contents.items():
        may = readers.get(place, frozenset())
        if wrong := [n for n in sung_in(content) if not may or not may <= heard.planted[n].ceiling]:
            found[place] = fields_of(heard.planted, wrong)
    return found


def test_a_canary_is_beyond_its_topic_where_its_ceiling_lets_it_and_a_personal_one_in_its_recipients_sink_alone(
    heard: Heard,
) -> None:
    topics: dict[str, bytes] = {}
    for topic, content in on_topics(heard.stack):
        topics[topic] = topics.get(topic, b"") + content
    beyond = {topic: content for topic, content in topics.items() if topic not in OWN}
    assert untold(heard, beyond, READERS) == {}
    letters = frozenset().union(*(sung_in(topics[topic]) for topic in LETTERS))
    assert letters == {number for number, one in heard.planted.items() if one.refused}
    personal = {number for number, one in heard.planted.items() if one.personal}
    assert not personal & frozenset().union(*map(sung_in, topics.values())), "sealed, on the way in and out"
    assert {reader for topic in beyond if sung_in(beyond[topic]) for reader in READERS[topic]} == (
        {*Audience, AUTHOR} - {Audience.PLATFORM}
    ), "or this test would see nothing"

    operators = frozenset({Audience.OPERATOR})
    tables = kept(heard.stack)
    assert untold(heard, tables, dict.fromkeys(tables, operators)) == {}
    kept_of = frozenset().union(*map(sung_in, tables.values()))
    assert {number for number in heard.planted if number >= TYPED_FROM} <= kept_of, "each word of an operator is kept"
    assert any(ANSWERED_FROM <= number < TYPED_FROM for number in kept_of)
    files = stored(heard.stack)
    assert untold(heard, files, {file: of_members(file) for file in files}) == {}
    assert personal & sung_in(delivered(heard.stack, POLICE))
    assert {file[2] for file, content in files.items() if personal & sung_in(content)} == {"delivered"}


def test_no_canary_and_no_secret_is_in_a_log_a_metric_an_environment_or_a_command_line(heard: Heard) -> None:
    names = {Path(name).stem for name, content in heard.logs.items() if content}
    assert {*COMMANDS, "kafka", "registry"} - {"lag"} <= names, "or there would be nothing to look into"
    assert len(shown(heard.stack)) >= len(COMMANDS) + 3
    known = secrets(heard.stack.home)
    assert len(known) >= 10
    kinds = {"".join(Path(name).suffixes) for name in known}
    assert {*PRIVATE, ".key", ".password"} <= kinds, "a kind that is not found is not searched for"
    places = dict(heard.shown) | dict(heard.logs)
    assert hits([CANARY.encode()], {name: content.lower() for name, content in places.items()}) == []
    assert {name: found for name, forms in known.items() if (found := hits(forms, places))} == {}


def test_each_command_that_counts_is_listened_to() -> None:
    commands = {
        name: importlib.import_module(f"tocsin.cli.{name}").command for part in SECTIONS.values() for name in part
    }
    counting = {name for name, one in commands.items() if any("--metrics-port" in found.opts for found in one.params)}
    assert counting == {command[0] for command in COMMANDS.values()}
