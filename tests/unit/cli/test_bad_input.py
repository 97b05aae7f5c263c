"""Bad input to `tocsin publish`: one sentence each, its exit code, and the good reports around it arrive."""

import base64
import hashlib
import io
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.catalogue import catalogue
from tests.builders.policy import a_folder
from tests.builders.submitting import MEMBER, NOBODY, Office, Terminal, an_office
from tests.builders.submitting import any_json as a_row
from tests.unit.producers.test_feed_xarf import an_xarf
from tests.unit.producers.test_identity import a_certificate
from tocsin.cli.main import main

Capture = pytest.CaptureFixture[str]
NOISE = hashlib.shake_256(b"seed").digest(600)
NESTED = base64.b64encode(base64.b64encode(b"\x89PNG\r\n\x1a\n" + NOISE[:150])).decode()
DATA_URI = f"data:image/png;base64,{base64.b64encode(NOISE).decode()}"

REFUSED_LINES: dict[str, Any] = {
    "time.in_future": a_row(submitter_reference="bad", detected_at="2099-01-01T00:00:00Z"),
    "text.too_long": a_row(submitter_reference="bad", source_url={"url": "https://a.example.test/" + "a" * 10_000}),
    "text.not_utf8": b'{"submitter_reference": "bad", "platform": "caf\xe9"}',
    "firewall.base64": a_row(submitter_reference=NESTED),
    "firewall.data_uri": a_row(submitter_reference=DATA_URI[:400]),
    "line.too_long": b'{"submitter_reference": "bad", "platform": "' + b"a" * 5_000_000 + b'"}',
    "json.not_object": b'["a report is an object"]',
    "json.malformed": b'{"submitter_reference": "bad", ',
    "country.unknown": a_row(submitter_reference="bad", declared_country="XQ"),
    "report.reference_in_use": a_row(submitter_reference="good-0", platform="another case"),
    "field.unknown": a_row(submitter_reference="bad", school="none of ours"),
    "report.says_nothing": {"submitter_reference": "bad"},
}

ODD_LINES: dict[str, Any] = {
    "code.unknown": a_row(submitter_reference="odd", incident_types=["no-such-code"]),
    "firewall.base64": a_row(submitter_reference="odd", memo=NESTED),
    "firewall.data_uri": a_row(submitter_reference="odd", memo=DATA_URI),
}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with an_office(tmp_path) as found:
        yield found


def a_file(folder: Path, *lines: Any) -> str:
    path = folder / "reports.jsonl"
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))
    return str(path)


def between(line: Any) -> tuple[Any, Any, Any]:
    return a_row(submitter_reference="good-0"), line, a_row(submitter_reference="good-1")


def references(office: Office) -> set[str]:
    return {report.submitter_reference for report in office.published()}


@pytest.mark.parametrize("code", REFUSED_LINES)
def test_a_bad_line_is_named_with_its_remedy_and_the_lines_around_it_arrive(
    code: str, office: Office, capsys: Capture
) -> None:
    ended = office.run(capsys, "publish", a_file(office.home, *between(REFUSED_LINES[code])))
    assert (ended.code, f"[{code}]" in ended.said) == (1, True), ended.said
    assert "line 2" in ended.said
    assert catalogue()[code].fix in ended.said
    assert references(office) == {"good-0", "good-1"}
    assert NESTED[:60] not in ended.said
    assert b"aaaaaaaaaa" not in ended.said.encode()


@pytest.mark.parametrize("code", REFUSED_LINES)
def test_a_bad_line_comes_back_to_be_corrected_without_what_the_firewall_hit(
    code: str, office: Office, capsys: Capture
) -> None:
    office.run(capsys, "publish", a_file(office.home, *between(REFUSED_LINES[code])))
    path = office.home / "reports.jsonl.rejected.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    content = path.read_text()
    assert code in content
    assert NESTED[:60] not in content
    assert DATA_URI[:60] not in content


def test_a_file_of_rejects_that_others_can_read_is_not_written_to(office: Office, capsys: Capture) -> None:
    path = office.home / "reports.jsonl.rejected.jsonl"
    path.touch(mode=0o644)
    ended = office.run(capsys, "publish", a_file(office.home, *between(REFUSED_LINES["json.malformed"])))
    assert (ended.code, "[file.too_open]" in ended.said) == (1, True), ended.said
    assert path.read_bytes() == b""
    assert references(office) == {"good-0", "good-1"}


@pytest.mark.parametrize("code", ODD_LINES)
def test_what_is_odd_goes_on_and_is_told(code: str, office: Office, capsys: Capture) -> None:
    ended = office.run(capsys, "publish", a_file(office.home, *between(ODD_LINES[code])))
    assert (ended.code, "note: " in ended.said, f"[{code}]" in ended.said) == (0, True, True), ended.said
    found = {report.submitter_reference: report for report in office.published()}
    assert set(found) == {"good-0", "odd", "good-1"}
    assert NESTED[:60] not in repr(found["odd"])


@pytest.mark.parametrize(
    ("text", "code", "arrive"),
    [
        ("incident_types\ncsam\n", "csv.column_missing", set()),
        ("submitter_reference,incident_types,memo\na,csam,\nb,csam,=1+1\nc,csam,\n", "csv.formula", {"a", "c"}),
        ('submitter_reference,incident_types,memo\na,csam,\nb,csam,"x\nc,csam,\n', "csv.malformed", {"a", "c"}),
        ("submitter_reference,incident_types\na,csam\nb,csam,x\nc,csam\n", "csv.cell_count", {"a", "c"}),
        (
            "submitter_reference,incident_types,detected_at\na,csam,\nb,csam,03/04/2026\nc,csam,\n",
            "time.day_month",
            {"a", "c"},
        ),
    ],
)
def test_a_table_loses_only_its_bad_rows(
    text: str, code: str, arrive: set[str], office: Office, capsys: Capture
) -> None:
    (office.home / "t.csv").write_text(text)
    looked, sent = (office.run(capsys, command, "t.csv") for command in ("validate", "publish"))
    for ended in (looked, sent):
        assert (ended.code, f"[{code}]" in ended.said) == (1, True), ended.said
    assert references(office) == arrive


def test_a_table_as_spreadsheets_write_it_arrives_whole(office: Office, capsys: Capture) -> None:
    text = '\ufeffsubmitter_reference;incident_types;memo\r\na;csam;"two\r\nlines"\r\nb;csam;\r\nc;csam\r\n'
    ended = office.run(capsys, "publish", "-", stdin=text.encode())
    assert (ended.code, references(office)) == (0, {"a", "b", "c"}), ended.said


def test_x_arf_of_another_category_is_refused_with_the_reason_and_the_others_arrive(
    office: Office, capsys: Capture
) -> None:
    other = an_xarf(category="connection", type="ddos", report_id="7f1d3a52-8a39-4f0e-9d53-0f7c2f0b6f7a")
    last = an_xarf(report_id="8f1d3a52-8a39-4f0e-9d53-0f7c2f0b6f7a")
    ended = office.run(capsys, "publish", "-", stdin=json.dumps([an_xarf(), other, last]).encode())
    assert (ended.code, "[xarf.other_type]" in ended.said, "line 2" in ended.said) == (1, True, True)
    assert len(references(office)) == 2


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_who_sits_at_the_terminal_is_asked_about_many_escalations(
    answer: str, code: int, office: Office, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    urgent = [a_row(submitter_reference=f"e{n}", escalation={"reason_code": "other"}) for n in range(21)]
    name = a_file(office.home, *urgent)
    monkeypatch.setattr("sys.stdin", Terminal(io.BytesIO(f"{answer}\n".encode())))
    with pytest.raises(SystemExit) as ended:
        main(["publish", name, "--as", MEMBER, "--home", str(office.home)])
    assert "escalates 21 reports. Is each of them urgent?" in capsys.readouterr().err
    assert (ended.value.code or 0, len(references(office))) == (code, 21 if answer == "y" else 0)


@pytest.mark.parametrize("bad", ["missing.jsonl", "picture.png", "eager.jsonl"])
def test_a_file_that_is_refused_whole_stops_no_other(bad: str, office: Office, capsys: Capture) -> None:
    (office.home / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + NOISE)
    urgent = [a_row(submitter_reference=f"e{n}", escalation={"reason_code": "other"}) for n in range(21)]
    (office.home / "eager.jsonl").write_text("\n".join(map(json.dumps, urgent)))
    for name in ("first", "last"):
        (office.home / f"{name}.jsonl").write_text(json.dumps(a_row(submitter_reference=name)))
    ended = office.run(capsys, "publish", "first.jsonl", bad, "last.jsonl")
    assert (ended.code, f"{bad}: " in ended.said) == (1, True), ended.said
    assert references(office) == {"first", "last"}
    if bad != "eager.jsonl":
        looked = office.run(capsys, "validate", "first.jsonl", bad, "last.jsonl")
        assert (looked.code, "last.jsonl (jsonl): 1 good, 0 to correct." in looked.said) == (1, True)


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n" + NOISE, b"PK\x03\x04" + NOISE, b"hello", b""])
def test_a_file_of_no_known_format_is_refused_whole(data: bytes, office: Office, capsys: Capture) -> None:
    ended = office.run(capsys, "publish", "-", stdin=data)
    assert ended.code == 1
    assert "[feed.unknown_format]" in ended.said or "[firewall." in ended.said


def test_a_member_without_profile_publishes_nothing(office: Office, capsys: Capture) -> None:
    office.policy = a_folder(office.home)
    (office.policy / "profiles" / f"{MEMBER}.toml").unlink()
    office.settle()
    ended = office.run(capsys, "publish", a_file(office.home, a_row()))
    assert (ended.code, f"profiles/{MEMBER}.toml" in ended.said) == (4, True), ended.said
    assert references(office) == set()


@pytest.mark.parametrize(
    ("name", "days", "code"), [("ngo-b", 36_500, "identity.wrong_member"), (MEMBER, 5, "identity.expired")]
)
def test_a_certificate_of_another_or_of_the_past_sends_nothing(
    name: str, days: int, code: str, office: Office, capsys: Capture
) -> None:
    office.certificate = a_certificate(office.home, name, days)
    office.settle()
    ended = office.run(capsys, "publish", a_file(office.home, a_row()))
    assert (ended.code, f"[{code}]" in ended.said) == (4, True), ended.said


def test_a_broker_that_is_away_is_said_and_what_was_good_is_sent_when_it_is_back(
    office: Office, capsys: Capture
) -> None:
    office.settle(NOBODY)
    name = a_file(office.home, *between(REFUSED_LINES["country.unknown"]))
    away = office.run(capsys, "publish", name, "--wait-seconds", "1")
    assert (away.code, "[send.away]" in away.said, "2 reports wait" in away.said) == (4, True, True), away.said
    assert "[country.unknown]" in away.said
    office.settle()
    later = office.run(capsys, "publish")
    assert (later.code, references(office)) == (0, {"good-0", "good-1"}), later.said


def test_a_registry_that_is_away_is_said_before_anything_is_taken(office: Office, capsys: Capture) -> None:
    office.registry.status = 503
    ended = office.run(capsys, "publish", a_file(office.home, a_row()))
    assert (ended.code, "[registry.away]" in ended.said) == (4, True), ended.said


def test_a_full_disk_under_the_journal_is_said_and_what_was_sent_before_stays(office: Office, capsys: Capture) -> None:
    assert office.run(capsys, "publish", a_file(office.home, a_row(submitter_reference="before"))).code == 0
    many = a_file(office.home, *(a_row(submitter_reference=f"case-{n}") for n in range(2_000)))
    words = ("publish", many, "--as", MEMBER, "--home", str(office.home))
    journal = office.home / "state" / "journal.sqlite"

    def allow_little_more() -> None:
        """The operating system refuses to let any file grow, as a disk without room does."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (journal.stat().st_size + 40_000,) * 2)

    command = [sys.executable, "-m", "tocsin", *words]
    done = subprocess.run(  # noqa: S603  # our own words
        command, check=False, capture_output=True, text=True, timeout=120, preexec_fn=allow_little_more
    )
    assert (done.returncode, "[journal.full]" in done.stderr) == (4, True), done.stderr
    again = office.run(capsys, "publish", many)
    assert (again.code, len(references(office))) == (0, 2_001), again.said


def test_rejects_that_cannot_be_written_are_said_and_the_good_reports_go_on(office: Office, capsys: Capture) -> None:
    name = a_file(office.home, *between(REFUSED_LINES["country.unknown"]))
    (office.home / "reports.jsonl.rejected.jsonl").mkdir(mode=0o700)
    ended = office.run(capsys, "publish", name)
    assert (ended.code, "[rejects.unwritable]" in ended.said) == (1, True), ended.said
    assert references(office) == {"good-0", "good-1"}


def test_a_state_folder_that_cannot_be_made_is_said(office: Office, capsys: Capture) -> None:
    (office.home / "state").write_text("a file where the folder belongs")
    ended = office.run(capsys, "publish", a_file(office.home, a_row()))
    assert (ended.code, "[journal.broken]" in ended.said) == (4, True), ended.said
